package engine

import (
	"math"
	"testing"
	"time"
)

func TestFields(t *testing.T) {
	r := newRig(t, Options{})
	full := r.ev("s", "state=ok", "description=d", "time=5.5", "metric=-2", "ttl=0.25", "tag=x", "tag=y", "k=v")
	empty := Event{ID: r.ids.Loose(Parts{})}
	for name, want := range map[string]Value{
		"host": TextValue("h"), "service": TextValue("s"), "state": TextValue("ok"), "description": TextValue("d"),
		"time": NumberValue(5.5), "metric": NumberValue(-2), "ttl": NumberValue(0.25), "tags": TextValue("x,y"), "k": TextValue("v"),
	} {
		f := FieldNamed(name)
		if got := f.Of(&full); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
		if got, err := f.Value(&full); got != want || err != nil {
			t.Errorf("as a key %s is %v, %v", name, got, err)
		}
		if got := f.Of(&empty); got.Kind != Absent {
			t.Errorf("%s of an empty event is %v", name, got)
		}
		ofIdentity := Value{}
		if f.IsStatic() {
			ofIdentity = want
		}
		if got := f.OfIdentity(full.ID); got != ofIdentity {
			t.Errorf("the identity alone gives %v for %s, want %v", got, name, ofIdentity)
		}
		if f.Name() != name || f != FieldNamed(name) || f.IsAttr() != (name == "k") || f.IsMetric() != (name == "metric") {
			t.Errorf("%s: %+v", name, f)
		}
		if v := AttrField(name).Of(&full); v.Kind != Absent && name != "k" {
			t.Errorf("the attribute %s is %v", name, v)
		}
	}
	// Empty and zero are there.
	zero := r.ev("", "metric=0")
	zero.SetState("")
	if FieldNamed("service").Of(&zero) != TextValue("") || FieldNamed("metric").Of(&zero) != NumberValue(0) || FieldNamed("state").Of(&zero) != TextValue("") {
		t.Error("empty and zero count as absent")
	}
	full.Clear(HasState | HasDescription | HasTime | HasMetric | HasTTL)
	if full.Has != 0 || full.State != "" || full.Description != "" || full.Time != 0 || full.Metric != 0 || full.TTL != 0 {
		t.Errorf("Clear left %+v", full)
	}
}

func TestAttrsOfManyAndFew(t *testing.T) {
	var l Labels
	for c := 'a'; c <= 'z'; c++ {
		if _, ok := l.Attr(string(c)); ok {
			t.Errorf("%c is found among %d", c, len(l.Attrs))
		}
		l.Attrs = append(l.Attrs, Attr{string(c), string(c - 32)})
		for d := 'a'; d <= c; d++ {
			if v, ok := l.Attr(string(d)); !ok || v != string(d-32) {
				t.Errorf("%c is %q among %d", d, v, len(l.Attrs))
			}
		}
	}
}

func TestValueString(t *testing.T) {
	for want, v := range map[string]Value{
		"nil": {}, "true": BoolValue(true), "false": BoolValue(false), "x": TextValue("x"),
		"4": NumberValue(4), "1e+300": NumberValue(1e300), "-0.1": NumberValue(-0.1), "NaN": NumberValue(math.NaN()),
	} {
		if v.String() != want {
			t.Errorf("got %q, want %q", v.String(), want)
		}
	}
	if NumberValue(1) == TextValue("1") || BoolValue(true) == NumberValue(1) || TextValue("") == (Value{}) {
		t.Error("values of different kinds are the same")
	}
}

func TestEventLife(t *testing.T) {
	e := New(Options{TTL: 10 * time.Second}, TimeOf(100))
	for _, c := range []struct {
		at, ttl float64 // below 0: none
		state   string
		want    bool
	}{
		{100, -1, "ok", false}, {109, -1, "ok", false}, {110, -1, "ok", true},
		{100, 0, "ok", false}, {100.001, 0, "ok", true}, {104, 5, "ok", false}, {105, 5, "ok", true},
		{100, 5, Expired, true},
	} {
		ev := Event{ID: e.ids.Loose(Parts{}), Arrival: TimeOf(100)}
		ev.SetState(c.state)
		if c.ttl >= 0 {
			ev.SetTTL(Seconds(c.ttl))
		}
		e.now = TimeOf(c.at)
		if got := e.HasExpired(&ev); got != c.want {
			t.Errorf("at %v with ttl %v and state %s: %v", c.at, c.ttl, c.state, got)
		}
	}
}
