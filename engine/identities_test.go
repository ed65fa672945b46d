package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawParts draws parts from so few texts that equal ones come often.
func drawParts(t *rapid.T) Parts {
	word := rapid.SampledFrom([]string{"", "a", "b", "ab"})
	p := Parts{Host: word.Draw(t, "host"), Service: word.Draw(t, "service")}
	p.Has = rapid.SampledFrom([]Fields{0, HasHost, HasService, HasHost | HasService}).Draw(t, "has")
	if p.Has&HasHost == 0 {
		p.Host = ""
	}
	if p.Has&HasService == 0 {
		p.Service = ""
	}
	p.Tags = rapid.SliceOfN(word, 0, 3).Draw(t, "tags")
	for range rapid.IntRange(0, 3).Draw(t, "attrs") {
		p.Attrs = append(p.Attrs, Attr{word.Draw(t, "key"), word.Draw(t, "value")})
	}
	return p
}

// meaning writes parts so that two texts are equal when the parts mean the same.
func meaning(p Parts) string {
	var tags []string
	for _, tag := range p.Tags {
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	attrs := map[string]string{}
	for _, a := range p.Attrs {
		attrs[a.Key] = a.Value
	}
	return fmt.Sprintf("%q %q %d %q %q", p.Host, p.Service, p.Has, tags, attrs)
}

func TestEqualPartsAreOneIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := NewIdentities(1000)
		byMeaning := map[string]*Identity{}
		for range rapid.IntRange(1, 12).Draw(t, "n") {
			p := drawParts(t)
			tags, attrs := slices.Clone(p.Tags), slices.Clone(p.Attrs)
			id, err := ids.Intern(p)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(tags, p.Tags) || !slices.Equal(attrs, p.Attrs) {
				t.Fatal("the caller's slices were written to")
			}
			if got := meaning(id.Parts()); got != meaning(p) {
				t.Fatalf("the identity is %s, its parts were %s", got, meaning(p))
			}
			if known := byMeaning[meaning(p)]; known != nil && known != id {
				t.Fatalf("two identities of %s", meaning(p))
			}
			byMeaning[meaning(p)] = id
			if ids.Loose(p) != id {
				t.Fatal("Loose does not find what was interned")
			}
		}
		if ids.Len() != len(byMeaning) {
			t.Fatalf("%d identities, want %d", ids.Len(), len(byMeaning))
		}
	})
}

func serviceParts(service string, attrs ...string) Parts {
	p := Parts{}
	p.SetHost("h")
	p.SetService(service)
	for i := 0; i < len(attrs); i += 2 {
		p.SetAttr(attrs[i], attrs[i+1])
	}
	return p
}

func TestLooseIsNotAdded(t *testing.T) {
	ids := NewIdentities(10)
	a, b := ids.Loose(serviceParts("a", "k", "v")), ids.Loose(serviceParts("a", "k", "v"))
	if a == b || a.Known() || ids.Len() != 0 || len(ids.labels) != 0 {
		t.Errorf("the table holds %d identities, %d labels", ids.Len(), len(ids.labels))
	}
	if got, err := ids.adopt(a, false); err != nil || got != a || !a.Known() {
		t.Errorf("adopting the first adds it: %v", err)
	}
	if got, _ := ids.adopt(b, false); got != a {
		t.Error("adopting its equal gives the first")
	}
}

func TestViewsAddTags(t *testing.T) {
	ids := NewIdentities(10)
	p := serviceParts("a")
	p.Tags = []string{"own", "both"}
	id, _ := ids.tagged([]string{"both"}).Tagged([]string{"prod"}).Intern(p)
	if want := []string{"own", "both", "prod"}; !slices.Equal(id.Labels.Tags, want) {
		t.Errorf("tags %q, want %q", id.Labels.Tags, want)
	}
	if ids.Len() != 1 {
		t.Error("views share one table")
	}
}

func TestIdentitiesLimit(t *testing.T) {
	ids := NewIdentities(3)
	for i := range 3 {
		id, _ := ids.Intern(serviceParts(fmt.Sprint(i)))
		if i < 2 {
			ids.adopt(id, false)
		}
	}
	if _, err := ids.Intern(serviceParts("0")); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	if _, err := ids.Intern(serviceParts("3")); err != nil {
		t.Errorf("one that the engine never saw makes room: %v", err)
	}
	three := ids.Loose(serviceParts("3"))
	ids.adopt(three, false)
	if id, err := ids.Intern(serviceParts("4")); id != nil || !errors.Is(err, ErrTooManyIdentities) {
		t.Errorf("got %v, %v", id, err)
	}
	if _, err := ids.adopt(ids.Loose(serviceParts("4")), false); !errors.Is(err, ErrTooManyIdentities) {
		t.Errorf("got %v", err)
	}
	ids.remove(three)
	if three.Known() || ids.adopted != 2 {
		t.Errorf("%d adopted, want 2", ids.adopted)
	}
	if _, err := ids.Intern(serviceParts("4")); err != nil {
		t.Errorf("what was removed made room: %v", err)
	}
}

func TestLabelsAreSharedAndReleased(t *testing.T) {
	ids := NewIdentities(100)
	a, _ := ids.Intern(serviceParts("a", "dc", "1"))
	b, _ := ids.Intern(serviceParts("b", "dc", "1"))
	if a.Labels != b.Labels || len(ids.labels) != 1 {
		t.Error("the same labels are one")
	}
	ids.remove(a)
	if c, _ := ids.Intern(serviceParts("c", "dc", "1")); c.Labels != b.Labels {
		t.Error("they stay as long as one has them")
	}
	ids.remove(b)
	ids.remove(ids.Loose(serviceParts("c")))
	if len(ids.labels) != 0 || ids.Len() != 0 {
		t.Errorf("%d labels, %d identities left", len(ids.labels), ids.Len())
	}
}

// TestVariantsAheadOfTheEngine: sources intern more variants of a host and
// service than the table keeps before the engine sees the first.
func TestVariantsAheadOfTheEngine(t *testing.T) {
	r := newRig(t, Options{})
	r.send("a", "metric=1", "ttl=10")
	for round := range 3 {
		ahead := make([]*Identity, 3*variants)
		for i := range ahead {
			ahead[i], _ = r.ids.Intern(serviceParts("a", "request", fmt.Sprint(round, i)))
		}
		if e := r.index.Lookup("h", "a"); e == nil {
			t.Error("the entry is not found while newer variants wait")
		}
		for _, id := range ahead {
			e := Event{ID: id}
			e.SetTTL(10 * time.Second)
			r.Ingest(&e)
		}
	}
	if r.index.Len() != 1 {
		t.Errorf("%d entries of one host and service", r.index.Len())
	}
	if r.ids.Len() > variants {
		t.Errorf("%d identities", r.ids.Len())
	}
	r.all.take()
	r.advance(10)
	if got := r.all.take(); len(got) != 1 {
		t.Errorf("%d expiries: %q", len(got), got)
	}
	r.advance(3600)
	if r.ids.Len() != 0 || len(r.ids.labels) != 0 || r.wheel.Len() != 0 {
		t.Errorf("left behind: %d identities, %d labels, %d timers", r.ids.Len(), len(r.ids.labels), r.wheel.Len())
	}
}

// TestForgottenIdentitiesComeBack: what is kept with an identity goes with its
// entry, also for one that is still in the hands of a source or an operator.
func TestForgottenIdentitiesComeBack(t *testing.T) {
	r := newRig(t, Options{Forget: time.Second})
	id, _ := r.ids.Intern(serviceParts("a"))
	derived := NewDeriver(func(*Identity) *Identity { return r.ids.Loose(serviceParts("b")) }).Of(id)
	send := func(id *Identity) {
		e := Event{ID: id}
		e.SetTTL(time.Second)
		r.Ingest(&e)
	}
	for range 2 {
		send(id)
		send(derived)
		if r.index.Len() != 2 || !id.Known() || !derived.Known() {
			t.Errorf("%d entries", r.index.Len())
		}
		r.advance(5)
		if r.index.Len() != 0 || id.Known() || id.entry != nil || id.derived != nil {
			t.Error("something of a forgotten one is kept")
		}
	}
	if again, _ := r.ids.Intern(serviceParts("a")); again == id {
		t.Error("a forgotten identity was found")
	}
}

func TestSortedAttrs(t *testing.T) {
	got := sortedAttrs([]Attr{{"b", "1"}, {"a", "1"}, {"b", "2"}, {"c", "1"}, {"a", "2"}})
	if want := []Attr{{"a", "2"}, {"b", "2"}, {"c", "1"}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDroppedDeriver(t *testing.T) {
	ids := NewIdentities(10)
	id := ids.Loose(serviceParts("a"))
	suffix := func(suffix string) *Deriver {
		return NewDeriver(func(id *Identity) *Identity { return ids.Loose(serviceParts(id.Service + suffix)) })
	}
	old, kept := suffix("1"), suffix("2")
	if a, b := old.Of(id), kept.Of(id); a.Service != "a1" || b.Service != "a2" || old.Of(id) != a || kept.Of(id) != b {
		t.Errorf("made %q and %q", a.Service, b.Service)
	}
	old.Drop()
	suffix("3").Of(id)
	n := 0
	for d := id.derived; d != nil; d = d.next {
		n++
	}
	if n != 2 {
		t.Errorf("the identity has %d others, want those of the two that are left", n)
	}
}
