package main

import (
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
	"tocsin/rules"
)

// configuration is a loaded rules file with the outlets of its sinks.
type configuration struct {
	*rules.Config
	outlets map[string]*engine.Outlet // by the name of the sink
	// replaced are the outlets of the configuration before, which a store may
	// still have; engine's goroutine only.
	replaced []*engine.Outlet
}

// load loads the rules file, without touching the world. before is the
// configuration that runs, which the new one may succeed: its outlets are those
// of the sinks that have not changed; nil: there is none.
func (n *node) load(before *configuration) (*configuration, error) {
	c := &configuration{outlets: make(map[string]*engine.Outlet)}
	o := n.rules
	o.Logger, o.Metrics, o.Now = n.logger, n.metrics.Set, engine.Time(time.Now().UnixNano())
	o.Env.Terminal = n.process.screen
	files := newWatchedFiles(nil)
	n.files.Store(files)
	o.Reads = files.read
	if before != nil {
		o.Before = before.Config
	}
	o.Output = func(s *rules.Sink) (engine.Output, error) {
		outlet := before.keep(s)
		if outlet == nil {
			var err error
			if outlet, err = n.newOutlet(s); err != nil {
				return nil, err
			}
		}
		c.outlets[s.Name] = outlet
		return outlet, nil
	}
	var err error
	c.Config, err = rules.Load(n.path, o)
	running := before != nil
	before = nil // which the function above would keep alive
	if err != nil {
		return nil, err
	}
	for _, s := range c.Sinks {
		if c.outlets[s.Name].NeedsCheckpoints() && running && n.state == nil {
			c.Close()
			return nil, fmt.Errorf("%s: sink.%s: transactions need checkpoints: settings.store takes a restart", s.Pos, s.Kind)
		}
		c.Engine.AddOutput(c.outlets[s.Name])
	}
	return c, nil
}

// keep returns the outlet of a sink that has not changed, or nil.
func (c *configuration) keep(s *rules.Sink) *engine.Outlet {
	if c == nil {
		return nil
	}
	for _, old := range c.Sinks {
		if old.Name == s.Name && s.Same(old) {
			s.Keep(old)
			return c.outlets[s.Name]
		}
	}
	return nil
}

// newOutlet makes the outlet of a sink.
func (n *node) newOutlet(s *rules.Sink) (*engine.Outlet, error) {
	sink := s.Sink
	if n.replace != nil {
		other, err := n.replace(s)
		if err != nil {
			return nil, err
		}
		if other != nil {
			sink = other
		}
	}
	return engine.NewOutlet(engine.OutletOptions{
		Name: s.Name, Sink: sink, Queue: s.Queue, Full: engine.FullPolicy(s.Full),
		Logger: n.logger.With("sink", s.Name), Metrics: s.Metrics,
		Dead: func(_ engine.Message, err error) {
			n.runner.Notify("tocsin sink", fmt.Sprintf("sink %s gave up an event: %v", s.Name, err), engine.Attr{Key: "sink", Value: s.Name})
		},
	})
}

// allOutlets returns the outlets in the order of the file.
func (c *configuration) allOutlets() (out []*engine.Outlet) {
	for _, s := range c.Sinks {
		out = append(out, c.outlets[s.Name])
	}
	return out
}

// allMetrics returns the metrics of all parts.
func (c *configuration) allMetrics() []*metrics.Set {
	parts := []*metrics.Set{c.Metrics}
	for _, s := range c.Sources {
		parts = append(parts, s.Metrics)
	}
	for _, s := range c.Sinks {
		parts = append(parts, s.Metrics)
	}
	return parts
}
