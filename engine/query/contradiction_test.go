package query

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/engine"
)

func TestContradiction(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{`service = "a" and service = "b"`, `service = "a" and service = "b" exclude one another`},
		{`service = "a" and (host = "x" and service = "b")`, `service = "a" and service = "b" exclude one another`},
		{`metric > 5 and metric < 3`, `metric > 5 and metric < 3 exclude one another`},
		{`metric > 5 and metric <= 5`, `metric > 5 and metric <= 5 exclude one another`},
		{`5 < metric and metric = 5`, `5 < metric and metric = 5 exclude one another`},
		{`metric = 5 and metric != 5`, `metric = 5 and metric != 5 exclude one another`},
		{`state = "ok" and state != "ok"`, `state = "ok" and state != "ok" exclude one another`},
		{`service =~ "df%" and service = "load"`, `service =~ "df%" and service = "load" exclude one another`},
		{`service ~= "^df" and service = "load"`, `service ~= "^df" and service = "load" exclude one another`},
		{`host = nil and host = "a"`, `host = nil and host = "a" exclude one another`},
		{`host = nil and host`, `host = nil and host exclude one another`},
		{`tagged "a" and not tagged "a"`, `a condition and its opposite exclude one another`},
		{`(metric > 5 and metric < 3) or (host = "a" and host = "b")`, `metric > 5 and metric < 3 exclude one another`},
		{`false`, `it is false`},
		{`metric = "4"`, `metric never equals "4", which is of another kind`},
		{`host > 5`, `host > 5 compares what are not two numbers`},
		{`metric =~ "4%"`, `metric is never a text`},
		{`1 > 2`, `1 > 2 does not hold`},

		{`service = "a" or service = "b"`, ""},
		{`service = "a" and host = "b"`, ""},
		{`metric > 3 and metric < 5`, ""},
		{`metric >= 5 and metric <= 5`, ""},
		{`(metric > 5 and metric < 3) or host = "a"`, ""},
		{`service =~ "df%" and service = "df/root"`, ""},
		{`service =~ "df%" and service =~ "%used"`, ""},
		{`state != "ok" and state != "warning"`, ""},
		{`host = nil and host != "a"`, ""},
		{`port = "4" and port = 4`, ""}, // an attribute that reads as a number
		{`port = "4" and port < 5`, ""},
		{`expired and state = "ok"`, ""},
		{`not (metric > 5)`, ""},
		{`metric = metric`, ""},
		{`true`, ""},
		{`metric ==`, ""},
	} {
		if got := Contradiction(c.query); got != c.want {
			t.Errorf("%s: got %q, want %q", c.query, got, c.want)
		}
	}
}

// TestContradictionHolds wants no event to match what is called a
// contradiction.
func TestContradictionHolds(t *testing.T) {
	env := &Env{
		Now:        func() engine.Time { return engine.TimeOf(100) },
		DefaultTTL: func() time.Duration { return 50 * time.Second },
	}
	rapid.Check(t, func(t *rapid.T) {
		var events []*engine.Event
		for range 10 {
			events = append(events, drawEvent(t))
		}
		for range 30 {
			root := drawNode(t, rapid.IntRange(0, 3).Draw(t, "depth"))
			why := contradiction(root)
			if why == "" {
				continue
			}
			for _, e := range events {
				if reference(root, e, env) {
					t.Fatalf("%s: %s, but %+v %+v matches", render(t, root), why, *e, e.ID.Parts())
				}
			}
		}
	})
}
