package rules

import (
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"
	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/engine/stream"
	"tocsin/plugins"
)

// Options are what a configuration is loaded with. The zero value is good for
// checking a file.
type Options struct {
	// Logger takes what print writes, and is handed to sources and sinks; nil:
	// nothing is logged.
	Logger *slog.Logger
	// Metrics is where the engine's counters go; nil: nowhere.
	Metrics *metrics.Set
	// Now is where the engine's clock starts.
	Now engine.Time
	// Before is the configuration that runs, for one that is to succeed it.
	Before *Config
	// Output makes what the streams put into for a sink: an outlet, or what
	// records. It is called once for each sink, while the file is loaded. nil:
	// what is put is discarded.
	Output func(*Sink) (engine.Output, error)
	// Secret returns the value of a secret; nil: secrets have no values, as in
	// "tocsin test".
	Secret func(name string) (string, bool)
	// Env is what every source and sink is built with. Name, Logger, Metrics and
	// Dir are filled in for each.
	Env plugins.Env
	// ReadFile reads a rules file; nil: from the disk. Its errors are those of
	// os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// Reads is called with the path of each file that is about to be read; nil:
	// not called.
	Reads func(path string)
}

// Config is a loaded configuration. Its methods, and everything in it, belong
// to the engine's goroutine once events flow, unless they say otherwise.
type Config struct {
	Engine *engine.Engine
	Graph  *stream.Graph
	// Sources and Sinks are in the order of the file.
	Sources  []*Source
	Sinks    []*Sink
	Settings Settings
	// Metrics are those of the rules.
	Metrics *metrics.Set
	// Files are the paths of all the files that were read, in that order.
	Files []string

	opts    Options
	logger  *slog.Logger
	printed *slog.Logger // takes what print writes
	lua     *lua.LState
	threads []*lua.LState // of Lua, by how deep the call is nested
	nested  int
	watch   *watchdog
	chunks  *chunks
	files   map[string]lua.LValue // what require returned
	dirs    map[string]string     // of the files, by path
	types   types
	find    *lua.LFunction // string.find, whatever a file makes of it
	at      *flow          // whose clock and streams Lua sees now
	main    *flow          // that of Engine
	tests   *tester        // nil outside of tests
	texts   queries
	native  frame
	used    map[*lua.FunctionProto]form // what functions that may be native are used for
	// quarantines are of functions outside of rules that were cut off when they
	// were last called.
	quarantines map[*lua.LFunction]*quarantine
	kept        kept

	settingsPos string
	rules       map[string]*rule
	unfinished  map[string]string // where rule(name) stands without its table
	trees       map[*lua.LFunction]*tree
	taps        []*stream.Stream // where taps stand, outside of tests
	written     []writtenCall    // how operators were called, outside of tests
	treeList    []*tree
	usage       usageRows
}

// flow is an engine and its graph. There is one for the configuration, and one
// for each run of a stream by a test.
type flow struct {
	engine  *engine.Engine
	graph   *stream.Graph
	started bool // no more streams can be drawn
}

// Source is a source that the file declared.
type Source struct {
	// Name is the option "name", or the kind.
	Name, Kind string
	// Pos is where it is declared, as "FILE:LINE".
	Pos    string
	Source engine.Source
	// Metrics are the source's own.
	Metrics *metrics.Set
	// TTL is for events that bring none; 0: the engine's.
	TTL time.Duration
	// Tags are added to every event.
	Tags []string
	// Through takes the source's events instead of Engine.Ingest, which it
	// calls itself for those that pass; nil when there is none.
	Through *stream.Stream

	origin
}

// Input returns what the engine needs to know of the source.
func (s *Source) Input() engine.InputOptions {
	o := engine.InputOptions{Name: s.Name, TTL: s.TTL, Tags: s.Tags, Metrics: s.Metrics}
	if s.Through != nil {
		o.Through = s.Through
	}
	return o
}

// Sink is a sink that the file declared.
type Sink struct {
	// Name is the option "name", or the kind.
	Name, Kind string
	// Pos is where it is declared, as "FILE:LINE".
	Pos  string
	Sink engine.Sink
	// Metrics are the sink's own.
	Metrics *metrics.Set
	// Queue is the option "queue": how much waits for the sink at most; 0 when
	// not given. Full is the option "full": what happens then; "" when not given.
	Queue int
	Full  string

	output engine.Output
	origin
}

// Start connects the streams to the engine and sets the timers of the rules.
// It is called once, before events flow.
func (c *Config) Start() {
	if c.main.started {
		return
	}
	c.main.started = true
	c.watch.scale.allow(uint64(c.Settings.RuleMemory)<<20, "settings.rule_memory")
	c.Graph.Start()
}

// Close ends the configuration's own goroutine. The configuration cannot be
// used any more.
func (c *Config) Close() {
	c.watch.close()
	c.lua.Close()
}

// now is the clock that Lua sees.
func (c *Config) now() engine.Time { return c.at.engine.Now() }

// discard is the output of a configuration that is only checked.
type discard struct{ sink *Sink }

func (discard) Put(engine.Message) {}
func (discard) Flush()             {}
