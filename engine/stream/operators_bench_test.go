package stream

import (
	"fmt"
	"testing"
	"time"

	"tocsin/engine"
)

// BenchmarkOperators is one event's way through an operator: 1000 hosts in
// turn, 1000 events to the second.
func BenchmarkOperators(b *testing.B) {
	for _, c := range []struct {
		name  string
		build func(*Stream) (*Stream, error)
	}{
		{"none", func(s *Stream) (*Stream, error) { return s, nil }},
		{"rate", func(s *Stream) (*Stream, error) { return s.Rate(second) }},
		{"by-rate", byHost(func(s *Stream) (*Stream, error) { return s.Rate(10 * second) })},
		{"ewma", func(s *Stream) (*Stream, error) { return s.EWMA(30 * second) }},
		{"counter", func(s *Stream) (*Stream, error) { return s.Counter(0), nil }},
		{"ddt", func(s *Stream) (*Stream, error) { return s.DDT(), nil }},
		{"ddt-every", func(s *Stream) (*Stream, error) { return s.DDTEvery(second) }},
		{"throttle", func(s *Stream) (*Stream, error) { return s.Throttle(10, second) }},
		{"rollup", func(s *Stream) (*Stream, error) { return s.Rollup(10, second) }},
		{"batch", func(s *Stream) (*Stream, error) { return s.Batch(100, second) }},
		{"coalesce", func(s *Stream) (*Stream, error) { return s.Coalesce(10 * second) }},
		{"moving_time_window", func(s *Stream) (*Stream, error) { return s.MovingTimeWindow(10 * second) }},
		{"fixed_time_window-fold", func(s *Stream) (*Stream, error) {
			s, err := s.FixedTimeWindow(second, FixedTime{})
			if err != nil {
				return nil, err
			}
			return s.Fold("mean")
		}},
	} {
		b.Run(c.name, func(b *testing.B) { benchOperator(b, c.build) })
	}
}

func byHost(then func(*Stream) (*Stream, error)) func(*Stream) (*Stream, error) {
	return func(s *Stream) (*Stream, error) {
		s, err := s.By(engine.FieldNamed("host"))
		if err != nil {
			return nil, err
		}
		return then(s)
	}
}

func benchOperator(b *testing.B, build func(*Stream) (*Stream, error)) {
	g := NewGraph(engine.New(engine.Options{Bare: true}, 1e18))
	head := g.Head()
	out, err := build(head)
	if err != nil {
		b.Fatal(err)
	}
	passed := 0
	out.add(&counting{n: &passed}, "counting")
	g.Start()
	events := make([]engine.Event, 1000)
	for i := range events {
		var p engine.Parts
		p.SetHost(fmt.Sprint("host", i))
		events[i].ID = g.engine.Identities().Loose(p)
		events[i].SetMetric(float64(i))
	}
	send := func(i int) {
		e := &events[i%len(events)]
		now := g.engine.Now().Add(time.Millisecond)
		g.engine.Advance(now, 0)
		e.SetTime(now)
		e.Arrival = now
		head.Handle(e)
	}
	for i := range 30_000 { // until every buffer has its size
		send(i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		send(i)
	}
	if passed == 0 {
		b.Fatal("nothing passed")
	}
}

// counting takes events and lists, and counts them.
type counting struct {
	node
	n *int
}

func (c *counting) event(*Group, *engine.Event) { *c.n++ }
func (c *counting) list(*Group, []engine.Event) { *c.n++ }
