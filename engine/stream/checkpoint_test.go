package stream

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/engine"
)

// savedRig makes a rig that shows what passes the stream, all expiries, and
// what Tocsin tells of itself.
func savedRig(t testing.TB, o engine.Options, build func(s *Stream) (*Stream, error), start func(r *rig)) *rig {
	r := &rig{t: t, graph: NewGraph(engine.New(o, 0))}
	r.ids = r.graph.engine.Identities()
	out, err := build(r.graph.Events())
	if err != nil {
		t.Fatal(err)
	}
	r.tap("", out)
	r.tap("seen", r.graph.Events().Where(dynamic(func(e *engine.Event) bool { return e.IsExpired() || strings.HasPrefix(e.ID.Service, "tocsin ") })))
	start(r)
	return r
}

// keep brings records to what a rig is now, and load makes a rig of them.
func (r *rig) keep(records engine.RecordMap, whole bool) {
	c := engine.Checkpoint{Whole: whole}
	r.graph.engine.Save(&c)
	r.graph.Save(&c)
	records.Apply(&c)
}

func (r *rig) load(records engine.RecordMap) (skipped int, err error) {
	l := engine.NewLoading(records, r.ids)
	if err := r.graph.engine.Load(l); err != nil {
		return 0, err
	}
	r.graph.Start()
	r.graph.Load(l)
	return l.Skipped(), nil
}

// save returns all records of a rig.
func (r *rig) save() engine.RecordMap {
	records := make(engine.RecordMap)
	r.keep(records, true)
	return records
}

// drawScript draws items of a script; "cut" is a place to save and restore.
func drawScript(t *rapid.T) []string {
	var script []string
	now := 0.0
	for range rapid.IntRange(1, 50).Draw(t, "items") {
		switch rapid.IntRange(0, 10).Draw(t, "kind") {
		case 10:
			pause := rapid.SampledFrom([]float64{0.5, 2, 7, 100}).Draw(t, "pause")
			now += pause
			script = append(script, fmt.Sprintf("pause %g", pause))
		case 0, 1, 2:
			wait := rapid.SampledFrom([]float64{0.5, 1, 1, 2, 3, 7, 30}).Draw(t, "wait")
			now += wait
			script = append(script, fmt.Sprintf("+%g", wait))
		case 3, 4:
			script = append(script, "cut")
		default:
			at := max(0, now+rapid.SampledFrom([]float64{-20, -5, -3, -2, -1, 0, 0, 0, 1}).Draw(t, "late"))
			now = max(now, at)
			script = append(script, drawEvent(t, at))
		}
	}
	return script
}

func drawEvent(t *rapid.T, at float64) string {
	e := fmt.Sprint(at)
	if rapid.IntRange(0, 4).Draw(t, "no time") == 0 {
		e = "-"
	}
	e += " host=" + rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "host")
	e += " service=" + rapid.SampledFrom([]string{"s", "t"}).Draw(t, "service")
	for _, field := range [][]string{
		{"", "state=ok", "state=ok", "state=critical", "state=expired"},
		{"", "metric=1", "metric=2.5", "metric=3", "metric=13"},
		{"", "", "ttl=0", "ttl=2", "ttl=8"},
		{"", "", "tags=x", "tags=reset,y"},
		{"", "", "", "rack=1"},
	} {
		if f := rapid.SampledFrom(field).Draw(t, "field"); f != "" {
			e += " " + f
		}
	}
	return e
}

// drawBuild draws what is before the operator: a by has it end and begin anew.
func drawBuild(t *rapid.T, build func(s *Stream) (*Stream, error)) func(s *Stream) (*Stream, error) {
	var keys []engine.Key
	for _, name := range rapid.SampledFrom([][]string{nil, {"host"}, {"state"}, {"host", "service"}}).Draw(t, "by") {
		keys = append(keys, field(name))
	}
	if keys == nil {
		return build
	}
	return func(s *Stream) (*Stream, error) {
		s, err := s.By(keys...)
		if err != nil {
			return nil, err
		}
		return build(s)
	}
}

// TestRestoreChangesNothing: a run that is saved and restored at any points
// gives what the run gives that goes on all the time. Its records are made of
// what has changed from one point to the next, and are those that a whole save
// gives.
func TestRestoreChangesNothing(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(savedCases)) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				o := engine.Options{
					TTL: 20 * second, Forget: 15 * second, Bare: rapid.IntRange(0, 4).Draw(rt, "bare") == 0,
					Identities: rapid.SampledFrom([]int{0, 0, 0, 4}).Draw(rt, "identities"),
				}
				build := drawBuild(rt, savedCases[name])
				script := drawScript(rt)
				whole := savedRig(t, o, build, func(r *rig) { r.graph.Start() })
				cut := savedRig(t, o, build, func(r *rig) { r.graph.engine.Track(); r.graph.Start() })
				records := make(engine.RecordMap)
				for _, item := range append(script, "+100") {
					if item != "cut" {
						whole.play(item)
						cut.play(item)
						continue
					}
					cut.keep(records, false)
					restored := func(records engine.RecordMap) *rig {
						return savedRig(t, o, build, func(r *rig) {
							r.graph.engine.Track()
							if skipped, err := r.load(records); err != nil || skipped > 0 {
								rt.Fatal(skipped, " records were skipped: ", err)
							}
						})
					}
					if !o.Bare { // there some stand in the order of a map
						// Loading brings both into one form.
						sameRecords(rt, restored(records).save(), restored(cut.save()).save())
					}
					if rapid.Bool().Draw(rt, "only save") {
						continue
					}
					got := cut.got
					cut = restored(records)
					cut.got = got
				}
				if !slices.Equal(whole.got, cut.got) {
					rt.Fatalf("\n%s\nwhole:\n%s\ncut:\n%s", strings.Join(script, "; "), strings.Join(whole.got, "\n"), strings.Join(cut.got, "\n"))
				}
				if w, c := whole.graph.engine.Wheel().Len(), cut.graph.engine.Wheel().Len(); w != c {
					rt.Fatalf("\n%s\n%d timers are set, but %d in the run that was cut", strings.Join(script, "; "), w, c)
				}
			})
		})
	}
}

// TestSaveInPieces: a checkpoint that is collected piece by piece, while events
// flow and timers fire, has what there was when it began.
func TestSaveInPieces(t *testing.T) {
	o := engine.Options{TTL: 20 * second, Forget: 15 * second}
	for _, name := range slices.Sorted(maps.Keys(savedCases)) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				build := drawBuild(rt, savedCases[name])
				restored := func(records engine.RecordMap) *rig {
					return savedRig(t, o, build, func(r *rig) {
						if skipped, err := r.load(records); err != nil || skipped > 0 {
							rt.Fatal(skipped, " records were skipped: ", err)
						}
					})
				}
				whole := savedRig(t, o, build, func(r *rig) { r.graph.Start() })
				pieces := savedRig(t, o, build, func(r *rig) { r.graph.engine.Track(); r.graph.Start() })
				got, want := make(engine.RecordMap), make(engine.RecordMap)
				var c engine.Checkpoint
				for _, item := range append(drawScript(rt), "cut") {
					if item != "cut" {
						whole.play(item)
						pieces.play(item)
						c.More(1)
						continue
					}
					got.Apply(&c)
					if len(got) > 0 {
						sameRecords(rt, restored(got).save(), restored(want).save())
					}
					c.Reset()
					c.Whole = rapid.IntRange(0, 5).Draw(rt, "whole") == 0
					pieces.graph.engine.Save(&c)
					pieces.graph.Save(&c)
					want = whole.save()
				}
			})
		})
	}
}

func sameRecords(t *rapid.T, got, want engine.RecordMap) {
	for key, value := range want {
		if got[key] != value {
			t.Fatalf("record %q is\n%q, want\n%q", key, got[key], value)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Fatalf("record %q is of what is gone", key)
		}
	}
}

// TestSavedCasesAreAll: each operator that can be loaded is in a case.
func TestSavedCasesAreAll(t *testing.T) {
	tried := make(map[string]bool)
	for _, build := range savedCases {
		r := savedRig(t, engine.Options{}, build, func(*rig) {})
		for _, op := range r.graph.keepers {
			tried[fmt.Sprintf("%T", op)] = true
		}
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	loads := regexp.MustCompile(`func \(\w+ \*(\w+)\) load\(g \*Group`)
	for _, file := range files {
		text, err := os.ReadFile(file.Name())
		if err != nil || !strings.HasSuffix(file.Name(), ".go") {
			continue
		}
		for _, found := range loads.FindAllSubmatch(text, -1) {
			if name := "*stream." + string(found[1]); !tried[name] {
				t.Errorf("no case has a %s", name)
			}
		}
	}
}
