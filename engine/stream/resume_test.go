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
	after.want("3 service=ticked metric=1")
	after.play("+2").want("102 service=ticked metric=2")
	// 1 s of the 5 and of the 20 had passed before, 2 s have since.
	after.play("+1.9").want("")
	after.play("+0.2")
	if got := after.got[0]; got != "1 host=x service=a state=critical" {
		t.Errorf("passed %s", got)
	}
	after.play("+14.8")
	for _, shown := range after.got {
		if shown == "seen 119.5 host=x service=a state=expired" {
			t.Error("the entry has expired early")
		}
	}
	after.got = nil
	after.play("+0.2").want("seen 119.5 host=x service=a state=expired")
}

// TestResumePutsOff: what waits for silence, or for a state to last, and the
// interval of a rate wait for as long as they would have without a pause.
func TestResumePutsOff(t *testing.T) {
	for _, test := range []struct {
		name   string
		build  func(s *Stream) (*Stream, error)
		during string // the rest of 1 s, which begins with an event of metric 10
		rest   string // of 5 s
		then   string
	}{
		{"fill", func(s *Stream) (*Stream, error) { return s.Fill(5*second, nil) }, "0 service=a metric=10", "", "105"},
		{"fill_last", func(s *Stream) (*Stream, error) { return s.FillLast(5*second, nil) }, "0 service=a metric=10", "", "105 service=a metric=10"},
		{"stable", func(s *Stream) (*Stream, error) { return s.Stable(5*second, field("state")) }, "", "", "0 service=a metric=10"},
		{"rate", func(s *Stream) (*Stream, error) { return s.Rate(5 * second) }, "", "", "105 service=a metric=2 ttl=20"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := engine.Options{TTL: 20 * second}
			r := savedRig(t, o, test.build, func(r *rig) { r.graph.Start() })
			r.play("0 service=a metric=10; +1").want(test.during)
			r.graph.engine.Resume(engine.TimeOf(101))
			r.play("+3.9").want(test.rest)
			r.play("+0.2").want(test.then)
		})
	}
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
