package stream

import (
	"math"
	"testing"
	"time"

	"tocsin/engine"
)

// bench runs one stream on a clock that stands at 0, apart from any index, as
// t:run of the rules language does.
type bench struct {
	t      *testing.T
	engine *engine.Engine
	graph  *Graph
	head   *Stream
	got    []engine.Message
}

// newBench builds the stream behind a head. build returns the stream to record.
func newBench(t *testing.T, build func(s *Stream) (*Stream, error)) *bench {
	t.Helper()
	e := engine.New(engine.Options{Bare: true}, 0)
	g := NewGraph(e)
	b := &bench{t: t, engine: e, graph: g, head: g.Head()}
	out, err := build(b.head)
	if err != nil {
		t.Fatal(err)
	}
	out.Each(func(m engine.Message) error {
		b.got = append(b.got, engine.Message{Events: append([]engine.Event(nil), m.Events...), List: m.List})
		return nil
	})
	g.Start()
	return b
}

// ev makes an event at a time in seconds with a metric (NaN: none), changed by
// the given pairs of field name and text.
func (b *bench) ev(at, metric float64, pairs ...string) engine.Event {
	var c engine.Change
	for i := 0; i < len(pairs); i += 2 {
		if err := c.Set(pairs[i], engine.TextValue(pairs[i+1])); err != nil {
			b.t.Fatal(err)
		}
	}
	e := c.New(b.engine.Identities())
	e.SetTime(engine.TimeOf(at))
	if !math.IsNaN(metric) {
		e.SetMetric(metric)
	}
	return e
}

// send moves the clock to the event's time, if later, and hands it in.
func (b *bench) send(e engine.Event) {
	b.engine.Advance(max(e.Time, b.engine.Now()), 0)
	e.Arrival = b.engine.Now()
	b.head.Handle(&e)
}

// advance moves the clock.
func (b *bench) advance(seconds float64) {
	b.engine.Advance(b.engine.Now().Add(time.Duration(seconds*1e9)), 0)
}

// metrics returns the metrics of what came out, lists flattened.
func (b *bench) metrics() []float64 {
	var out []float64
	for _, m := range b.got {
		for _, e := range m.Events {
			if e.ID != nil && e.Has&engine.HasMetric != 0 {
				out = append(out, e.Metric)
			} else {
				out = append(out, math.NaN())
			}
		}
	}
	return out
}
