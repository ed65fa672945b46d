package stream

import (
	"fmt"
	"testing"

	"tocsin/engine"
)

// TestResume: the time in which the engine did not run takes nothing from the
// ttl of an entry, what was due fires once, and what is periodic keeps its beat.
func TestResume(t *testing.T) {
	build := func(s *Stream) (*Stream, error) {
		everySecond(s) // in fact every 3 s
		hosts, err := s.Where(queried(t, `service = "a"`)).By(field("host"))
		if err != nil {
			return nil, err
		}
		held, err := hosts.Stable(5*second, field("state"))
		if err != nil {
			return nil, err
		}
		ticked := s.Where(queried(t, `service = "ticked"`))
		return Merge(held, ticked)
	}
	o := engine.Options{TTL: 20 * second, Forget: 1000 * second}
	before := savedRig(t, o, build, func(r *rig) { r.graph.Start() })
	before.play("1 host=x service=a state=critical; +1").want("")
	after := savedRig(t, o, build, func(r *rig) {
		if _, err := r.load(before.save()); err != nil {
			t.Fatal(err)
		}
	})
	after.graph.engine.Resume(engine.TimeOf(100.5))
	after.want(`3 service=ticked metric=1; 1 host=x service=a state=critical`)
	after.got = nil
	after.play("+2").want("102 service=ticked metric=2")
	after.got = nil
	// 1 s of the 20 had passed before, 2.5 s have since.
	after.play("+16.9")
	for _, shown := range after.got {
		if shown == "seen 119.5 host=x service=a state=expired" {
			t.Error("the entry has expired early")
		}
	}
	after.got = nil
	after.play("+0.2").want("seen 119.5 host=x service=a state=expired")
}

// TestResumeKeepsWhatIsRemembered: nor does that time make what an operator
// remembers expire.
func TestResumeKeepsWhatIsRemembered(t *testing.T) {
	build := func(s *Stream) (*Stream, error) {
		return s.Where(queried(t, `service = "a"`)).Coalesce(5 * second)
	}
	o := engine.Options{TTL: 20 * second, Forget: 1000 * second}
	before := savedRig(t, o, build, func(r *rig) { r.graph.Start() })
	before.play("1 host=x service=a state=ok; +1").want("")
	after := savedRig(t, o, build, func(r *rig) {
		if _, err := r.load(before.save()); err != nil {
			t.Fatal(err)
		}
	})
	after.graph.engine.Resume(engine.TimeOf(100.5))
	after.play("+6")
	if want := "[[1 host=x service=a state=ok] [1 host=x service=a state=ok]]"; fmt.Sprint(after.got) != want {
		t.Errorf("got %v, want %s", after.got, want)
	}
}
