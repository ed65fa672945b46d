package engine

import "testing"

// TestMessageID: an ID depends on what a message says, not on when it came.
func TestMessageID(t *testing.T) {
	e := func(service, state string, time, arrival Time) Event {
		ev := Event{ID: NewIdentities(10).Loose(serviceParts(service)), Arrival: arrival}
		ev.SetState(state)
		ev.SetTime(time)
		return ev
	}
	first := Message{Events: []Event{e("a", "ok", 1, 1)}}
	again := Message{Events: []Event{e("a", "ok", 1, 2)}}
	if id := first.ID("hook"); len(id) != 32 || id != again.ID("hook") {
		t.Errorf("the same message has the IDs %q and %q", id, again.ID("hook"))
	}
	seen := map[string]string{first.ID("hook"): "first"}
	for name, id := range map[string]string{
		"other sink":    first.ID("hooks"),
		"other service": (&Message{Events: []Event{e("b", "ok", 1, 1)}}).ID("hook"),
		"other state":   (&Message{Events: []Event{e("a", "bad", 1, 1)}}).ID("hook"),
		"other time":    (&Message{Events: []Event{e("a", "ok", 2, 1)}}).ID("hook"),
		"list":          (&Message{Events: first.Events, List: true}).ID("hook"),
		"two":           (&Message{Events: []Event{first.Events[0], first.Events[0]}}).ID("hook"),
		"empty list":    (&Message{List: true}).ID("hook"),
	} {
		if other := seen[id]; other != "" {
			t.Errorf("%s has the ID of %s", name, other)
		}
		seen[id] = name
	}
}
