package rules

import (
	"context"
	"strings"
	"testing"

	"tocsin/engine"
	"tocsin/plugins"
)

// The kinds of sources and sinks that the tests declare.
func init() {
	plugins.RegisterSource("graphite", struct {
		Listen    string   `opt:"listen"`
		Templates []string `opt:"templates"`
	}{}, func(plugins.Env, struct {
		Listen    string   `opt:"listen"`
		Templates []string `opt:"templates"`
	}) (engine.Source, error) {
		return noSource{}, nil
	})
	plugins.RegisterSource("collectd", struct {
		Listen string `opt:"listen,required"`
	}{}, func(plugins.Env, struct {
		Listen string `opt:"listen,required"`
	}) (engine.Source, error) {
		return noSource{}, nil
	})
	plugins.RegisterSink("pagerduty", struct {
		RoutingKey plugins.Secret `opt:"routing_key,required"`
	}{}, func(_ plugins.Env, o struct {
		RoutingKey plugins.Secret `opt:"routing_key,required"`
	}) (engine.Sink, error) {
		return noSink{}, nil
	})
	plugins.RegisterSink("led", struct {
		Driver string `opt:"driver"`
		Pixels int    `opt:"pixels"`
	}{}, func(plugins.Env, struct {
		Driver string `opt:"driver"`
		Pixels int    `opt:"pixels"`
	}) (engine.Sink, error) {
		return noSink{}, nil
	})
}

// noSource and noSink are never opened.
type noSource struct{}

func (noSource) Open(context.Context) error              { return nil }
func (noSource) Run(context.Context, engine.Input) error { return nil }
func (noSource) Close() error                            { return nil }

type noSink struct{}

func (noSink) Open(context.Context) error                    { return nil }
func (noSink) Close() error                                  { return nil }
func (noSink) Forward(context.Context, []engine.Event) error { return nil }

func mustLoad(t testing.TB, text string, o Options) *Config {
	t.Helper()
	c, err := LoadString("rules.lua", text, "testdata", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestPlaceOfChainedCall(t *testing.T) {
	_, err := LoadString("x.lua", "local s = events\nevents:where 'true'\n  :by 'host'\n  :wher 'x'\n", ".", Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "x.lua:4: streams have no method \"wher\"; did you mean \"where\"?") {
		t.Errorf("got %v", err)
	}
}
