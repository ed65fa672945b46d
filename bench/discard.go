package main

import (
	"context"

	"tocsin/engine"
	"tocsin/plugins"
)

func init() {
	plugins.RegisterSink("discard", struct{}{}, func(plugins.Env, struct{}) (engine.Sink, error) { return discard{}, nil })
}

// discard is the sink of the benchmarks' rules. What is put for it goes to the
// counter of the rig, so it is never called.
type discard struct{}

func (discard) Open(context.Context) error                    { return nil }
func (discard) Close() error                                  { return nil }
func (discard) Forward(context.Context, []engine.Event) error { return nil }
