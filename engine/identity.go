package engine

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
)

// Identity is what stays the same over a series of events: host, service, tags
// and attributes. It is immutable, so any goroutine may read it. Make one with
// Identities.Intern or Identities.Loose only.
//
// Its unexported fields belong to the engine: what was computed once for this
// identity and would otherwise be computed for each event.
type Identity struct {
	// What each event needs comes first, to share a cache line. Engine's
	// goroutine only, but for flags.
	entry   *Entry             // what the engine knows of it
	route   *Route[subscriber] // which streams can match
	derived *derived           // what operators turn it into
	flags   atomic.Uint32

	// Has says which of Host and Service are there.
	Has     Fields
	Host    string
	Service string
	// Labels is never nil.
	Labels *Labels

	hash uint64
	next *Identity // of those with the same hash; under the table's lock
}

const (
	identityInterned uint32 = 1 << iota // found by Intern
	identityAdopted                     // the engine has seen an event of it
)

// derived is one of a list.
type derived struct {
	by   *Deriver
	id   *Identity
	next *derived
}

// Labels are the tags and attributes of an identity. They are immutable and
// shared by all identities that have the same.
type Labels struct {
	// Tags are in the order they were given, without doubles.
	Tags []string
	// Attrs are sorted by key.
	Attrs []Attr
	hash  uint64
	refs  int // interned identities that have them; under the table's lock
}

// Attr is one attribute.
type Attr struct{ Key, Value string }

// Parts is what an Identity is made of. Doubled tags, and attributes that are
// not sorted by key, are put right when an identity is made of them.
type Parts struct {
	Host, Service string
	// Has says which of Host and Service are there.
	Has   Fields
	Tags  []string
	Attrs []Attr
}

// SetHost sets the host.
func (p *Parts) SetHost(s string) { p.Host, p.Has = s, p.Has|HasHost }

// SetService sets the service.
func (p *Parts) SetService(s string) { p.Service, p.Has = s, p.Has|HasService }

// SetAttr sets one attribute, replacing one of the same key. It never writes
// into an array that an Identity shares.
func (p *Parts) SetAttr(key, value string) {
	i, found := slices.BinarySearchFunc(p.Attrs, key, func(a Attr, k string) int { return strings.Compare(a.Key, k) })
	out := make([]Attr, 0, len(p.Attrs)+1)
	out = append(out, p.Attrs[:i]...)
	out = append(out, Attr{key, value})
	if found {
		i++
	}
	p.Attrs = append(out, p.Attrs[i:]...)
}

// RemoveAttr removes an attribute, if it is there.
func (p *Parts) RemoveAttr(key string) {
	p.Attrs = slices.DeleteFunc(slices.Clone(p.Attrs), func(a Attr) bool { return a.Key == key })
}

// normalize brings the labels of p into the form that Parts asks for, without
// writing into the caller's slices.
func (p *Parts) normalize() {
	for i := range p.Tags {
		if slices.Contains(p.Tags[:i], p.Tags[i]) {
			tags := make([]string, 0, len(p.Tags))
			for _, tag := range p.Tags {
				if !slices.Contains(tags, tag) {
					tags = append(tags, tag)
				}
			}
			p.Tags = tags
			break
		}
	}
	for i := 1; i < len(p.Attrs); i++ {
		if p.Attrs[i-1].Key >= p.Attrs[i].Key {
			p.Attrs = sortedAttrs(p.Attrs)
			break
		}
	}
}

// sortedAttrs returns a sorted copy. Of those with one key the last stays.
func sortedAttrs(attrs []Attr) []Attr {
	sorted := slices.Clone(attrs)
	slices.SortStableFunc(sorted, func(a, b Attr) int { return strings.Compare(a.Key, b.Key) })
	out := sorted[:0]
	for i, a := range sorted {
		if i+1 == len(sorted) || sorted[i+1].Key != a.Key {
			out = append(out, a)
		}
	}
	return out
}

// Parts returns what the identity is made of. The slices are the identity's
// own: replace them, never write into them.
func (id *Identity) Parts() Parts {
	return Parts{Host: id.Host, Service: id.Service, Has: id.Has & (HasHost | HasService), Tags: id.Labels.Tags, Attrs: id.Labels.Attrs}
}

func (id *Identity) hasKeyOf(p *Parts) bool {
	return id.Host == p.Host && id.Service == p.Service && (id.Has^p.Has)&(HasHost|HasService) == 0
}

// Compare orders identities by host and service.
func (id *Identity) Compare(other *Identity) int {
	return cmp.Or(strings.Compare(id.Host, other.Host), strings.Compare(id.Service, other.Service), cmp.Compare(id.Has, other.Has))
}

// Tagged reports whether the identity has the tag.
func (id *Identity) Tagged(tag string) bool { return slices.Contains(id.Labels.Tags, tag) }

// Attr returns the attribute of that key.
func (l *Labels) Attr(key string) (string, bool) {
	attrs := l.Attrs
	if len(attrs) > 8 {
		i := sort.Search(len(attrs), func(i int) bool { return attrs[i].Key >= key })
		attrs = attrs[i:]
		if len(attrs) > 1 {
			attrs = attrs[:1]
		}
	}
	for i := range attrs {
		if attrs[i].Key == key {
			return attrs[i].Value, true
		}
	}
	return "", false
}

// Deriver turns identities into others, each of them once: what it made stays
// with the identity that it was made of. Engine's goroutine only.
type Deriver struct {
	make func(*Identity) *Identity // nil: dropped
}

// NewDeriver returns a deriver that makes identities by make, which decides by
// the identity alone.
func NewDeriver(make func(*Identity) *Identity) *Deriver { return &Deriver{make} }

// Of returns what the deriver turns id into.
func (by *Deriver) Of(id *Identity) *Identity {
	for d := id.derived; d != nil; d = d.next {
		if d.by == by {
			return d.id
		}
	}
	to := by.make(id)
	id.dropDerived()
	id.derived = &derived{by, to, id.derived}
	return to
}

// Drop ends the deriver, which must not be used any more. Identities that have
// something of it keep nothing else alive by that, and let go of it when
// something else is made of them.
func (by *Deriver) Drop() { by.make = nil }

// dropDerived lets go of what was made by derivers that are dropped.
func (id *Identity) dropDerived() {
	for at := &id.derived; *at != nil; {
		if (*at).by.make == nil {
			*at = (*at).next
		} else {
			at = &(*at).next
		}
	}
}
