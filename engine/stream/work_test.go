package stream

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/engine"
)

// describeWork shows what each operator but the heads has done: "NAME IN>OUT",
// with groups and errors where there are some.
func describeWork(g *Graph) string {
	workers := g.Workers()
	work := make([]Work, len(workers))
	g.Work(0, work)
	var parts []string
	for i, w := range workers {
		if w.Head {
			continue
		}
		text := fmt.Sprintf("%s %d>%d", w.Name, work[i].In, work[i].Out)
		for at, name := range w.Outs {
			text += fmt.Sprintf(" %s:%d", name, work[i].Outs[at])
		}
		if work[i].Groups > 0 {
			text += fmt.Sprintf(" groups:%d", work[i].Groups)
		}
		if work[i].Errors > 0 {
			text += fmt.Sprintf(" errors:%d", work[i].Errors)
		}
		parts = append(parts, strings.TrimSpace(text))
	}
	return strings.Join(parts, ", ")
}

func TestWork(t *testing.T) {
	const in = "0 host=a service=x metric=1 ttl=5; 1 host=b service=x metric=2 ttl=9; 2 host=a service=y metric=3 ttl=9;"
	for _, c := range []struct {
		name, script string
		build        func(r *rig, events *Stream)
		want         string
	}{
		{"what the router leaves out does not come in", in, func(_ *rig, events *Stream) {
			events.Where(queried(t, `service = "x" and metric > 1`)).Live()
		}, "where 2>1, live 1>1"},
		{"a head without a condition", in, func(_ *rig, events *Stream) { events.Index() }, "index 3>3"},
		{"groups", in, func(_ *rig, events *Stream) { byFields(t, events, "host") }, "by 3>3 groups:2"},
		{"groups go with their entries", in + "+20; +3700", func(_ *rig, events *Stream) { byFields(t, events, "host") }, "by 6>6"},
		{"groups in groups", in, func(_ *rig, events *Stream) { byFields(t, byFields(t, events, "host"), "service") },
			"by 3>3 groups:2, by 3>3 groups:3"},
		{"several outs, joined again", in, func(_ *rig, events *Stream) {
			streams, _ := events.Split(queried(t, "metric = 1"))
			Merge(streams[0], streams[1].Over(2))
		}, "split 3>3 rest:2 1:1, over 2>1, merge 2>2"},
		{"errors, caught and not", in, func(_ *rig, events *Stream) {
			failAt(events.Where(queried(t, `service = "x"`)), 1).Catch()
			failAt(events.Where(queried(t, `service = "x"`)), 2)
		}, "where 2>2, each 2>1 errors:1, catch 1>2 :1 errors:1, where 2>2, each 2>1 errors:1"},
		// The errors are events, too, and one of the three expires.
		{"lists, and what comes by the clock", in + "+3", func(r *rig, events *Stream) {
			s, _ := events.Where(queried(t, "metric")).Batch(2, 4*time.Second)
			r.graph.Every("turns", 2*time.Second, func() error { return fmt.Errorf("oh") })
			s.Index()
		}, "where 6>3, batch 3>2, 2>0 errors:2, index 2>2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, engine.Options{}, c.build).play(c.script)
			if got := describeWork(r.graph); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestWorkersKnowTheirStream: all that is drawn behind one head is one stream,
// and what joins several belongs to the first.
func TestWorkersKnowTheirStream(t *testing.T) {
	r := newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		a, b := events.Over(1), events.Over(2)
		Merge(a.Live(), b)
		r.graph.Head().Live().Over(1)
		r.graph.Every("", time.Second, func() error { return nil })
	})
	var got []string
	for i, w := range r.graph.Workers() {
		got = append(got, fmt.Sprintf("%d%s %d %d %d", i, w.Name, w.Begin, w.From, w.Depth))
	}
	want := "0 -1 -1 0; 1over 1 0 0; 2over 2 0 0; 3live 1 0 1; 4merge 1 0 2; 5 -1 -1 0; 6live 6 5 0; 7over 6 5 1; 8 -1 -1 0"
	if strings.Join(got, "; ") != want {
		t.Errorf("\n got %s\nwant %s", strings.Join(got, "; "), want)
	}
}

// sleepy takes some time of the wall's clock.
func sleepy(s *Stream, d time.Duration) *Stream {
	return s.Each(func(engine.Message) error {
		<-time.After(d)
		return nil
	})
}

// TestTimeIsExclusive: an operator's time is without what stands behind it,
// and the estimate is near the truth, however few events are measured.
func TestTimeIsExclusive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, engine.Options{}, func(r *rig, events *Stream) {
			s := sleepy(events.Where(queried(t, "metric")), time.Microsecond)
			sleepy(byFields(t, s, "host"), 3*time.Microsecond)
			r.graph.Site.Rule = "always measured"
			sleepy(events, 5*time.Microsecond)
			r.graph.Every("", time.Second, func() error { <-time.After(time.Millisecond); return nil })
		})
		const n = 20_000
		r.play(strings.Repeat("0 host=a service=x metric=1;", n) + "+2")
		work := make([]Work, len(r.graph.Workers()))
		r.graph.Work(0, work)
		for i, want := range []time.Duration{0, 0, n * time.Microsecond, 0, 3 * n * time.Microsecond, 5 * n * time.Microsecond, 2 * time.Millisecond} {
			if got := work[i].Time; got < want*8/10 || got > want*12/10 {
				t.Errorf("operator %d took %v, want about %v", i, got, want)
			}
		}
	})
}

// TestMeasuringOutlivesAPanic: the event in hand is lost, and the next ones are
// counted and measured as before.
func TestMeasuringOutlivesAPanic(t *testing.T) {
	r := newRig(t, engine.Options{}, func(_ *rig, events *Stream) {
		events.Where(queried(t, "metric")).Each(func(m engine.Message) error {
			if m.Events[0].Metric == 1 {
				panic("oh")
			}
			return nil
		}).Live()
	})
	func() {
		defer func() { recover() }()
		r.play("0 host=a metric=1")
	}()
	if r.graph.engine.Meter().Active() {
		t.Error("still measuring")
	}
	r.play("0 host=a metric=2; 0 host=a metric=3")
	if got, want := describeWork(r.graph), "where 3>3, each 3>2, live 2>2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
