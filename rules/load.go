package rules

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/engine/stream"
)

// What a call into Lua may take, unless settings say otherwise.
const (
	defaultRuleTimeout = time.Second
	defaultRuleMemory  = 64 // MiB
)

// loadMemory is how many MiB loading may take: what a file draws stays.
const loadMemory = 1024

// maxRuleMemory bounds settings.rule_memory: 1 TiB.
const maxRuleMemory = 1 << 20

// Load loads the rules file at path. The error may be several, joined, each of
// which begins with FILE:LINE. A configuration has to be closed.
func Load(path string, o Options) (*Config, error) {
	c := newConfig(o, newChunks(o))
	if err := c.loadFile(path); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// LoadString is Load for a text, which errors call name. Files that it requires
// are looked for in dir.
func LoadString(name, text, dir string, o Options) (*Config, error) {
	c := newConfig(o, newChunks(o))
	if err := c.loadText(name, text, dir); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// newConfig makes a configuration in which nothing is declared yet.
func newConfig(o Options, compiled *chunks) *Config {
	c := &Config{
		Settings: Settings{HTTP: DefaultHTTP, RuleTimeout: defaultRuleTimeout, RuleMemory: defaultRuleMemory},
		Metrics:  metrics.NewSet(),
		opts:     o, logger: o.Logger,
		watch: newWatchdog(defaultRuleTimeout), chunks: compiled,
		files: make(map[string]lua.LValue), dirs: make(map[string]string),
		rules: make(map[string]*rule), unfinished: make(map[string]string), trees: make(map[*lua.LFunction]*tree),
		quarantines: make(map[*lua.LFunction]*quarantine),
		kept:        kept{called: make(map[*lua.LFunction]struct{})},
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	c.printed = c.logger
	c.kept.bytes = c.Metrics.GetOrCreateGauge("tocsin_rule_kept_bytes", nil)
	settings := engine.Options{Logger: c.logger, Metrics: o.Metrics}
	if o.Before != nil {
		settings.Table = o.Before.Engine.Identities()
		c.opts.Before = nil // which ends earlier
	}
	c.Engine = engine.New(settings, o.Now)
	c.Graph = stream.NewGraph(c.Engine)
	c.main = &flow{engine: c.Engine, graph: c.Graph}
	c.at = c.main
	c.lua = c.newLua()
	c.restrict(c.lua)
	c.makeTypes()
	c.makeNative()
	c.makeQueries()
	c.defineLanguage()
	return c
}

// defineLanguage sets the names that a rules file sees.
func (c *Config) defineLanguage() {
	L := c.lua
	L.SetGlobal("none", c.types.none)
	L.SetGlobal("events", c.luaStream(c.Graph.Events(), c.main))
	L.SetGlobal("source", c.kinds("source"))
	L.SetGlobal("sink", c.kinds("sink"))
	for name, fn := range c.functions() {
		c.setFunction(name, fn)
	}
}

// functions are those that a rules file sees besides Lua's own.
func (c *Config) functions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"event": c.event, "merge": c.merge, "now": c.nowFunction, "require": c.require,
		"index": c.index, "lookup": c.lookup,
		"rule": c.declareRule, "every": c.every,
		"all": c.all, "any": c.any, "at_least": c.atLeast, "percent": c.percent,
		"settings": c.settings, "secret": c.secret,
	}
}

// event is event { … }.
func (c *Config) event(L *lua.LState) int {
	a := &args{config: c, L: L, name: "event"}
	a.atMost(1)
	e, err := c.newEvent(a.table(1, "a table of fields"))
	if err != nil {
		a.fail("%v", err)
	}
	L.Push(c.luaEvent(&e))
	return 1
}

// nowFunction is now().
func (c *Config) nowFunction(L *lua.LState) int {
	L.Push(lua.LNumber(c.now().Seconds()))
	return 1
}

// loadFile runs the file at path and checks what it declared.
func (c *Config) loadFile(path string) error {
	proto, err := c.chunks.file(path)
	if err != nil {
		return err
	}
	c.read(path)
	c.files[path] = nil // being run
	if _, err := c.runChunk(proto); err != nil {
		return err
	}
	return c.checkWhole()
}

// loadText is loadFile for a text.
func (c *Config) loadText(name, text, dir string) error {
	proto, err := c.chunks.compile(name, []byte(text))
	if err != nil {
		return err
	}
	c.read(name)
	c.dirs[name] = dir
	if _, err := c.runChunk(proto); err != nil {
		return err
	}
	return c.checkWhole()
}

// read notes that a file is part of the configuration.
func (c *Config) read(path string) {
	c.dirs[path] = filepath.Dir(path)
	c.Files = append(c.Files, path)
}

// runChunk runs a compiled file and returns what it returns.
func (c *Config) runChunk(proto *lua.FunctionProto) (lua.LValue, error) {
	return c.call(c.lua.NewFunctionFromProto(proto))
}

// checkWhole checks what can be known only when everything is declared.
func (c *Config) checkWhole() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.unfinished)) {
		errs = append(errs, fmt.Errorf("%s: rule %q: the table of options is missing", c.unfinished[name], name))
	}
	for _, t := range c.treeList {
		errs = append(errs, t.check(c))
	}
	for _, s := range c.Sinks {
		if _, ok := s.Sink.(engine.Transactor); ok && c.Settings.Store == "" {
			errs = append(errs, fmt.Errorf("%s: sink.%s: transactions need checkpoints: set settings.store", s.Pos, s.Kind))
		}
	}
	return errors.Join(errs...)
}

// require is require "name": it runs name.lua, beside the file that asks, once.
func (c *Config) require(L *lua.LState) int {
	a := &args{config: c, L: L, name: "require"}
	a.atMost(1)
	name := a.text(1, "the name of a file")
	path, err := c.beside(L, name, ".lua")
	check(L, err)
	v, err := c.include(path)
	if err != nil {
		raise(L, includeError(pos(L), name, err))
	}
	L.Push(v)
	return 1
}

// includeError tells of an error in another file. One that has a place keeps
// it.
func includeError(pos, name string, err error) string {
	var re *engine.RuleError
	if errors.As(err, &re) || !errors.Is(err, os.ErrNotExist) {
		return err.Error()
	}
	return fmt.Sprintf("%s: cannot find %q: %v", pos, name, err)
}

// include runs a file once and returns what it returns, or true.
func (c *Config) include(path string) (lua.LValue, error) {
	if v, ok := c.files[path]; ok {
		if v == nil {
			return nil, fmt.Errorf("%s:1: the file requires itself", path)
		}
		return v, nil
	}
	proto, err := c.chunks.file(path)
	if err != nil {
		return nil, err
	}
	c.files[path] = nil // being run
	c.read(path)
	v, err := c.runChunk(proto)
	if err != nil {
		delete(c.files, path)
		return nil, err
	}
	if v == lua.LNil {
		v = lua.LTrue
	}
	c.files[path] = v
	return v, nil
}

// beside returns the path of a file that a rules file names: relative to the
// file that the call stands in, and not outside of its folder.
func (c *Config) beside(L *lua.LState, name, extension string) (string, error) {
	if name == "" || strings.ContainsAny(name, "\\\x00") || !filepath.IsLocal(name+extension) {
		return "", fmt.Errorf("%q is not the name of a file beside this one", name)
	}
	return filepath.Join(c.folder(L), name+extension), nil
}

// folder returns the folder of the file that the call stands in.
func (c *Config) folder(L *lua.LState) string {
	where := pos(L)
	if i := strings.LastIndexByte(where, ':'); i > 0 {
		where = where[:i]
	}
	if dir, ok := c.dirs[where]; ok {
		return dir
	}
	return "."
}
