package engine

import (
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
)

// ErrTooManyIdentities says that the bound on identities is reached, so that
// an event of a new one has to be dropped and counted.
var ErrTooManyIdentities = errors.New("too many identities (settings.identities)")

// Identities is the table in which equal identities are one. Sources intern
// into it from their own goroutines when a name is new to them; the engine
// removes what it forgets. All methods may be called from any goroutine.
type Identities struct {
	*identityTable
	tags []string // added to each identity that is made through this view
}

// identityTable is what all views of one Identities share.
type identityTable struct {
	seed  maphash.Seed
	limit int

	mu     sync.Mutex
	chains chains // by the hash of host and service
	labels map[uint64][]*Labels
	none   *Labels
	size   atomic.Int64

	adopted int // of size
	refused int // calls until the next sweep
}

// NewIdentities returns an empty table that holds at most limit identities.
func NewIdentities(limit int) *Identities {
	return &Identities{identityTable: &identityTable{
		seed:   maphash.MakeSeed(),
		limit:  limit,
		labels: make(map[uint64][]*Labels),
		none:   &Labels{},
	}}
}

// tagged returns a view of the table that adds tags to what is made through it.
func (t *Identities) tagged(tags []string) *Identities {
	return &Identities{t.identityTable, slices.Concat(t.tags, tags)}
}

// Len returns how many identities the table holds.
func (t *identityTable) Len() int { return int(t.size.Load()) }

// Intern returns the identity made of p. It keeps p's strings, but not its
// slices. It fails with ErrTooManyIdentities only.
func (t *Identities) Intern(p Parts) (*Identity, error) {
	t.complete(&p)
	t.mu.Lock()
	defer t.mu.Unlock()
	id, found := t.findOrMake(&p)
	if !found {
		if err := t.insert(id, t.limit); err != nil {
			return nil, err
		}
	}
	return id, nil
}

// Loose returns the identity made of p, without adding it to the table if it
// is not there: for events that may never come back to the engine.
func (t *Identities) Loose(p Parts) *Identity {
	t.complete(&p)
	t.mu.Lock()
	defer t.mu.Unlock()
	id, _ := t.findOrMake(&p)
	return id
}

// complete adds the tags of the view, and brings p into order.
func (t *Identities) complete(p *Parts) {
	if len(t.tags) > 0 {
		p.Tags = slices.Concat(p.Tags, t.tags)
	}
	p.normalize()
}

// reserve is the part of the limit that is there on top of it for what rules
// derive: a flood of names from outside must not silence them.
const reserve = 16

// adopt returns the one identity of the table that equals id, adding id itself
// if there is none. What is adopted is not swept away.
func (t *identityTable) adopt(id *Identity, derived bool) (*Identity, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	limit := t.limit
	if derived {
		limit += t.limit / reserve
	}
	if id.flags.Load()&identityInterned == 0 {
		p := id.Parts()
		if found := t.find(id.hash, &p); found != nil {
			id = found
		} else if err := t.insert(id, limit); err != nil {
			return nil, err
		}
	}
	if id.flags.Load()&identityAdopted == 0 {
		id.flags.Or(identityAdopted)
		t.adopted++
	}
	return id, nil
}

// remove takes every identity of id's host and service out, and lets go of
// what the engine knew of them. Engine's goroutine only.
func (t *identityTable) remove(id *Identity) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.chains.heads) == 0 {
		return
	}
	p := id.Parts()
	t.chains.filter(t.chains.at(id.hash), func(at *Identity) bool { return !at.hasKeyOf(&p) }, func(at *Identity) {
		t.drop(at)
		at.entry, at.derived = nil, nil
	})
}

// entry returns the entry of p's host and service, or nil. All identities that
// have them and have one share it. Engine's goroutine only.
func (t *identityTable) entry(p Parts) *Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	hash := t.keyHash(&p)
	for at := t.chains.first(hash); at != nil; at = at.next.ofHash(hash) {
		if at.entry != nil && at.entry.status != forgotten && at.hasKeyOf(&p) {
			return at.entry
		}
	}
	return nil
}

// each calls f for each identity of the table.
func (t *identityTable) each(f func(*Identity)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, at := range t.chains.heads {
		for ; at != nil; at = at.next {
			f(at)
		}
	}
}

// sweep drops identities that the engine has never seen an event of: their
// events were dropped on the way. It reports whether it made room. Walking the
// table takes long, so of many calls most only say no.
func (t *identityTable) sweep() bool {
	if t.adopted == t.Len() {
		return false
	}
	if t.refused > 0 {
		t.refused--
		return false
	}
	t.refused = t.limit / 8
	before := t.Len()
	adopted := func(at *Identity) bool { return at.flags.Load()&identityAdopted != 0 }
	for i := range t.chains.heads {
		t.chains.filter(&t.chains.heads[i], adopted, t.drop)
	}
	return t.Len() < before
}

// variants is how many identities of one host and service the table keeps.
// Labels that change with every event would otherwise grow it without bound.
const variants = 16

// insert adds id, which the table does not have. It fails with
// ErrTooManyIdentities only.
func (t *identityTable) insert(id *Identity, limit int) error {
	if t.Len() >= limit && !t.sweep() {
		return ErrTooManyIdentities
	}
	t.trim(id.hash)
	t.retain(id.Labels)
	id.flags.Or(identityInterned)
	t.chains.add(id, t.Len())
	t.size.Add(1)
	return nil
}

// trim drops the oldest of one hash when they are many. Sources may be ahead of
// the engine by many variants, so it leaves one that is adopted: only that one
// leads to the entry.
func (t *identityTable) trim(hash uint64) {
	var list [variants]*Identity
	n, adopted := 0, 0
	for at := t.chains.first(hash); at != nil; at = at.next.ofHash(hash) {
		list[n] = at
		n++
		if at.flags.Load()&identityAdopted != 0 {
			adopted++
		}
	}
	if n < variants {
		return
	}
	oldest := list[n-1]
	if adopted == 1 && oldest.flags.Load()&identityAdopted != 0 {
		oldest = list[n-2]
	}
	t.chains.filter(t.chains.at(hash), func(at *Identity) bool { return at != oldest }, t.drop)
}

func (t *identityTable) drop(id *Identity) {
	t.release(id.Labels)
	id.next = nil
	if id.flags.Load()&identityAdopted != 0 {
		t.adopted--
	}
	id.flags.And(^(identityInterned | identityAdopted))
	t.size.Add(-1)
}

// findOrMake returns the identity of the table that is made of p, or a new one.
func (t *identityTable) findOrMake(p *Parts) (id *Identity, found bool) {
	hash := t.keyHash(p)
	if id := t.find(hash, p); id != nil {
		return id, true
	}
	return t.make(hash, p), false
}

func (t *identityTable) find(hash uint64, p *Parts) *Identity {
	for at := t.chains.first(hash); at != nil; at = at.next.ofHash(hash) {
		if at.hasKeyOf(p) && slices.Equal(at.Labels.Tags, p.Tags) && slices.Equal(at.Labels.Attrs, p.Attrs) {
			return at
		}
	}
	return nil
}

func (t *identityTable) make(hash uint64, p *Parts) *Identity {
	return &Identity{
		Host: p.Host, Service: p.Service, Has: p.Has & (HasHost | HasService),
		Labels: t.findLabels(p.Tags, p.Attrs), hash: hash,
	}
}

// findLabels returns the shared labels of these tags and attributes, or new
// ones that insert may share later.
func (t *identityTable) findLabels(tags []string, attrs []Attr) *Labels {
	if len(tags) == 0 && len(attrs) == 0 {
		return t.none
	}
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, tag := range tags {
		h.WriteString(tag)
		h.WriteByte(0)
	}
	for _, a := range attrs {
		h.WriteString(a.Key)
		h.WriteByte(1)
		h.WriteString(a.Value)
		h.WriteByte(2)
	}
	hash := h.Sum64()
	for _, l := range t.labels[hash] {
		if slices.Equal(l.Tags, tags) && slices.Equal(l.Attrs, attrs) {
			return l
		}
	}
	return &Labels{Tags: slices.Clone(tags), Attrs: slices.Clone(attrs), hash: hash}
}

// retain shares l for as long as an interned identity has it.
func (t *identityTable) retain(l *Labels) {
	if l.refs++; l.refs == 1 && l != t.none {
		t.labels[l.hash] = append(t.labels[l.hash], l)
	}
}

func (t *identityTable) release(l *Labels) {
	if l.refs--; l.refs > 0 || l == t.none {
		return
	}
	rest := slices.DeleteFunc(t.labels[l.hash], func(at *Labels) bool { return at == l })
	if len(rest) == 0 {
		delete(t.labels, l.hash)
	} else {
		t.labels[l.hash] = rest
	}
}

func (t *identityTable) keyHash(p *Parts) uint64 {
	h := maphash.String(t.seed, p.Host)
	h = h*0x9E3779B97F4A7C15 ^ maphash.String(t.seed, p.Service)
	return h ^ uint64(p.Has&(HasHost|HasService))<<56
}
