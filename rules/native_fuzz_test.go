package rules

import (
	"fmt"
	"math"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"pgregory.net/rapid"

	"tocsin/engine"
)

// FuzzNative makes functions and events of bytes, and holds what functions are
// compiled to against the VM.
func FuzzNative(f *testing.F) {
	for _, seed := range []string{"", "\x00\x01\x02\x03\x04\x05\x06\x07", "native speed", strings.Repeat("\x05\x11\x23\x37\x41", 12), strings.Repeat("and or not", 9)} {
		f.Add([]byte(seed))
	}
	c := mustLoad(f, "", Options{})
	f.Fuzz(func(t *testing.T, data []byte) {
		checkGenerated(t, c, &generator{next: func(n int) int {
			if len(data) == 0 {
				return 0
			}
			b := int(data[0])
			data = data[1:]
			return b % n
		}})
	})
}

// TestNativeProperty is FuzzNative with what rapid draws.
func TestNativeProperty(t *testing.T) {
	c := mustLoad(t, "", Options{})
	rapid.Check(t, func(t *rapid.T) {
		checkGenerated(t, c, &generator{next: func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }})
	})
}

// checkGenerated compares a generated function with the VM in each form, over a
// few generated events.
func checkGenerated(t interface {
	Helper()
	Fatalf(string, ...any)
}, c *Config, g *generator) {
	t.Helper()
	text := "local up, limits = " + g.literal() + ", { ok = 1, a = 'x' }\nreturn function(e)\n" + g.block(2) + "end"
	chunks := newChunks(Options{})
	c.chunks = chunks
	proto, err := chunks.compile("generated.lua", []byte(text))
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	c.Files = []string{"generated.lua"}
	v, err := c.runChunk(proto)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	fn := v.(*lua.LFunction)
	for range 3 {
		e := g.event(c)
		if problem := compareNative(c, fn, &e); problem != "" {
			t.Fatalf("%s\nof %s: %s", text, showEvent(&e), problem)
		}
		if problem := compareAdjust(c, fn, engine.FieldNamed(g.field()).Of(&e)); problem != "" {
			t.Fatalf("%s\n%s", text, problem)
		}
	}
	if problem := compareMap(c, g); problem != "" {
		t.Fatalf("%s", problem)
	}
}

// compareAdjust says where a function over values differs from the VM's.
func compareAdjust(c *Config, fn *lua.LFunction, v engine.Value) string {
	p := c.programOf(fn, ofValue)
	if p == nil {
		return ""
	}
	got, ok := c.native.runAdjust(p, fn, v)
	if !ok {
		return ""
	}
	inVM, err := c.call(fn, luaValue(v))
	if want, isValue := valueOf(inVM); err != nil || !isValue || !sameValue(got, want) {
		return fmt.Sprintf("of %v: compiled %v; in the VM %v, %v", v, got, inVM, err)
	}
	return ""
}

// compareMap generates a function for map and compares it with the VM's.
func compareMap(c *Config, g *generator) string {
	text := "local up, limits = 1, {}\nreturn function(e)\n" + g.mapBody() + "\nend"
	proto, err := c.chunks.compile("generated.lua", []byte(text))
	if err != nil {
		return err.Error()
	}
	v, err := c.runChunk(proto)
	if err != nil {
		return err.Error()
	}
	fn := v.(*lua.LFunction)
	p := c.programOf(fn, eventToEvent)
	if p == nil {
		return ""
	}
	e := g.event(c)
	out, kept, ok := c.native.runEvent(p, fn, &e)
	if !ok {
		return ""
	}
	delete(c.chunks.natives, fn.Proto)
	want, wantKept, err := c.mapFunc(fn)(&e)
	if err != nil || kept != wantKept || kept && !sameEvent(&out, &want) {
		return fmt.Sprintf("%s\nof %s: compiled %s, %v; in the VM %s, %v, %v", text, showEvent(&e), showEvent(&out), kept, showEvent(&want), wantKept, err)
	}
	return ""
}

// sameEvent compares events of which the metric may be NaN.
func sameEvent(a, b *engine.Event) bool {
	x, y := *a, *b
	if math.IsNaN(x.Metric) && math.IsNaN(y.Metric) {
		x.Metric, y.Metric = 0, 0
	}
	return equalEvents(&x, &y) && x.Arrival == y.Arrival && x.Depth == y.Depth
}

// generator makes texts of functions that are mostly in the subset that is
// compiled. next chooses one of n.
type generator struct {
	next   func(n int) int
	budget int // of expressions; bounds the size
}

func (g *generator) pick(list ...string) string { return list[g.next(len(list))] }

func (g *generator) field() string {
	return g.pick("metric", "state", "host", "service", "description", "time", "ttl", "role", "price", "nothing")
}

func (g *generator) literal() string {
	return g.pick("1", "0", `"ok"`, "nil", "true", "false", "5.5", "-2", "1e300", `"10"`, `" 0x1F "`, `""`, "0x7f", "1e16", `"a"`, "2^53", "1/0", "-1e15", "0.1", `"1e3"`)
}

// block makes a list of statements, with one more return than is needed.
func (g *generator) block(depth int) string {
	var b strings.Builder
	for range g.next(3) {
		switch g.next(4) {
		case 0:
			fmt.Fprintf(&b, "local x = %s\n", g.expression(3))
		case 1:
			fmt.Fprintf(&b, "local x, y = %s, %s\ny = %s\n", g.expression(2), g.expression(2), g.expression(2))
		default:
			if depth == 0 {
				continue
			}
			fmt.Fprintf(&b, "if %s then\n%selse\n%send\n", g.expression(3), g.block(depth-1), g.block(depth-1))
		}
	}
	if g.next(8) > 0 {
		fmt.Fprintf(&b, "do return %s end\n", g.expression(4))
	}
	return b.String()
}

// mapBody makes the body of a function for map.
func (g *generator) mapBody() string {
	with := func() string {
		var fields []string
		for range 1 + g.next(3) {
			fields = append(fields, g.field()+" = "+g.pick("none", g.expression(2), g.expression(2)))
		}
		return "e:with { " + strings.Join(fields, ", ") + " }"
	}
	event := func() string { return g.pick("e", "nil", with(), with()) }
	return g.pick(
		"return "+event(),
		"return "+g.expression(2)+" and "+event()+" or "+event(),
		"return "+g.expression(2)+" and "+event(),
		"if "+g.expression(3)+" then return "+event()+" end return "+event(),
	)
}

// expression makes an expression at most so deep.
func (g *generator) expression(depth int) string {
	if g.budget++; depth == 0 || g.budget > 60 {
		return g.leaf()
	}
	a := func() string { return g.expression(depth - 1) }
	switch g.next(12) {
	case 0, 1:
		return "(" + a() + " " + g.pick("==", "~=", "<", "<=", ">", ">=") + " " + a() + ")"
	case 2, 3:
		return "(" + a() + " " + g.pick("and", "or") + " " + a() + ")"
	case 4:
		return "(" + a() + " " + g.pick("+", "-", "*", "/", "%", "^") + " " + a() + ")"
	case 5:
		return "(" + a() + " .. " + a() + ")"
	case 6:
		return g.pick("not ", "- ", "# ") + a()
	case 7:
		return "(" + a() + "):" + g.pick("lower()", "upper()", "len()", "sub(2)", "sub(-2, 9)", "sub(0, 1)", "sub(1.5)", `find "o"`, `match "^a"`, `match "k$"`, `find ""`, `find "o."`, `match "^$"`, `find("o", 2)`, `find("k", 1, true)`)
	case 8:
		return g.pick("tonumber", "tostring", "type", "math.floor", "math.ceil", "math.abs", "string.len", "string.lower") + "(" + a() + ")"
	case 9:
		return g.pick("math.max", "math.min", "string.sub", "string.find") + "(" + a() + ", " + a() + ")"
	case 10:
		return "e:tagged(" + a() + ")"
	}
	return g.leaf()
}

func (g *generator) leaf() string {
	switch g.next(4) {
	case 0:
		return "(" + g.literal() + ")"
	case 1:
		return g.pick("x", "y", "up", "limits.ok", "limits.none", "limits[e.state]", "limits", "missing", "e", "e.tags")
	}
	return "e." + g.field()
}

// event makes an event.
func (g *generator) event(c *Config) engine.Event {
	texts := []string{"ok", "a", "", "10", "0x1F", " 7 ", "nan", "-0", "é", "1e3", "ok.no"}
	var p engine.Parts
	if g.next(4) > 0 {
		p.SetHost(g.pick(texts...))
	}
	if g.next(4) > 0 {
		p.SetService(g.pick(texts...))
	}
	if g.next(4) > 0 {
		p.SetAttr("role", g.pick(texts...))
		p.SetAttr("price", g.pick(texts...))
	}
	if g.next(2) > 0 {
		p.Tags = []string{g.pick(texts...)}
	}
	e := engine.Event{ID: c.Engine.Identities().Loose(p), Arrival: engine.TimeOf(1)}
	if g.next(4) > 0 {
		numbers := []float64{0, 1, -1, 5.5, 1e300, math.NaN(), math.Inf(1), math.Inf(-1), 1 << 53, 0.1, math.Copysign(0, -1)}
		e.SetMetric(numbers[g.next(len(numbers))])
	}
	if g.next(4) > 0 {
		e.SetState(g.pick(texts...))
	}
	if g.next(4) > 0 {
		e.SetTime(engine.TimeOf(float64(g.next(7)) / 2))
		e.SetTTL(engine.Seconds(float64(g.next(5))))
	}
	return e
}
