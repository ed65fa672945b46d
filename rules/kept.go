package rules

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/VictoriaMetrics/metrics"
	lua "github.com/yuin/gopher-lua"
)

// kept watches how much memory Lua keeps in variables from one call to the next.
// Nothing bounds that, so somebody has to be told.
type kept struct {
	called map[*lua.LFunction]struct{} // by Go: what they keep is not reachable otherwise
	last   *lua.LFunction              // of called
	level  keptLevel                   // that was told
	bytes  *metrics.Gauge
}

// keptLevel says how far what is kept is above settings.rule_memory.
type keptLevel int

const (
	keptLittle  keptLevel = iota
	keptMuch              // more than settings.rule_memory
	keptTooMuch           // keptTimes as much, from which on it is not counted any more
)

const (
	keptTimes = 4
	// keptPiece is how many values one call on the engine's goroutine counts.
	keptPiece = 2000
)

// note notes a function that is called by Go.
func (k *kept) note(fn *lua.LFunction) {
	if fn != k.last {
		k.last = fn
		k.called[fn] = struct{}{}
	}
}

// WatchKept estimates how much memory Lua keeps, shows it, and tells by an event
// when it gets to be much, or is not any more. do calls a function on the engine's
// goroutine and waits for it; it is called for each piece of the work. WatchKept may
// be called on any goroutine, one at a time.
func (c *Config) WatchKept(do func(func()) error) error {
	w := keptWalk{config: c, seen: make(map[any]struct{}), shape: shapeOfTables()}
	work := w.begin
	for done := false; !done; work = w.step {
		if err := do(func() { done = work() }); err != nil {
			return err
		}
	}
	return do(func() { c.tellKept(w.bytes, w.most()) })
}

// tellKept shows what was found, and tells when it is much.
func (c *Config) tellKept(bytes int, most keptVariable) {
	c.kept.bytes.Set(float64(bytes))
	level := c.keptLevel(bytes)
	if level < c.kept.level && c.keptLevel(bytes+bytes/4) == c.kept.level {
		return // it is near the bound
	}
	if level == c.kept.level {
		return
	}
	c.kept.level = level
	limit := c.Settings.RuleMemory
	state := [...]string{"ok", "warning", "critical"}[level]
	if level == keptLittle {
		c.Engine.Notice("tocsin memory", state, fmt.Sprintf("rules keep less than %d MiB in variables again", limit))
		return
	}
	about := "about"
	if level == keptTooMuch {
		about = "at least"
	}
	c.Engine.Notice("tocsin memory", state, fmt.Sprintf("rules keep %s %d MiB in variables (settings.rule_memory is %d), %d MiB of it in %s",
		about, bytes>>20, limit, most.bytes>>20, most.name))
}

func (c *Config) keptLevel(bytes int) keptLevel {
	switch limit := c.Settings.RuleMemory << 20; {
	case bytes >= keptTimes*limit:
		return keptTooMuch
	case bytes >= limit:
		return keptMuch
	}
	return keptLittle
}

// keptWalk counts what can be reached from variables. Rules go on between two
// steps, so it is an estimate.
type keptWalk struct {
	config    *Config
	shape     tableShape
	seen      map[any]struct{} // tables, functions, … that are counted
	variables []keptVariable
	begun     int // of variables
	todo      []keptPlace
	bytes     int
}

// keptVariable is a variable from which values are reached.
type keptVariable struct {
	name  string // as shown
	value lua.LValue
	bytes int // of what was not reached from the ones before
}

// keptPlace is how far a table or a function has been counted.
type keptPlace struct {
	table *lua.LTable
	key   lua.LValue
	left  int // entries of the table that may come, at most
	fn    *lua.LFunction
	next  int // of the variables of fn
}

// begin finds the variables: the globals, and those of functions that Go or a
// global variable holds.
func (w *keptWalk) begin() (done bool) {
	c := w.config
	var functions []*lua.LFunction
	for fn := range c.kept.called {
		functions = append(functions, fn)
	}
	slices.SortFunc(functions, func(a, b *lua.LFunction) int { return cmp.Compare(placeOf(a), placeOf(b)) })
	global := c.lua.G.Global
	w.seen[global] = struct{}{}
	global.ForEach(func(key, value lua.LValue) {
		if fn, ok := value.(*lua.LFunction); ok && !fn.IsG {
			functions = append(functions, fn)
		} else {
			w.variables = append(w.variables, keptVariable{name: fmt.Sprintf("the global variable %q", key.String()), value: value})
		}
	})
	for _, path := range slices.Sorted(maps.Keys(c.files)) {
		w.variables = append(w.variables, keptVariable{name: "what " + filepath.Base(path) + " returned", value: c.files[path]})
	}
	for len(functions) > 0 {
		fn := functions[0]
		functions = functions[1:]
		if w.isSeen(fn) {
			continue
		}
		for i, up := range fn.Upvalues {
			value := up.Value()
			if inner, ok := value.(*lua.LFunction); ok && !inner.IsG {
				functions = append(functions, inner)
			} else if fn.Proto != nil && i < len(fn.Proto.DbgUpvalues) {
				w.variables = append(w.variables, keptVariable{name: fmt.Sprintf("the variable %q of the function at %s", fn.Proto.DbgUpvalues[i], c.shortPos(placeOf(fn))), value: value})
			}
		}
	}
	return false
}

// isSeen reports whether a value is counted already, and notes that it is.
func (w *keptWalk) isSeen(v any) bool {
	before := len(w.seen)
	w.seen[v] = struct{}{}
	return len(w.seen) == before
}

// step counts some values.
func (w *keptWalk) step() (done bool) {
	for range keptPiece {
		if w.config.keptLevel(w.bytes) == keptTooMuch {
			return true
		}
		if len(w.todo) == 0 {
			if w.begun == len(w.variables) {
				return true
			}
			w.begun++
			w.count(w.variables[w.begun-1].value)
			continue
		}
		w.further(&w.todo[len(w.todo)-1])
	}
	return false
}

// further counts the next value of what is at hand.
func (w *keptWalk) further(p *keptPlace) {
	if p.fn != nil {
		if p.next < len(p.fn.Upvalues) {
			p.next++
			w.count(p.fn.Upvalues[p.next-1].Value())
			return
		}
	} else if p.left--; p.left >= 0 {
		key, value := p.table.Next(p.key)
		if p.key = key; key != lua.LNil {
			if _, index := key.(lua.LNumber); !index {
				w.count(key)
			}
			w.count(value)
			return
		}
	}
	w.todo = w.todo[:len(w.todo)-1]
}

// Sizes of values in bytes, beside those of tables.
const (
	boxBytes       = 16 // of a value that an interface holds
	functionBytes  = 80
	upvalueBytes   = 64
	userDataBytes  = 256 // an event
	coroutineBytes = 80 << 10
)

// count adds a value to what its variable keeps.
func (w *keptWalk) count(v lua.LValue) {
	switch v := v.(type) {
	case lua.LString:
		w.add(boxBytes + len(v))
	case lua.LNumber:
		w.add(boxBytes)
	case *lua.LTable:
		if !w.isSeen(v) {
			bytes, entries := w.shape.of(v)
			w.add(bytes)
			w.todo = append(w.todo, keptPlace{table: v, key: lua.LNil, left: entries + 1})
			if v.Metatable != lua.LNil {
				w.count(v.Metatable)
			}
		}
	case *lua.LFunction:
		if !w.isSeen(v) {
			w.add(functionBytes + upvalueBytes*len(v.Upvalues))
			w.todo = append(w.todo, keptPlace{fn: v})
		}
	case *lua.LUserData:
		if !w.isSeen(v) {
			w.add(userDataBytes)
		}
	case *lua.LState:
		if !w.isSeen(v) {
			w.add(coroutineBytes)
		}
	}
}

func (w *keptWalk) add(bytes int) {
	w.bytes += bytes
	w.variables[w.begun-1].bytes += bytes
}

// most returns the variable that keeps the most.
func (w *keptWalk) most() keptVariable {
	if len(w.variables) == 0 {
		return keptVariable{}
	}
	return slices.MaxFunc(w.variables, func(a, b keptVariable) int { return cmp.Compare(a.bytes, b.bytes) })
}

// tableShape is where the parts of a table are, which are not exported. A table
// never lets go of a key, even when its value is set to nil.
type tableShape struct{ array, dict, strdict, keys int }

func shapeOfTables() tableShape {
	field := func(name string) int {
		f, _ := reflect.TypeFor[lua.LTable]().FieldByName(name)
		return f.Index[0]
	}
	return tableShape{field("array"), field("dict"), field("strdict"), field("keys")}
}

// of returns how large a table is itself, and how many entries it may have.
func (s tableShape) of(t *lua.LTable) (bytes, entries int) {
	const (
		table  = 120
		slot   = 16 // of a slice of values
		ofKey  = 56 // in the map that has the place of each key
		ofDict = 64 // in the maps that have the values
	)
	v := reflect.ValueOf(t).Elem()
	array, keys := v.Field(s.array).Cap(), v.Field(s.keys)
	inMaps := v.Field(s.dict).Len() + v.Field(s.strdict).Len()
	return table + slot*(array+keys.Cap()) + ofKey*keys.Len() + ofDict*inMaps, array + keys.Len()
}
