package stream

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/engine"
)

func TestPassages(t *testing.T) {
	const in = "0 host=a service=x metric=1; 1 host=b service=x metric=2; 2 host=a service=y metric=3"
	for _, c := range []struct {
		name  string
		build func(r *rig, events *Stream) error
		want  string
	}{
		{"a filter at the root, which the engine serves itself, and one behind",
			func(r *rig, events *Stream) error {
				r.tap("", events.Where(queried(t, `service = "x"`)).Over(1).Live())
				return nil
			}, "where 2, over 1, live 1, tap 1"},
		{"several outs",
			func(r *rig, events *Stream) error {
				streams, err := events.Split(queried(t, "metric = 1"), queried(t, "metric = 9"))
				if err == nil {
					r.tap("rest", streams[2])
				}
				return err
			}, "split rest 2, split 1 1, split 2 0, tap 2"},
		{"lists count as one, inside of groups too",
			func(r *rig, events *Stream) error {
				s, err := byFields(t, events, "host").MovingWindow(2)
				if err == nil {
					r.tap("", s)
				}
				return err
			}, "by 3, moving_window 3, tap 3"},
		{"merge and catch",
			func(r *rig, events *Stream) error {
				s, err := Merge(events.Over(2), events.Under(2))
				if err == nil {
					passed, _ := s.Catch()
					r.tap("", passed)
				}
				return err
			}, "over 1, under 1, merge 2, catch 2, catch errors 0, tap 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, engine.Options{}, func(r *rig, events *Stream) {
				if err := c.build(r, events); err != nil {
					t.Fatal(err)
				}
			}).play(in)
			if got := describePassages(r.graph.Passages()); got != c.want {
				t.Errorf("passed %s, want %s", got, c.want)
			}
		})
	}
}

func describePassages(list []Passage) string {
	var parts []string
	for _, p := range list {
		parts = append(parts, strings.Join(strings.Fields(fmt.Sprintf("%s %s %d", p.Operator, p.Out, p.Passed)), " "))
	}
	return strings.Join(parts, ", ")
}
