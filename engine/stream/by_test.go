package stream

import (
	"fmt"
	"testing"
	"time"

	"tocsin/engine"
)

// numbered sets the metric to how many events the group has had.
type numbered struct {
	node
	made    engine.Event
	dropped *int
}

type numberedState struct {
	op *numbered
	n  int
}

func (s *numberedState) drop(*engine.Engine) { *s.op.dropped++ }

func number(s *Stream) *Stream { return numberCounting(s, new(int)) }

// numberCounting counts the groups that have gone, too.
func numberCounting(s *Stream, dropped *int) *Stream {
	return s.addWithState(&numbered{dropped: dropped}, "numbered")
}

func (s *numberedState) save(w *engine.RecordWriter) { w.Int(s.n) }

func (n *numbered) load(g *Group, r *engine.RecordReader) {
	g.states[n.slot] = &numberedState{op: n, n: r.Int(1 << 20)}
}

func (n *numbered) event(g *Group, e *engine.Event) {
	s := stateOf[numberedState](g, &n.node)
	if s == nil {
		s = &numberedState{op: n}
		g.states[n.slot] = s
	}
	s.n++
	n.made = *e
	n.made.SetMetric(float64(s.n))
	n.out.event(g, &n.made)
}

func byFields(t testing.TB, s *Stream, names ...string) *Stream {
	t.Helper()
	var keys []engine.Key
	for _, name := range names {
		keys = append(keys, field(name))
	}
	behind, err := s.By(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return behind
}

// TestBy numbers the events of each group: a number that goes on shows a group
// that lives, a 1 one that begins.
func TestBy(t *testing.T) {
	for _, c := range []struct {
		name     string
		by       []string
		in, want string
	}{
		{"each host has its own group", []string{"host"},
			"0 host=a; 1 host=b; 2 host=a",
			"0 host=a metric=1; 1 host=b metric=1; 2 host=a metric=2"},
		{"an absent key is a group of its own", []string{"host"},
			"0 service=x; 1 host=a service=x; 2 service=y",
			"0 service=x metric=1; 1 host=a service=x metric=1; 2 service=y metric=2"},
		{"an absent key is not an empty one", []string{"role"},
			"0 host=a role=; 1 host=b",
			"0 host=a metric=1 role=; 1 host=b metric=1"},
		{"two keys do not run into one another", []string{"host", "service"},
			"0 host=ab service=c; 1 host=a service=bc",
			"0 host=ab service=c metric=1; 1 host=a service=bc metric=1"},
		{"the expiry is the last of a group; the next event begins anew", []string{"host"},
			"0 host=a ttl=5; 10 host=a",
			"0 host=a metric=1 ttl=5; 5 host=a state=expired metric=2; 10 host=a metric=1"},
		{"a group lives as long as any of its identities", []string{"host"},
			"0 host=a service=x ttl=5; 0 host=a service=y ttl=20; 10 host=a service=x",
			"0 host=a service=x metric=1 ttl=5; 0 host=a service=y metric=2 ttl=20; 5 host=a service=x state=expired metric=3; 10 host=a service=x metric=4"},
		{"an expired event goes where its identity was last, whatever its key", []string{"role"},
			"0 host=a role=x; 0 host=b role=x; 1 host=a role=y; 2 host=a state=expired role=x; 3 host=b role=x",
			"0 host=a metric=1 role=x; 0 host=b metric=2 role=x; 1 host=a metric=1 role=y; 2 host=a state=expired metric=2 role=x; 3 host=b metric=3 role=x"},
		{"a group that its last identity has left is gone", []string{"role"},
			"0 host=a role=x; 1 host=a role=y; 2 host=b role=x",
			"0 host=a metric=1 role=x; 1 host=a metric=1 role=y; 2 host=b metric=1 role=x"},
		{"a group that another identity is in stays", []string{"role"},
			"0 host=a role=x; 0 host=c role=x; 1 host=a role=y; 2 host=b role=x",
			"0 host=a metric=1 role=x; 0 host=c metric=2 role=x; 1 host=a metric=1 role=y; 2 host=b metric=3 role=x"},
		{"a key of the event moves the identity to and fro", []string{"state"},
			"0 host=a state=ok; 1 host=b state=ok; 2 host=a state=bad; 3 host=a state=ok",
			"0 host=a state=ok metric=1; 1 host=b state=ok metric=2; 2 host=a state=bad metric=1; 3 host=a state=ok metric=3"},
		{"a second expiry finds no group, and makes none that stays", []string{"host"},
			"0 host=a ttl=5; 11 host=a state=expired; 12 host=a",
			"0 host=a metric=1 ttl=5; 5 host=a state=expired metric=2; 11 host=a state=expired metric=1; 12 host=a metric=1"},
		{"ttl 0: the group goes with the event", []string{"host"},
			"0 host=a ttl=0; 1 host=a",
			"0 host=a metric=1 ttl=0; 0 host=a state=expired metric=2; 1 host=a metric=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			newRig(t, engine.Options{}, func(r *rig, events *Stream) {
				r.tap("", number(byFields(t, events, c.by...)))
			}).play(c.in).want(c.want)
		})
	}
}

func TestByNested(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"the inner groups are kept apart within the outer ones",
			"0 host=a role=x kind=k; 1 host=b role=x kind=l; 2 host=c role=y kind=k; 3 host=a role=x kind=k",
			"0 host=a metric=1 kind=k role=x; 1 host=b metric=1 kind=l role=x; 2 host=c metric=1 kind=k role=y; 3 host=a metric=2 kind=k role=x"},
		{"who leaves the outer group leaves the inner one",
			"0 host=a role=x kind=k; 0 host=b role=x kind=l; 1 host=a role=y kind=k; 2 host=c role=x kind=k",
			"0 host=a metric=1 kind=k role=x; 0 host=b metric=1 kind=l role=x; 1 host=a metric=1 kind=k role=y; 2 host=c metric=1 kind=k role=x"},
		{"who stays in the outer group may move within it",
			"0 host=a role=x kind=k; 1 host=a role=x kind=l; 2 host=a role=x kind=k",
			"0 host=a metric=1 kind=k role=x; 1 host=a metric=1 kind=l role=x; 2 host=a metric=1 kind=k role=x"},
		{"an expiry goes to the inner group, and ends both",
			"0 host=a role=x kind=k ttl=5; 9 host=a role=x kind=k",
			"0 host=a metric=1 ttl=5 kind=k role=x; 5 host=a state=expired metric=2 kind=k role=x; 9 host=a metric=1 kind=k role=x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			newRig(t, engine.Options{}, func(r *rig, events *Stream) {
				r.tap("", number(byFields(t, byFields(t, events, "role"), "kind")))
			}).play(c.in).want(c.want)
		})
	}
}

// TestByHeld: a group lives on while one of its operators holds something back,
// and an event that comes before that is out joins it.
func TestByHeld(t *testing.T) {
	build := func(r *rig, events *Stream) {
		s, err := number(byFields(t, events, "host")).Stable(10*time.Second, field("state"))
		if err != nil {
			t.Fatal(err)
		}
		r.tap("", s)
	}
	// The expiry at 3 is the second event of the group, and stable from 13 on.
	newRig(t, engine.Options{}, build).
		play("0 host=a state=ok ttl=3; 13 host=a state=ok; +20").
		want("3 host=a state=expired metric=2; 13 host=a state=ok metric=1")
	// At 7 the group still holds the expiry: the event there is its third.
	newRig(t, engine.Options{}, build).
		play("0 host=a state=ok ttl=3; 7 host=a state=ok; +20").
		want("7 host=a state=ok metric=3")
}

// TestByNotIndexed: an identity that is not in the index counts until the ttl
// of its last event has passed.
func TestByNotIndexed(t *testing.T) {
	newRig(t, engine.Options{AutoIndex: queried(t, `service = "indexed"`)}, func(r *rig, events *Stream) {
		r.tap("", number(byFields(t, events, "host")))
	}).play("0 host=a ttl=5; 4 host=a ttl=5; 8 host=a ttl=5; 13 host=a; 14 host=a state=expired; 15 host=a").
		want("0 host=a metric=1 ttl=5; 4 host=a metric=2 ttl=5; 8 host=a metric=3 ttl=5; 13 host=a metric=1; 14 host=a state=expired metric=2; 15 host=a metric=1")

	// A changed copy has an identity of its own, which nothing indexes.
	copied := func(r *rig, events *Stream) {
		var c engine.Change
		if err := c.Set("service", engine.TextValue("all")); err != nil {
			t.Fatal(err)
		}
		r.tap("", number(byFields(t, events.With(&c), "service")))
	}
	// It counts no longer once it has expired, though its ttl goes on.
	newRig(t, engine.Options{}, copied).play("0 host=a ttl=50; 5 host=a state=expired; 6 host=b").
		want("0 host=a service=all metric=1 ttl=50; 5 host=a service=all state=expired metric=2; 6 host=b service=all metric=1")

	newRig(t, engine.Options{}, copied).play("0 host=a ttl=5; 0 host=b ttl=8; 7 host=c ttl=5").
		want("0 host=a service=all metric=1 ttl=5; 0 host=b service=all metric=2 ttl=8; 5 host=a service=all state=expired metric=3; 7 host=c service=all metric=4 ttl=5")
}

// TestByBare: without an index groups live to the end, and an expired event
// still finds the group that its identity was last in.
func TestByBare(t *testing.T) {
	runBenchCases(t, []benchCase{
		{"groups live to the end",
			func(s *Stream) (*Stream, error) { return number(byFields(t, s, "role")), nil },
			"0 host=a role=x ttl=1; 1 host=a role=y; 99 host=b role=x; 100 host=b role=x state=expired; 101 host=c role=x",
			"0 host=a metric=1 ttl=1 role=x; 1 host=a metric=1 role=y; 99 host=b metric=2 role=x; 100 host=b state=expired metric=3 role=x; 101 host=c metric=4 role=x"},
		{"expired goes where the identity was last",
			func(s *Stream) (*Stream, error) { return number(byFields(t, s, "role")), nil },
			"0 host=a role=x; 1 host=a state=expired; 2 host=b state=expired",
			"0 host=a metric=1 role=x; 1 host=a state=expired metric=2; 2 host=b state=expired metric=1"},
	})
}

func TestByKeyFails(t *testing.T) {
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		s, err := events.Where(queried(t, `host = "a"`)).By(failing{fmt.Errorf("no key")})
		if err != nil {
			t.Fatal(err)
		}
		r.tap("by", number(s))
		r.tap("error", events.Where(queried(t, `service = "tocsin error"`)))
	}).play("0 host=a metric=13; 1 host=a metric=12").
		want(`error 0 service=tocsin error state=critical tags=tocsin,error event_host=a "no key"; by 1 host=a metric=1`)
}

func TestByNeedsKey(t *testing.T) {
	g := NewGraph(engine.New(engine.Options{}, 0))
	if _, err := g.Events().By(); err == nil {
		t.Error("by without a key")
	}
}

// TestByLeavesNothing sends 100,000 identities that live for a second each
// through two bys and an operator with a timer. In the end there is no group,
// no state and no timer, and once all is forgotten no identity.
func TestByLeavesNothing(t *testing.T) {
	const n = 100_000
	e := engine.New(engine.Options{Forget: time.Minute}, 0)
	g := NewGraph(e)
	var inner, outer int
	out := numberCounting(byFields(t, g.Events(), "host"), &outer)
	out = byFields(t, out, "service")
	stable, err := out.Stable(3*time.Second, field("state"))
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	numberCounting(stable, &inner).Each(func(engine.Message) error { passed++; return nil })
	g.Start()
	for i := range n {
		e.Advance(engine.Time(i)*1e6, 0)
		ev := parseEvent(t, e.Identities(), fmt.Sprintf("- host=h%d service=s ttl=1", i))
		e.Ingest(&ev)
	}
	e.Advance(e.Now().Add(10*time.Second), 0)
	groups := g.top.states[0].(*byState).groups
	if len(groups) != 0 || inner != n || outer != n || passed != n {
		t.Errorf("%d groups are left, %d and %d states were dropped, %d expiries passed; want 0, and %d each", len(groups), outer, inner, passed, n)
	}
	e.Advance(e.Now().Add(2*time.Minute), 0)
	if e.Wheel().Len() != 0 || e.Identities().Len() != 0 || e.Index().Len() != 0 {
		t.Errorf("%d timers, %d identities, %d entries are left", e.Wheel().Len(), e.Identities().Len(), e.Index().Len())
	}
}
