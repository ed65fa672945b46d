//go:build real

package graphite

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/bench/programs"
	"tocsin/engine"
	"tocsin/plugins"
)

// realCarbon is a sink in its outlet, and the carbon-cache that it writes to.
type realCarbon struct {
	t      *testing.T
	dir    string
	port   string
	sink   *Sink
	outlet *engine.Outlet
	set    *metrics.Set
	want   map[programs.CarbonPoint]bool
}

func newRealCarbon(t *testing.T) *realCarbon {
	t.Helper()
	c := &realCarbon{t: t, dir: t.TempDir(), port: programs.Port(t), set: metrics.NewSet(), want: make(map[programs.CarbonPoint]bool)}
	env := env()
	env.Metrics = c.set
	sink, err := plugins.NewSink("graphite", env, &plugins.Table{Fields: map[string]any{"address": "127.0.0.1:" + c.port, "prefix": "tocsin"}})
	if err != nil {
		t.Fatal(err)
	}
	c.sink = sink.(*Sink)
	c.outlet, err = engine.NewOutlet(engine.OutletOptions{
		Name: env.Name, Sink: sink, Metrics: c.set, Batch: 70,
		RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.outlet.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	go c.outlet.Run(context.Background())
	return c
}

// put hands in 200 series with one point each.
func (c *realCarbon) put(seconds int64) {
	for i := range 200 {
		value := 1 / float64(i+1)
		e := event(c.t, fmt.Sprintf("db%d.example.net", i%7), fmt.Sprintf("load %d/käse", i), value, engine.Time(seconds)*1e9)
		c.outlet.PutEvent(&e)
		c.want[programs.CarbonPoint{Name: fmt.Sprintf("tocsin.db%d_example_net.load_%d.käse", i%7, i), Seconds: seconds, Value: value}] = true
	}
	c.outlet.Flush()
}

// expect waits until carbon's files have all that was put.
func (c *realCarbon) expect(cache *programs.CarbonCache) {
	c.t.Helper()
	programs.Until(c.t, fmt.Sprintf("%d points in the files of carbon-cache", len(c.want)), func() bool {
		points := cache.Points()
		for _, p := range points {
			if !c.want[p] {
				c.t.Fatalf("carbon has %v, which nobody sent", p)
			}
		}
		return len(points) == len(c.want)
	})
}

func (c *realCarbon) counter(what string) uint64 {
	return c.set.GetOrCreateCounter(`tocsin_sink_` + what + `_total{sink="graphite"}`).Get()
}

// TestRealCarbonCache compares what carbon-cache has in its files with what
// was sent, also when it is killed in between.
func TestRealCarbonCache(t *testing.T) {
	t.Parallel()
	c := newRealCarbon(t)
	cache := programs.StartCarbonCache(t, c.dir, c.port)
	now := time.Now().Unix()
	c.put(now - 60)
	c.put(now - 59)
	c.expect(cache)

	programs.Until(t, "everything counts as delivered", func() bool { return c.counter("delivered") == 400 })
	link := c.sink.link
	cache.Kill()
	<-link.over
	c.put(now - 58)
	programs.Until(t, "a retry", func() bool { return c.counter("retries") > 0 })
	c.put(now - 57)
	cache = programs.StartCarbonCache(t, c.dir, c.port)
	c.expect(cache)

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := c.outlet.Stop(ctx); err != nil {
		t.Error(err)
	}
	if got := c.counter("delivered"); got != 800 {
		t.Errorf("%d events count as delivered", got)
	}
	if got := c.counter("connections"); got != 2 {
		t.Errorf("connected %d times", got)
	}
}
