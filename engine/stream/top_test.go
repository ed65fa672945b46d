package stream

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/engine"
)

func TestTop(t *testing.T) {
	metric, state := field("metric"), field("state")
	for _, c := range []struct {
		name     string
		k        int
		key      engine.Key
		in, want string
	}{
		{"who gets in is expired to the rest first", 1, metric, "0 service=a metric=1",
			"rest 0 service=a state=expired; top 0 service=a metric=1"},
		{"who is in stays in with a smaller key, while nobody else is above", 1, metric, "0 service=a metric=5; 1 service=a metric=1",
			"rest 0 service=a state=expired; top 0 service=a metric=5; rest 1 service=a state=expired; top 1 service=a metric=1"},
		{"who is not above the least is expired to the top first", 1, metric, "0 service=a metric=5; 1 service=b metric=1",
			"rest 0 service=a state=expired; top 0 service=a metric=5; top 1 service=b state=expired; rest 1 service=b metric=1"},
		{"the demoted comes out before the newcomer, as it was", 1, metric, "0 service=a metric=1; 1 service=b metric=2",
			`rest 0 service=a state=expired; top 0 service=a metric=1;
			 top 1 service=a state=expired; rest 0 service=a metric=1; rest 1 service=b state=expired; top 1 service=b metric=2`},
		{"who is in stays in at a tie", 1, metric, "0 service=a metric=1; 1 service=b metric=1",
			"rest 0 service=a state=expired; top 0 service=a metric=1; top 1 service=b state=expired; rest 1 service=b metric=1"},
		{"of equals the latest is demoted", 2, metric, "0 service=a metric=1; 0 service=b metric=1; 1 service=c metric=2",
			`rest 0 service=a state=expired; top 0 service=a metric=1; rest 0 service=b state=expired; top 0 service=b metric=1;
			 top 1 service=b state=expired; rest 0 service=b metric=1; rest 1 service=c state=expired; top 1 service=c metric=2`},
		{"who has lost its key leaves, and there is room", 1, metric, "0 service=a metric=2; 1 service=a; 2 service=b metric=1",
			`rest 0 service=a state=expired; top 0 service=a metric=2; top 1 service=a state=expired; rest 1 service=a;
			 rest 2 service=b state=expired; top 2 service=b metric=1`},
		{"an expired event goes to both, and makes room", 1, metric, "0 service=a metric=2; 1 service=a state=expired; 2 service=b metric=1",
			`rest 0 service=a state=expired; top 0 service=a metric=2; top 1 service=a state=expired; rest 1 service=a state=expired;
			 rest 2 service=b state=expired; top 2 service=b metric=1`},
		{"an expiry keeps host, service, tags and attributes, and has the time of now", 1, metric, "+7; 3 host=h service=a metric=1 ttl=9 tags=x,y role=r",
			"rest 7 host=h service=a state=expired tags=x,y role=r; top 3 host=h service=a metric=1 ttl=9 tags=x,y role=r"},
		{"each host and service counts once", 2, metric, "0 host=h service=a metric=1; 0 service=a metric=2; 1 host=h service=a metric=3 tags=t",
			`rest 0 host=h service=a state=expired; top 0 host=h service=a metric=1; rest 0 service=a state=expired; top 0 service=a metric=2;
			 rest 1 host=h service=a state=expired tags=t; top 1 host=h service=a metric=3 tags=t`},
		{"texts are compared as texts", 1, state, "0 service=a state=b; 1 service=b state=a",
			"rest 0 service=a state=expired; top 0 service=a state=b; top 1 service=b state=expired; rest 1 service=b state=a"},
		{"an event without a usable key goes nowhere", 1, failing{errors.New("no key")}, "0 service=a metric=13", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			newRig(t, engine.Options{}, func(r *rig, events *Stream) {
				top, rest, err := events.Where(queried(t, `service != "tocsin error"`)).Top(c.k, c.key)
				if err != nil {
					t.Fatal(err)
				}
				r.tap("rest", rest)
				r.tap("top", top)
			}).play(c.in).want(c.want)
		})
	}
	if _, _, err := NewGraph(engine.New(engine.Options{}, 0)).Events().Top(0, metric); err == nil {
		t.Error("top 0")
	}
}

// TestTopByTTL: an event whose ttl has passed on the way to top, here while it
// was held back, has expired, and goes to both as it is.
func TestTopByTTL(t *testing.T) {
	var got []string
	note := func(name string) EachFunc {
		return func(m engine.Message) error { got = append(got, name+" "+showMessage(m)); return nil }
	}
	b := newBench(t, func(s *Stream) (*Stream, error) {
		s, err := s.Stable(10*time.Second, field("state"))
		if err != nil {
			return nil, err
		}
		top, rest, err := s.Top(1, field("metric"))
		rest.Tap(note("rest"))
		return top.Tap(note("top")), err
	})
	playBench(t, b, "0 service=a metric=1 ttl=5; +10")
	wantItems(t, got, "top 0 service=a metric=1 ttl=5; rest 0 service=a metric=1 ttl=5")
}

// TestTopKeepsDepth: an expiry that top makes is as deep as its event, so that
// emitting what it passes comes to an end.
func TestTopKeepsDepth(t *testing.T) {
	b := newBench(t, func(s *Stream) (*Stream, error) {
		_, rest, err := s.Top(1, field("metric"))
		return rest, err
	})
	e := b.ev(0, 1)
	e.Depth = 9
	b.send(e)
	if len(b.got) != 1 || b.got[0].Events[0].Depth != 9 {
		t.Errorf("got %+v, want an expiry of depth 9", b.got)
	}
}

// TestTopLaws: of each identity that has not expired, exactly one of the two
// streams has a live event, and that is its latest; the top has no more than k;
// and who is in is as a plain list of members has it.
func TestTopLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := rapid.IntRange(1, 4).Draw(rt, "k")
		views := [2]map[string]float64{{}, {}}
		view := func(i int) EachFunc {
			return func(m engine.Message) error {
				if e := &m.Events[0]; e.IsExpired() {
					delete(views[i], e.ID.Service)
				} else {
					views[i][e.ID.Service] = e.Metric
				}
				return nil
			}
		}
		b := newBench(t, func(s *Stream) (*Stream, error) {
			top, rest, err := s.Top(k, field("metric"))
			rest.Tap(view(1))
			return top.Tap(view(0)), err
		})
		type member struct {
			service string
			metric  float64
			seq     int
		}
		var in []member
		latest := map[string]float64{}
		for i := range rapid.IntRange(1, 50).Draw(rt, "n") {
			service := fmt.Sprint("s", rapid.IntRange(0, 7).Draw(rt, "service"))
			metric := float64(rapid.IntRange(0, 5).Draw(rt, "metric"))
			at := slices.IndexFunc(in, func(m member) bool { return m.service == service })
			if rapid.IntRange(0, 9).Draw(rt, "expires") == 0 {
				b.send(b.ev(0, nan, "service", service, "state", engine.Expired))
				delete(latest, service)
				if at >= 0 {
					in = slices.Delete(in, at, at+1)
				}
			} else {
				b.send(b.ev(0, metric, "service", service))
				latest[service] = metric
				if at >= 0 {
					in[at] = member{service, metric, i}
				} else {
					// A newcomer that is equal to the least is the latest of them.
					in = append(in, member{service, metric, i})
				}
				slices.SortFunc(in, func(a, b member) int {
					return cmp.Or(-cmp.Compare(a.metric, b.metric), cmp.Compare(a.seq, b.seq))
				})
				in = in[:min(len(in), k)]
			}
			if len(views[0]) != len(in) || len(views[0])+len(views[1]) != len(latest) {
				rt.Fatalf("top has %v and the rest %v; want %v in of %v", views[0], views[1], in, latest)
			}
			for _, m := range in {
				if got, ok := views[0][m.service]; !ok || got != m.metric {
					rt.Fatalf("top has %v, want %v", views[0], in)
				}
			}
			for service, metric := range views[1] {
				if latest[service] != metric {
					rt.Fatalf("the rest has %v of %v, whose latest is %v", metric, service, latest[service])
				}
			}
		}
	})
}
