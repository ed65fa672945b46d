package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
	_ "tocsin/plugins/standard"
	"tocsin/rules"
)

// rig is a configuration that runs in this process, as "tocsin run" runs it,
// with the sinks' outputs replaced by counting ones.
type rig struct {
	config *rules.Config
	runner *engine.Runner
	source engine.Source // the first of the configuration
	input  engine.Input
	out    *counter
	addr   string

	stopSource context.CancelFunc
	ctx        context.Context
	wait       sync.WaitGroup
}

// counter is an output that discards, and notes what a scenario wants to know.
type counter struct {
	messages atomic.Int64
	put      func(e *engine.Event)
}

func (c *counter) Put(m engine.Message) {
	c.messages.Add(1)
	if c.put != nil {
		c.put(&m.Events[0])
	}
}

func (c *counter) Flush() {}

// newRig loads the rules and starts the engine. The source is opened and run if
// listen is set.
func newRig(text string, listen bool, put func(*engine.Event)) (*rig, error) {
	return newKeptRig(text, listen, put, kept{})
}

// kept is where what goes on is kept; either may be nil.
type kept struct {
	log   engine.Log
	store engine.CheckpointStore
}

// newKeptRig is newRig that keeps what goes on.
func newKeptRig(text string, listen bool, put func(*engine.Event), k kept) (*rig, error) {
	r := &rig{out: &counter{put: put}, ctx: context.Background()}
	clock := engine.NewWallClock(time.Now)
	config, err := rules.LoadString("bench.lua", text, ".", rules.Options{
		Now: clock.Read().Now, Metrics: metrics.NewSet(),
		Output: func(*rules.Sink) (engine.Output, error) { return r.out, nil },
	})
	if err != nil {
		return nil, err
	}
	if k.store != nil {
		config.Engine.Track()
	}
	config.Start()
	r.config = config
	r.runner = engine.NewRunner(config.Engine, clock)
	r.runner.SetLog(k.log)
	if k.store != nil {
		r.runner.SetCheckpoints(engine.CheckpointOptions{Store: k.store, Save: config.Graph.Save})
	}
	r.wait.Go(func() { r.runner.Run(context.Background()) })
	if len(config.Sources) == 0 {
		r.input = r.runner.Input(engine.InputOptions{Name: "bench"})
		return r, nil
	}
	r.input = r.runner.Input(config.Sources[0].Input())
	r.source = config.Sources[0].Source
	if !listen {
		return r, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stopSource = cancel
	if err := r.source.Open(ctx); err != nil {
		cancel()
		return nil, err
	}
	if listener, ok := r.source.(engine.Addresser); ok {
		for _, a := range listener.Addresses() {
			if tcp, ok := strings.CutPrefix(a, "tcp "); ok {
				r.addr = tcp
			}
		}
	}
	r.wait.Go(func() { _ = r.source.Run(ctx, r.input) })
	return r, nil
}

// events returns how many events the engine has taken in.
func (r *rig) events() (n int64) {
	_ = r.runner.Do(context.Background(), func(e *engine.Engine) { n = int64(e.Stats().Events) })
	return n
}

// close stops everything, in order.
func (r *rig) close() {
	if r.stopSource != nil {
		r.stopSource()
	}
	r.runner.Stop()
	r.wait.Wait()
	r.config.Close()
}

const sourceLine = `source.graphite { listen = "127.0.0.1:0", templates = { "host.service*" } }
local out = sink.discard {}
`

// gridRules are the streams of grid behind the graphite source.
func gridRules(n int) string { return sourceLine + grid(n) }

// grid draws n streams, of which three match each event that graphiteNames
// names: one with a group per host, one with a group per series, and one that
// decides by each event.
func grid(n int) string {
	var b strings.Builder
	b.WriteString(`events:where 'service =~ "cpu.%" and metric >= 0':by "host":rate(10):to(out)
events:where 'service =~ "cpu.%"':classify { critical = "metric > 1e8", warning = "metric > 1e7" }:by("host", "service"):changed("state", { init = "ok" }):to(out)
events:where 'host =~ "host%" and metric > 1e9':to(out)
`)
	for i := 3; i < n; i++ {
		fmt.Fprintf(&b, "events:where 'service = \"other.%d\" and metric > 5':changed 'state':to(out)\n", i)
	}
	return b.String()
}

// graphiteName is the raw name of a series: a hundred services per host.
func graphiteName(i int) string {
	return fmt.Sprintf("host%05d_example_net.cpu.%d.percent-user", i/100, i%100)
}
