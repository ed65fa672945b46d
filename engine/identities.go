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
	byKey  map[uint64]*Identity // hash of host and service → chain by next
	labels map[uint64][]*Labels
	none   *Labels
	size   atomic.Int64

	refused int // calls until the next sweep
}

// NewIdentities returns an empty table that holds at most limit identities.
func NewIdentities(limit int) *Identities {
	return &Identities{identityTable: &identityTable{
		seed:   maphash.MakeSeed(),
		limit:  limit,
		byKey:  make(map[uint64]*Identity),
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
	if len(t.tags) > 0 {
		p.Tags = slices.Concat(p.Tags, t.tags)
	}
	p.normalize()
	t.mu.Lock()
	defer t.mu.Unlock()
	hash := t.keyHash(&p)
	if id := t.find(hash, &p); id != nil {
		return id, nil
	}
	if t.Len() >= t.limit && !t.sweep() {
		return nil, ErrTooManyIdentities
	}
	id := t.make(hash, &p)
	t.insert(id)
	return id, nil
}

// Loose returns the identity made of p, without adding it to the table if it
// is not there: for events that may never come back to the engine.
func (t *Identities) Loose(p Parts) *Identity {
	if len(t.tags) > 0 {
		p.Tags = slices.Concat(p.Tags, t.tags)
	}
	p.normalize()
	t.mu.Lock()
	defer t.mu.Unlock()
	hash := t.keyHash(&p)
	if id := t.find(hash, &p); id != nil {
		return id
	}
	return t.make(hash, &p)
}

// canonical returns the one identity of the table that equals id, adding id
// itself if there is none.
func (t *identityTable) canonical(id *Identity) (*Identity, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if id.flags.Load()&identityInterned != 0 {
		return id, nil
	}
	p := id.Parts()
	if found := t.find(id.hash, &p); found != nil {
		return found, nil
	}
	if t.Len() >= t.limit && !t.sweep() {
		return nil, ErrTooManyIdentities
	}
	t.insert(id)
	return id, nil
}

// remove takes id and every other identity of the same host and service out.
func (t *identityTable) remove(id *Identity) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var rest *Identity
	for at := t.byKey[id.hash]; at != nil; {
		next := at.next
		if sameKey(at, id) {
			t.drop(at)
		} else {
			at.next, rest = rest, at
		}
		at = next
	}
	t.setChain(id.hash, rest)
}

// siblings calls f for each identity of the table with id's host and service.
func (t *identityTable) siblings(id *Identity, f func(*Identity)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for at := t.byKey[id.hash]; at != nil; at = at.next {
		if sameKey(at, id) {
			f(at)
		}
	}
}

// each calls f for each identity of the table.
func (t *identityTable) each(f func(*Identity)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, at := range t.byKey {
		for ; at != nil; at = at.next {
			f(at)
		}
	}
}

// lookup returns any identity with that host and service.
func (t *identityTable) lookup(p Parts) *Identity {
	t.mu.Lock()
	defer t.mu.Unlock()
	for at := t.byKey[t.keyHash(&p)]; at != nil; at = at.next {
		if at.Host == p.Host && at.Service == p.Service && at.Has&(HasHost|HasService) == p.Has {
			return at
		}
	}
	return nil
}

// sweep drops identities that the engine has never seen an event of: their
// events were dropped on the way. It reports whether it made room. Walking the
// table takes long, so of many calls most only say no.
func (t *identityTable) sweep() bool {
	if t.refused > 0 {
		t.refused--
		return false
	}
	t.refused = t.limit / 8
	before := t.Len()
	for hash, at := range t.byKey {
		var rest *Identity
		for at != nil {
			next := at.next
			if at.flags.Load()&identityAdopted == 0 {
				t.drop(at)
			} else {
				at.next, rest = rest, at
			}
			at = next
		}
		t.setChain(hash, rest)
	}
	return t.Len() < before
}

func (t *identityTable) setChain(hash uint64, at *Identity) {
	if at == nil {
		delete(t.byKey, hash)
	} else {
		t.byKey[hash] = at
	}
}

// variants is how many identities of one host and service the table keeps.
// Labels that change with every event would otherwise grow it without bound.
const variants = 16

func (t *identityTable) insert(id *Identity) {
	n := 0
	for at := t.byKey[id.hash]; at != nil; at = at.next {
		if n++; n == variants-1 {
			for old := at.next; old != nil; {
				next := old.next
				t.drop(old)
				old = next
			}
			at.next = nil
		}
	}
	t.retain(id.Labels)
	id.flags.Or(identityInterned)
	id.next = t.byKey[id.hash]
	t.byKey[id.hash] = id
	t.size.Add(1)
}

func (t *identityTable) drop(id *Identity) {
	t.release(id.Labels)
	id.next = nil
	id.flags.And(^(identityInterned | identityAdopted))
	t.size.Add(-1)
}

func (t *identityTable) find(hash uint64, p *Parts) *Identity {
	for at := t.byKey[hash]; at != nil; at = at.next {
		if at.Host == p.Host && at.Service == p.Service && at.Has&(HasHost|HasService) == p.Has &&
			slices.Equal(at.Labels.Tags, p.Tags) && slices.Equal(at.Labels.Attrs, p.Attrs) {
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
			attrs := p.Attrs
			p.Attrs = nil
			for _, a := range attrs {
				p.SetAttr(a.Key, a.Value)
			}
			break
		}
	}
}

func (t *identityTable) keyHash(p *Parts) uint64 {
	h := maphash.String(t.seed, p.Host)
	h = h*0x9E3779B97F4A7C15 ^ maphash.String(t.seed, p.Service)
	return h ^ uint64(p.Has&(HasHost|HasService))<<56
}

func sameKey(a, b *Identity) bool {
	return a.Host == b.Host && a.Service == b.Service && (a.Has^b.Has)&(HasHost|HasService) == 0
}
