package stream

import (
	"fmt"
	"testing"
	"time"

	"tocsin/engine"
	"tocsin/engine/query"
)

// BenchmarkState is an event's way through an engine, its index and one
// stream: 1000 hosts in turn, 1000 events to the second, of which each host's
// fifth has another state.
func BenchmarkState(b *testing.B) {
	state, metric := engine.FieldNamed("state"), engine.FieldNamed("metric")
	pred, err := query.Parse(`service = "cpu" and metric > 500`)
	if err != nil {
		b.Fatal(err)
	}
	var sets engine.Change
	for name, v := range map[string]engine.Value{"role": engine.TextValue("app"), "state": engine.TextValue("ok")} {
		if err := sets.Set(name, v); err != nil {
			b.Fatal(err)
		}
	}
	limits := limits(800, 900)
	for _, c := range []struct {
		name  string
		build func(s *Stream) (*Stream, error)
	}{
		{"where", func(s *Stream) (*Stream, error) { return s.Where(pred), nil }},
		{"where-inside", func(s *Stream) (*Stream, error) { return s.Live().Where(pred), nil }},
		{"with", func(s *Stream) (*Stream, error) { return s.With(&sets), nil }},
		{"tag", func(s *Stream) (*Stream, error) { return s.Tag("a") }},
		{"classify", func(s *Stream) (*Stream, error) { return s.Classify([]Case{{"critical", pred}}, "ok", true) }},
		{"threshold", func(s *Stream) (*Stream, error) { return s.Threshold(limits) }},
		{"changed", func(s *Stream) (*Stream, error) { return s.Changed(state, ChangedOptions{}), nil }},
		{"changed-pairs", func(s *Stream) (*Stream, error) { return s.Changed(state, ChangedOptions{Pairs: true}), nil }},
		{"by-changed", func(s *Stream) (*Stream, error) { return byFields(b, s, "host").Changed(state, ChangedOptions{}), nil }},
		{"by-by-changed", func(s *Stream) (*Stream, error) {
			return byFields(b, byFields(b, s, "host"), "service").Changed(state, ChangedOptions{}), nil
		}},
		{"by-runs", func(s *Stream) (*Stream, error) { return byFields(b, s, "host").Runs(3, state) }},
		{"by-at_least", func(s *Stream) (*Stream, error) { return byFields(b, s, "host").AtLeast(2, 5, pred) }},
		{"by-stable", func(s *Stream) (*Stream, error) { return byFields(b, s, "host").Stable(3*time.Second, state) }},
		{"by-flapping", func(s *Stream) (*Stream, error) {
			return byFields(b, s, "host").Flapping(Flapping{Window: time.Minute, High: 5, Low: 2})
		}},
		{"top", func(s *Stream) (*Stream, error) {
			top, rest, err := s.Top(10, metric)
			if err != nil {
				return nil, err
			}
			return Merge(top, rest)
		}},
	} {
		b.Run(c.name, func(b *testing.B) { benchState(b, c.build) })
	}
}

func benchState(b *testing.B, build func(s *Stream) (*Stream, error)) {
	e := engine.New(engine.Options{}, 1e18)
	g := NewGraph(e)
	out, err := build(g.Events())
	if err != nil {
		b.Fatal(err)
	}
	passed := 0
	out.Each(func(engine.Message) error { passed++; return nil })
	g.Start()
	const hosts = 1000
	var ids [hosts]*engine.Identity
	for i := range ids {
		p := engine.Parts{}
		p.SetHost(fmt.Sprint("host", i))
		p.SetService("cpu")
		if ids[i], err = e.Identities().Intern(p); err != nil {
			b.Fatal(err)
		}
	}
	var ev engine.Event
	send := func(i int) {
		e.Advance(e.Now().Add(time.Millisecond), 0)
		ev = engine.Event{ID: ids[i%hosts], Metric: float64(i * 7919 % hosts), State: "ok", Has: engine.HasMetric | engine.HasState}
		if i/hosts%5 == 4 {
			ev.State = "bad"
		}
		e.Ingest(&ev)
	}
	n := 10 * hosts
	for i := range n { // every group and buffer is there, and has its size
		send(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		send(n)
		n++
	}
	if passed == 0 {
		b.Fatal("nothing passed")
	}
}
