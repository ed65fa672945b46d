package stream

import (
	"errors"
	"testing"

	"tocsin/engine"
)

// double doubles the metric, drops what has none, and fails for 13.
func double(e *engine.Event) (engine.Event, bool, error) {
	out := *e
	out.Metric *= 2
	if e.Metric == 13 {
		return out, false, errors.New("unlucky")
	}
	return out, e.Has&engine.HasMetric != 0, nil
}

func TestMap(t *testing.T) {
	runBenchCases(t, []benchCase{
		{"each event is mapped, nil drops it",
			func(s *Stream) (*Stream, error) { return s.Map(double), nil },
			"0 metric=1; 1; 2 metric=3", "0 metric=2; 2 metric=6"},
		{"each event of a list is mapped, nil drops it, none stays",
			func(s *Stream) (*Stream, error) { return s.Map(double), nil },
			"[0 metric=1 | 1 | none | 2 metric=3]; [1]; []", "[0 metric=2 | none | 2 metric=6]; []; []"},
		{"an error stops the event in hand, and a list whole",
			func(s *Stream) (*Stream, error) { return s.Map(double), nil },
			"0 metric=13; [0 metric=1 | 1 metric=13]; 1 metric=1", "1 metric=2"},
		{"map_list may pass one event",
			func(s *Stream) (*Stream, error) {
				return s.MapList(func(events []engine.Event) (engine.Message, bool, error) {
					return engine.Message{Events: events[:min(1, len(events))]}, true, nil
				}), nil
			},
			"[0 metric=1 | 1 metric=2]; []", "0 metric=1"},
		{"map_list may pass a list, or nothing",
			func(s *Stream) (*Stream, error) {
				return s.MapList(func(events []engine.Event) (engine.Message, bool, error) {
					return engine.Message{Events: events[1:], List: true}, len(events) > 1, nil
				}), nil
			},
			"[0 metric=1 | 1 metric=2]; [2 metric=3]; 3 metric=4", "[1 metric=2]"},
		{"flatmap passes what is made one by one",
			func(s *Stream) (*Stream, error) {
				return s.FlatMap(func(e *engine.Event) ([]engine.Event, error) {
					if e.Metric == 13 {
						return nil, errors.New("unlucky")
					}
					out := make([]engine.Event, int(e.Metric))
					for i := range out {
						out[i] = *e
						out[i].Metric = float64(i)
					}
					return out, nil
				}), nil
			},
			"0 metric=2; 1 metric=0; 2 metric=13; 3 metric=1", "0 metric=0; 0 metric=1; 3 metric=0"},
	})
}

// TestMapKeepsDepth: an event that a function makes anew is still derived from
// the one in hand, so that a rule that feeds itself comes to an end.
func TestMapKeepsDepth(t *testing.T) {
	anew := func(e *engine.Event) engine.Event { return engine.Event{ID: e.ID} }
	for name, build := range map[string]func(s *Stream) *Stream{
		"map": func(s *Stream) *Stream {
			return s.Map(func(e *engine.Event) (engine.Event, bool, error) { return anew(e), true, nil })
		},
		"flatmap": func(s *Stream) *Stream {
			return s.FlatMap(func(e *engine.Event) ([]engine.Event, error) { return []engine.Event{anew(e)}, nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(s *Stream) (*Stream, error) { return build(s), nil })
			e := b.ev(0, 1)
			e.Depth = 5
			b.send(e)
			if len(b.got) != 1 || b.got[0].Events[0].Depth != 5 {
				t.Errorf("got %+v, want one event of depth 5", b.got)
			}
		})
	}
	b := newBench(t, func(s *Stream) (*Stream, error) {
		return s.MapList(func(events []engine.Event) (engine.Message, bool, error) {
			return engine.Message{Events: []engine.Event{anew(&events[0])}}, true, nil
		}), nil
	})
	first, second := b.ev(0, 1), b.ev(0, 1)
	first.Depth, second.Depth = 3, 7
	b.head.HandleList([]engine.Event{first, second})
	if len(b.got) != 1 || b.got[0].Events[0].Depth != 7 {
		t.Errorf("got %+v, want one event of depth 7, the deepest of the list", b.got)
	}
}

func adjusting(name string, to func(v engine.Value) (engine.Value, error)) func(s *Stream) (*Stream, error) {
	return func(s *Stream) (*Stream, error) { return s.Adjust(name, to) }
}

func TestAdjust(t *testing.T) {
	shout := func(v engine.Value) (engine.Value, error) {
		if v.Kind == engine.Absent {
			return engine.TextValue("none"), nil
		}
		return engine.TextValue(v.Str + "!"), nil
	}
	drop := func(engine.Value) (engine.Value, error) { return engine.Value{}, nil }
	length := func(v engine.Value) (engine.Value, error) { return engine.NumberValue(float64(len(v.Str))), nil }
	half := func(v engine.Value) (engine.Value, error) { return engine.NumberValue(v.Num / 2), nil }
	runBenchCases(t, []benchCase{
		{"a text, which may be absent before", adjusting("state", shout), "0 state=ok; 1", "0 state=ok!; 1 state=none"},
		{"the host", adjusting("host", shout), "0 host=a; 1", "0 host=a!; 1 host=none"},
		{"an attribute", adjusting("role", shout), "0 role=a; 1 zone=b", "0 role=a!; 1 role=none zone=b"},
		{"an attribute given as a number is kept as text", adjusting("role", length), "0 role=abc", "0 role=3"},
		{"absent after: the field goes", adjusting("state", drop), "0 state=ok metric=1; 1", "0 metric=1; 1"},
		{"absent after: the attribute goes", adjusting("role", drop), "0 role=x zone=y; 1", "0 zone=y; 1"},
		{"absent after: the service goes", adjusting("service", drop), "0 host=a service=x", "0 host=a"},
		{"a number", adjusting("metric", half), "0 metric=3", "0 metric=1.5"},
		{"the ttl, in seconds", adjusting("ttl", half), "0 ttl=3", "0 ttl=1.5"},
		{"the time, in seconds", adjusting("time", half), "7", "3.5"},
		{"a number where a text belongs is an error", adjusting("state", length), "0 state=ok; [0 state=ok | 1]", ""},
		{"each event of a list, none stays", adjusting("state", shout), "[0 state=ok | none | 1]", "[0 state=ok! | none | 1 state=none]"},
		{"an error of the function", adjusting("state", func(engine.Value) (engine.Value, error) {
			return engine.Value{}, errors.New("boom")
		}), "0 state=ok; [0 state=ok]", ""},
	})
	if _, err := NewGraph(engine.New(engine.Options{}, 0)).Events().Adjust("tags", drop); err == nil {
		t.Error("adjust of tags")
	}
}

func TestScaleAndTags(t *testing.T) {
	scale := func(x float64) func(s *Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.Scale(x), nil }
	}
	tag := func(tags ...string) func(s *Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.Tag(tags...) }
	}
	untag := func(tags ...string) func(s *Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.Untag(tags...) }
	}
	runBenchCases(t, []benchCase{
		{"scale", scale(-0.5), "0 metric=4; 1; 2 metric=0", "0 metric=-2; 1; 2 metric=-0"},
		{"scale of a list", scale(2), "[0 metric=4 | none | 1]", "[0 metric=8 | none | 1]"},
		{"tag adds in front, in the order given", tag("a", "b"), "0 tags=c; 1", "0 tags=a,b,c; 1 tags=a,b"},
		{"tag makes no doubles", tag("a", "b", "a"), "0 tags=c,b,d", "0 tags=a,b,c,d"},
		{"tag of a list", tag("a"), "[0 tags=c | none]", "[0 tags=a,c | none]"},
		{"untag removes", untag("a", "c"), "0 tags=a,b,c; 1 tags=a; 2", "0 tags=b; 1; 2"},
		{"untag of a list", untag("a"), "[0 tags=a | none | 1 tags=b]", "[0 | none | 1 tags=b]"},
		{"the rest of the identity stays", tag("a"), "0 host=h service=s role=r", "0 host=h service=s tags=a role=r"},
	})
	s := NewGraph(engine.New(engine.Options{}, 0)).Events()
	if _, err := s.Tag(); err == nil {
		t.Error("tag without a tag")
	}
	if _, err := s.Untag(); err == nil {
		t.Error("untag without a tag")
	}
}

func TestWithAndDefault(t *testing.T) {
	change := func(set map[string]engine.Value, tags ...string) *engine.Change {
		var c engine.Change
		for name, v := range set {
			if err := c.Set(name, v); err != nil {
				t.Fatal(err)
			}
		}
		if tags != nil {
			c.SetTags(tags)
		}
		return &c
	}
	with := func(c *engine.Change) func(s *Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.With(c), nil }
	}
	byDefault := func(c *engine.Change) func(s *Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.Default(c), nil }
	}
	text, number, none := engine.TextValue, engine.NumberValue, engine.Value{}
	runBenchCases(t, []benchCase{
		{"with sets", with(change(map[string]engine.Value{"state": text("ok"), "role": text("x"), "metric": number(3)})),
			"0 state=bad role=y; 1 host=a", "0 state=ok metric=3 role=x; 1 host=a state=ok metric=3 role=x"},
		{"with removes", with(change(map[string]engine.Value{"state": none, "role": none, "host": none, "time": none})),
			"0 host=a state=bad role=y; 1 host=a service=s", "-; - service=s"},
		{"with replaces tags", with(change(nil, "a")), "0 tags=b,c", "0 tags=a"},
		{"with of a list", with(change(map[string]engine.Value{"state": text("ok")})), "[0 | none | 1]", "[0 state=ok | none | 1 state=ok]"},
		{"default sets what is absent only", byDefault(change(map[string]engine.Value{"state": text("ok"), "host": text("h"), "role": text("x"), "metric": number(3)})),
			"0 state=bad host=a role=y metric=0; 1", "0 host=a state=bad metric=0 role=y; 1 host=h state=ok metric=3 role=x"},
		{"no tags and an empty list are the same", byDefault(change(nil, "a")), "0 tags=b; 1", "0 tags=b; 1 tags=a"},
		{"default of a list", byDefault(change(map[string]engine.Value{"state": text("ok")})), "[0 state=x | none | 1]", "[0 state=x | none | 1 state=ok]"},
	})
}
