package stream

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tocsin/engine"
	"tocsin/engine/query"
)

// rig runs streams on a whole engine, and notes as text what passes its taps.
//
// Scripts are items separated by ";". "+5" advances the clock by so much. Any
// other item is an event: its time, then its fields, such as
// "3 host=a metric=2 tags=x,y". What passes is shown in the same form.
type rig struct {
	t     testing.TB
	graph *Graph
	got   []string
	ids   *engine.Identities
}

func newRig(t testing.TB, o engine.Options, build func(r *rig, events *Stream)) *rig {
	t.Helper()
	r := &rig{t: t, graph: NewGraph(engine.New(o, 0))}
	r.ids = r.graph.engine.Identities()
	build(r, r.graph.Events())
	r.graph.Start()
	return r
}

// tap notes what passes s behind the name.
func (r *rig) tap(name string, s *Stream) *Stream {
	return s.Tap(func(m engine.Message) error {
		r.got = append(r.got, strings.TrimSpace(name+" "+showMessage(m)))
		return nil
	})
}

// play hands the events of a script to the engine, as a source does. In a pause
// the engine does not run.
func (r *rig) play(script string) *rig {
	r.t.Helper()
	for _, item := range strings.Split(script, ";") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		if dt, ok := strings.CutPrefix(item, "+"); ok {
			r.graph.engine.Advance(r.graph.engine.Now().Add(engine.Seconds(atof(r.t, dt))), 0)
			continue
		}
		if dt, ok := strings.CutPrefix(item, "pause "); ok {
			r.graph.engine.Resume(r.graph.engine.Now().Add(engine.Seconds(atof(r.t, dt))))
			continue
		}
		e := parseEvent(r.t, r.ids, item)
		if at := max(e.Time, r.graph.engine.Now()); !r.graph.engine.Advance(at, 0) {
			r.t.Fatal("the clock stopped")
		}
		r.graph.engine.Ingest(&e)
	}
	return r
}

// want compares what was noted with the items of a script, and forgets it.
func (r *rig) want(script string) {
	r.t.Helper()
	wantItems(r.t, r.got, script)
	r.got = nil
}

func wantItems(t testing.TB, got []string, script string) {
	t.Helper()
	var want []string
	for _, item := range strings.Split(script, ";") {
		if item = strings.TrimSpace(item); item != "" {
			want = append(want, item)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %s\nwant %s", strings.Join(got, "; "), strings.Join(want, "; "))
	}
}

// playBench is play for a stream apart from any index. An item in brackets, of
// events separated by "|", is a list. An event behind "!" does not move the
// clock.
func playBench(t *testing.T, b *bench, script string) {
	t.Helper()
	for _, item := range strings.Split(script, ";") {
		item = strings.TrimSpace(item)
		if dt, ok := strings.CutPrefix(item, "+"); ok {
			b.advance(atof(t, dt))
		} else if list, ok := strings.CutPrefix(item, "["); ok {
			var events []engine.Event
			for _, one := range strings.Split(strings.TrimSuffix(list, "]"), "|") {
				if one = strings.TrimSpace(one); one == "none" {
					events = append(events, engine.Event{})
				} else if one != "" {
					events = append(events, parseEvent(t, b.engine.Identities(), one))
				}
			}
			b.head.HandleList(events)
		} else if late, ok := strings.CutPrefix(item, "!"); ok {
			e := parseEvent(t, b.engine.Identities(), late)
			e.Arrival = b.engine.Now()
			b.head.Handle(&e)
		} else if item != "" {
			b.send(parseEvent(t, b.engine.Identities(), item))
		}
	}
}

// shown returns what came out of the bench, in the form of scripts.
func (b *bench) shown() []string {
	var out []string
	for _, m := range b.got {
		out = append(out, showMessage(m))
	}
	return out
}

func atof(t testing.TB, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func parseEvent(t testing.TB, ids *engine.Identities, text string) engine.Event {
	t.Helper()
	var c engine.Change
	words := strings.Fields(text)
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		v := engine.TextValue(value)
		switch name {
		case "tags":
			c.SetTags(strings.Split(value, ","))
			continue
		case "metric", "ttl":
			v = engine.NumberValue(atof(t, value))
		}
		if err := c.Set(name, v); err != nil {
			t.Fatal(err)
		}
	}
	e := c.New(ids)
	if words[0] != "-" { // no time
		e.SetTime(engine.TimeOf(atof(t, words[0])))
	}
	return e
}

func showMessage(m engine.Message) string {
	if !m.List {
		return showEvent(&m.Events[0])
	}
	var parts []string
	for i := range m.Events {
		parts = append(parts, showEvent(&m.Events[i]))
	}
	return "[" + strings.Join(parts, " | ") + "]"
}

func showEvent(e *engine.Event) string {
	if e.ID == nil {
		return "none"
	}
	words := []string{"-"}
	if e.Has&engine.HasTime != 0 {
		words[0] = strconv.FormatFloat(e.Time.Seconds(), 'g', -1, 64)
	}
	for _, name := range []string{"host", "service", "state", "metric", "ttl", "tags"} {
		if v := engine.FieldNamed(name).Of(e); v.Kind != engine.Absent {
			words = append(words, name+"="+v.String())
		}
	}
	for _, a := range e.ID.Labels.Attrs {
		words = append(words, a.Key+"="+a.Value)
	}
	if e.Has&engine.HasDescription != 0 {
		words = append(words, fmt.Sprintf("%q", e.Description))
	}
	return strings.Join(words, " ")
}

// queried parses a query.
func queried(t *testing.T, text string) engine.Predicate {
	t.Helper()
	q, err := query.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// failing is a predicate, and a key, that fails for events with the metric 13.
type failing struct{ err error }

func (failing) Static(*engine.Identity) engine.Verdict { return engine.Maybe }
func (f failing) Rest(e *engine.Event) (bool, error)   { return f.Match(e) }
func (f failing) Match(e *engine.Event) (bool, error) {
	if e.Metric == 13 {
		return false, f.err
	}
	return true, nil
}
func (f failing) Value(e *engine.Event) (engine.Value, error) {
	if e.Metric == 13 {
		return engine.Value{}, f.err
	}
	return engine.NumberValue(e.Metric), nil
}

// benchCase is a stream, what goes in, and what comes out.
type benchCase struct {
	name  string
	build func(s *Stream) (*Stream, error)
	in    string
	want  string
}

func runBenchCases(t *testing.T, cases []benchCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.build)
			playBench(t, b, c.in)
			wantItems(t, b.shown(), c.want)
		})
	}
}

// field is a key that is a field.
func field(name string) engine.Key { return engine.FieldNamed(name) }

var nan = math.NaN()
