package plugins

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
	"tocsin/plugins/terminal"
)

// Env is what a source or sink is built with, besides its options.
type Env struct {
	// Name is the value of the option "name", or the kind.
	Name string
	// Logger carries the name already.
	Logger *slog.Logger
	// Metrics is where counters go, as tocsin_source_…_total{source="NAME"}
	// and tocsin_sink_…_total{sink="NAME"}.
	Metrics *metrics.Set
	// Dir is the folder of the rules file: relative paths start there.
	Dir string
	// Terminal is the screen that log lines and drawings share. It may be nil:
	// then Screen makes one of the standard error.
	Terminal *terminal.Screen
}

// Screen returns the terminal to write to.
func (e *Env) Screen() *terminal.Screen {
	if e.Terminal != nil {
		return e.Terminal
	}
	return terminal.New(os.Stderr, os.Getenv)
}

type kind[T any] struct {
	make    func(Env, *Table) (T, error)
	options []Option
}

// The sealed table of constructors: the only state of the package.
var (
	sources = map[string]kind[engine.Source]{}
	sinks   = map[string]kind[engine.Sink]{}
	sealed  atomic.Bool
)

// RegisterSource adds a kind of source, from an init function. defaults holds
// the options' default values; O is a struct as Decode wants it. build checks
// the options and makes the source, without touching the world.
func RegisterSource[O any](name string, defaults O, build func(Env, O) (engine.Source, error)) {
	register(sources, name, defaults, build)
}

// RegisterSink is RegisterSource for sinks.
func RegisterSink[O any](name string, defaults O, build func(Env, O) (engine.Sink, error)) {
	register(sinks, name, defaults, build)
}

func register[T, O any](table map[string]kind[T], name string, defaults O, build func(Env, O) (T, error)) {
	if sealed.Load() {
		panic("plugins: " + name + " is registered too late")
	}
	if _, ok := table[name]; ok {
		panic("plugins: " + name + " is registered twice")
	}
	table[name] = kind[T]{
		options: optionsOf(defaults),
		make: func(env Env, t *Table) (T, error) {
			o := defaults
			var none T
			if err := Decode(t, &o); err != nil {
				return none, err
			}
			made, err := build(env, o)
			if err != nil {
				return none, &OptionError{Pos: t.Pos, Err: err}
			}
			return made, nil
		},
	}
}

// Sources and Sinks list the kinds there are, sorted.
func Sources() []string { sealed.Store(true); return slices.Sorted(maps.Keys(sources)) }

// Sinks lists the kinds of sinks, sorted.
func Sinks() []string { sealed.Store(true); return slices.Sorted(maps.Keys(sinks)) }

// NewSource makes a source of a kind from its options. Errors name the place
// in the rules file.
func NewSource(name string, env Env, t *Table) (engine.Source, error) {
	return create(sources, "source", name, env, t)
}

// NewSink is NewSource for sinks.
func NewSink(name string, env Env, t *Table) (engine.Sink, error) {
	return create(sinks, "sink", name, env, t)
}

func create[T any](table map[string]kind[T], what, name string, env Env, t *Table) (T, error) {
	sealed.Store(true)
	k, ok := table[name]
	if !ok {
		var none T
		return none, &OptionError{Pos: t.Pos, Err: fmt.Errorf("no such %s %q%s", what, name, DidYouMean(name, slices.Sorted(maps.Keys(table))))}
	}
	made, err := k.make(env, t)
	if e, ok := err.(*OptionError); ok {
		e.What = what + "." + name
	}
	return made, err
}
