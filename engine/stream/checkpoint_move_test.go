package stream

import (
	"testing"

	"tocsin/engine"
)

// TestLoadIntoOtherRules: state goes to the operator of the same path, wherever
// that is drawn now; what is gone is left out, and what is new begins.
func TestLoadIntoOtherRules(t *testing.T) {
	where := func(s *Stream, query string) *Stream { return s.Where(queried(t, query)) }
	before := newRig(t, engine.Options{}, func(r *rig, s *Stream) {
		r.tap("", number(where(s, `service = "a"`)))
		r.tap("", number(byFields(t, where(s, `service = "b"`), "host")))
		held, err := byFields(t, where(s, `service = "c"`), "host").Batch(9, 60*second)
		if err != nil {
			t.Fatal(err)
		}
		r.tap("gone", held)
	})
	before.play("0 service=a; 0 service=a; 0 host=x service=b; 0 host=y service=b; 0 host=y service=b; 0 host=x service=c ttl=1; +3")

	data := before.save()
	after := &rig{t: t, graph: NewGraph(engine.New(engine.Options{}, 0))}
	after.ids = after.graph.engine.Identities()
	s := after.graph.Events()
	after.tap("new", number(where(s, `service = "d"`)))
	after.tap("b", number(byFields(t, where(s, `service = "b"`), "host")))
	after.tap("a", number(where(s, `service = "a"`)))
	after.tap("again", number(where(s, `service = "a"`)))
	byFields(t, where(s, `service = "c"`), "host") // what held its group is gone
	skipped, err := after.load(data)
	if err != nil {
		t.Fatal(err)
	}
	if skipped != 1 {
		t.Errorf("%d pieces were skipped, want the batch of the one host", skipped)
	}
	for _, s := range after.graph.top.states {
		if by, ok := s.(*byState); ok && by.groups[string(appendKey(nil, engine.TextValue("x")))] != nil && len(by.groups) == 1 {
			t.Error("a group that nothing holds is still there")
		}
	}
	after.play("4 service=a; 4 host=y service=b; 4 host=z service=b; 4 service=d").want(`
		a 4 service=a metric=3; again 4 service=a metric=1;
		b 4 host=y service=b metric=3; b 4 host=z service=b metric=1; new 4 service=d metric=1`)
}
