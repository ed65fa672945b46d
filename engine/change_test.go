package engine

import (
	"strings"
	"testing"
)

func TestChange(t *testing.T) {
	r := newRig(t, Options{})
	full := r.ev("s", "state=ok", "description=d", "time=5", "metric=1", "ttl=10", "tag=x", "k=v")
	bare := Event{ID: r.ids.Loose(Parts{})}
	none := Value{}
	for _, c := range []struct {
		field  string
		value  Value
		full   string // with
		bare   string // with
		absent string // default, of the full event; of the bare one it is the same as with
	}{
		{"host", TextValue("h2"), `h2/s ok 1 "d" ttl=10 @5 [x] k=v`, `h2/ @0`, ""},
		{"host", none, `/s ok 1 "d" ttl=10 @5 [x] k=v`, `/ @0`, ""},
		{"service", TextValue("s2"), `h/s2 ok 1 "d" ttl=10 @5 [x] k=v`, `/s2 @0`, ""},
		{"service", none, `h/ ok 1 "d" ttl=10 @5 [x] k=v`, `/ @0`, ""},
		{"state", TextValue(""), `h/s  1 "d" ttl=10 @5 [x] k=v`, `/  @0`, ""},
		{"state", none, `h/s 1 "d" ttl=10 @5 [x] k=v`, `/ @0`, ""},
		{"description", TextValue("e"), `h/s ok 1 "e" ttl=10 @5 [x] k=v`, `/ "e" @0`, ""},
		{"description", none, `h/s ok 1 ttl=10 @5 [x] k=v`, `/ @0`, ""},
		{"time", NumberValue(7), `h/s ok 1 "d" ttl=10 @7 [x] k=v`, `/ @7`, ""},
		{"time", none, `h/s ok 1 "d" ttl=10 @0 [x] k=v`, `/ @0`, ""},
		{"metric", NumberValue(0), `h/s ok 0 "d" ttl=10 @5 [x] k=v`, `/ 0 @0`, ""},
		{"metric", none, `h/s ok "d" ttl=10 @5 [x] k=v`, `/ @0`, ""},
		{"ttl", NumberValue(0.5), `h/s ok 1 "d" ttl=0.5 @5 [x] k=v`, `/ ttl=0.5 @0`, ""},
		{"ttl", none, `h/s ok 1 "d" @5 [x] k=v`, `/ @0`, ""},
		{"tags", none, `h/s ok 1 "d" ttl=10 @5 k=v`, `/ @0`, ""},
		{"k", TextValue("w"), `h/s ok 1 "d" ttl=10 @5 [x] k=w`, `/ @0 k=w`, ""},
		{"k", none, `h/s ok 1 "d" ttl=10 @5 [x]`, `/ @0`, ""},
		{"a", NumberValue(1.50), `h/s ok 1 "d" ttl=10 @5 [x] a=1.5 k=v`, `/ @0 a=1.5`, `h/s ok 1 "d" ttl=10 @5 [x] a=1.5 k=v`},
		{"z", BoolValue(true), `h/s ok 1 "d" ttl=10 @5 [x] k=v z=true`, `/ @0 z=true`, `h/s ok 1 "d" ttl=10 @5 [x] k=v z=true`},
	} {
		var change Change
		if err := change.Set(c.field, c.value); err != nil {
			t.Errorf("%s: %v", c.field, err)
			continue
		}
		if got := change.OfIdentity(); got != FieldNamed(c.field).IsStatic() {
			t.Errorf("%s: OfIdentity is %v", c.field, got)
		}
		check := func(what string, got Event, want string) {
			t.Helper()
			if s := show(&got); s != want {
				t.Errorf("%s %s = %s: got %s, want %s", what, c.field, c.value, s, want)
			}
		}
		check("with", change.Apply(&full, r.ids.tagged(nil)), c.full)
		check("with", change.Apply(&bare, r.ids.tagged(nil)), c.bare)
		check("new", change.New(r.ids), c.bare)
		if c.absent == "" {
			c.absent = show(&full)
		}
		check("default", applyAbsent(&change, &full, r.ids), c.absent)
		check("default", applyAbsent(&change, &bare, r.ids), c.bare)
	}
	if want := `h/s ok 1 "d" ttl=10 @5 [x] k=v`; show(&full) != want {
		t.Errorf("the event itself was changed: %s", show(&full))
	}
}

// applyAbsent changes what is absent, as default does.
func applyAbsent(c *Change, e *Event, ids *Identities) Event {
	out, p := *e, e.ID.Parts()
	c.ToParts(&p, true)
	out.ID = ids.Loose(p)
	c.ToEvent(&out, true)
	return out
}

func TestChangeOfTags(t *testing.T) {
	r := newRig(t, Options{})
	tagged, plain := r.ev("s", "tag=x"), r.ev("s")
	var c Change
	c.SetTags([]string{"a", "b", "a"})
	for _, got := range []Event{c.Apply(&tagged, r.ids), c.Apply(&plain, r.ids), applyAbsent(&c, &plain, r.ids)} {
		if show(&got) != "h/s @0 [a b]" {
			t.Errorf("got %s", show(&got))
		}
	}
	if got := applyAbsent(&c, &tagged, r.ids); show(&got) != "h/s @0 [x]" {
		t.Errorf("default replaced the tags: %s", show(&got))
	}
}

func TestChangeErrors(t *testing.T) {
	for _, c := range []struct {
		field string
		value Value
		want  string
	}{
		{"metric", TextValue("high"), `metric must be a number, not "high"`},
		{"time", BoolValue(true), `time must be a number, not "true"`},
		{"ttl", TextValue(""), `ttl must be a number, not ""`},
		{"host", NumberValue(3), "host must be a string, not 3"},
		{"service", BoolValue(false), "service must be a string, not false"},
		{"state", NumberValue(0.5), "state must be a string, not 0.5"},
		{"description", NumberValue(1), "description must be a string, not 1"},
		{"tags", TextValue("a,b"), "tags must be a list of strings"},
	} {
		var change Change
		if err := change.Set(c.field, c.value); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s = %s: got %v, want %q", c.field, c.value, err, c.want)
		}
	}
}
