package engine

import "math"

// Entry is what an engine knows of one (host, service). All of it belongs to
// the engine's goroutine.
type Entry struct {
	// Event is the latest one, or the expiry that took its place. While the
	// entry is not indexed, only its ID has a meaning.
	Event
	deadline Time
	seq      uint64 // place of the deadline in the order of setting
	armed    Time   // when the timer is due, which may be before deadline
	holds    *Hold
	sets     *members // nil: in no set
	pos      int32    // in Index.entries, of an indexed entry
	status   entryStatus
	changed  Epoch
	variants bool // several identities lead to it, or did

	// What is above fills two cache lines and is all that most events need.
	timer    Timer // ttl, or time to forget
	liveTime Time  // of an expired entry: the time of its last live event
}

// never is when a timer that is not set is due.
const never Time = math.MaxInt64

type entryStatus uint8

const (
	unindexed entryStatus = iota // known to groups only, until the deadline
	live
	gone      // expired: counts as down, until the deadline
	forgotten // no longer part of anything
)

// Hold is a reason for which something, a by group, lives as long as an entry
// does. Engine's goroutine only.
type Hold struct {
	// Scope tells the holds of one entry apart: it names who made it.
	Scope uint64
	// ID is the identity for which Holder was chosen, if it alone decided.
	ID     *Identity
	Holder Holder
	next   *Hold
}

// Holder is what a Hold keeps alive.
type Holder interface {
	// Release is called when the entry of a hold has expired, moved on or
	// gone, on the engine's goroutine.
	Release()
	// Touch loads what an event in the group needs first; see touch. What it
	// returns means nothing.
	Touch() int
	// Key tells it from the other holders of the scope, in a record.
	Key() string
}

// Hold returns the entry's hold of that scope, or nil.
func (e *Entry) Hold(scope uint64) *Hold {
	for h := e.holds; h != nil; h = h.next {
		if h.Scope == scope {
			return h
		}
	}
	return nil
}

// AddHold adds a hold. There must be none of its scope yet.
func (e *Entry) AddHold(h *Hold) { h.next, e.holds = e.holds, h }

// DropHold takes the hold of that scope away and releases it.
func (e *Entry) DropHold(scope uint64) {
	for at := &e.holds; *at != nil; at = &(*at).next {
		if h := *at; h.Scope == scope {
			*at = h.next
			h.Holder.Release()
			return
		}
	}
}

func (e *Entry) dropHolds() {
	for e.holds != nil {
		h := e.holds
		e.holds = h.next
		h.Holder.Release()
	}
}

// leaveIfGone takes an entry that has expired out of the groups that an event
// too old for the index has put it in.
func (e *Entry) leaveIfGone() {
	if e.status == gone {
		e.dropHolds()
	}
}

// IsLive reports whether the entry is in the index and its ttl has not passed.
func (e *Entry) IsLive() bool { return e.status == live }

// IsIndexed reports whether the entry is in the index, live or expired.
func (e *Entry) IsIndexed() bool { return e.status == live || e.status == gone }

// Index holds the latest event of each (host, service). It belongs to the
// engine's goroutine.
//
// An entry's timer is not moved at each event: the deadline is, and the timer
// looks at it when it fires.
type Index struct {
	engine  *Engine
	entries []*Entry
	sets    sets
	changes entryChanges
}

// Len returns how many entries are indexed, expired ones included.
func (x *Index) Len() int { return len(x.entries) }

// Lookup returns the entry's event, or nil when there is none or it is
// forgotten. The event is valid until the engine goes on.
func (x *Index) Lookup(host, service string) *Event {
	return x.LookupKey(Parts{Host: host, Service: service, Has: HasHost | HasService})
}

// Scan calls f for up to n entries from place at on and returns the place to
// go on from; done says that there are no more. Entries may move between two
// calls, so a scan in pieces can miss or repeat one that changed meanwhile.
func (x *Index) Scan(at, n int, f func(*Event)) (next int, done bool) {
	end := min(at+n, len(x.entries))
	for _, e := range x.entries[min(at, end):end] {
		if x.visible(e) {
			f(&e.Event)
		}
	}
	return end, end == len(x.entries)
}

// Forget takes those of up to n entries below place below out of the index for
// which pick holds, without an event, and returns the place to go on below; the
// first call is made with Len, and 0 is the end. It is for what was taken down
// on purpose.
func (x *Index) Forget(below, n int, pick func(*Event) bool) (next, forgotten int) {
	below = min(below, len(x.entries))
	next = max(below-n, 0)
	// From the end on, as what is dropped gives its place to the last entry.
	for i := below - 1; i >= next; i-- {
		if e := x.entries[i]; pick(&e.Event) {
			x.drop(e)
			forgotten++
		}
	}
	return next, forgotten
}

// visible tells whether an expired entry still counts where no set asks for
// another time to forget.
func (x *Index) visible(e *Entry) bool {
	return e.status == live || e.status == gone && x.engine.now < x.engine.After(e.Arrival, x.engine.opts.Forget)
}

// adopt returns the one identity that equals id and its entry, making an
// entry that is not indexed if need be. It fails when there are too many
// identities.
func (x *Index) adopt(id *Identity, derived bool) (*Identity, *Entry, error) {
	if id.entry != nil && id.entry.status != forgotten {
		return id, id.entry, nil
	}
	id, err := x.engine.ids.adopt(id, derived)
	if err != nil {
		return nil, nil, err
	}
	if entry := x.find(id); entry != nil {
		x.change(entry)
		entry.variants, id.entry = true, entry
	} else {
		id.entry = &Entry{Event: Event{ID: id}, armed: never}
		id.entry.timer.Firer = id.entry
	}
	return id, id.entry, nil
}

// find returns the entry of id's host and service, or nil.
func (x *Index) find(id *Identity) *Entry {
	if id.entry != nil && id.entry.status != forgotten {
		return id.entry
	}
	return x.engine.ids.entry(id.Parts())
}

// accepts reports whether ev, an event that has not expired, would replace
// the entry's.
func (e *Entry) accepts(ev *Event) bool {
	switch e.status {
	case live:
		return ev.Time >= e.Time
	case gone:
		return ev.Time >= e.liveTime
	}
	return true
}

// put makes ev the entry's event.
func (x *Index) put(e *Entry, ev *Event) {
	x.change(e)
	if e.status == unindexed {
		e.pos = int32(len(x.entries))
		x.entries = append(x.entries, e)
	}
	moved := e.ID != ev.ID || e.status == unindexed
	e.status = live
	e.Event = *ev
	x.sets.update(e, moved)
	x.renew(e, ev.Arrival.Add(ev.TTLOr(x.engine.opts.TTL)))
}

// touch has the entry live until the ttl of ev has passed.
func (x *Index) touch(e *Entry, ev *Event) {
	x.change(e)
	x.renew(e, ev.Arrival.Add(ev.TTLOr(x.engine.opts.TTL)))
}

func (x *Index) renew(e *Entry, deadline Time) {
	if to := x.engine.resuming; to != 0 {
		deadline = deadline.Add(to.Sub(x.engine.now))
	}
	wheel := x.engine.wheel
	e.deadline, e.seq = deadline, wheel.Reserve()
	if e.armed > deadline {
		x.arm(e)
	}
}

func (x *Index) arm(e *Entry) {
	e.armed = e.deadline
	x.engine.wheel.SetAs(&e.timer, e.deadline, e.seq)
}

// Fire implements Firer: the deadline may have passed.
func (e *Entry) Fire(engine *Engine, _ *Timer) {
	engine.index.change(e)
	e.armed = never
	if engine.now < e.deadline {
		engine.index.arm(e)
		return
	}
	switch e.status {
	case live:
		engine.expire(e)
	case gone, unindexed:
		engine.index.drop(e)
	}
}

// markExpired puts the expiry ev in the entry's place. How long it still counts
// goes from now on, whatever time its sender gave it.
func (x *Index) markExpired(e *Entry, ev *Event) {
	x.change(e)
	moved := e.ID != ev.ID
	e.liveTime = e.Time
	e.status = gone
	e.Event = *ev
	e.Arrival = x.engine.now
	x.sets.update(e, moved)
	x.sets.expired(e)
	x.renew(e, x.engine.now.Add(x.sets.longest))
}

// drop forgets an entry.
func (x *Index) drop(e *Entry) {
	x.change(e)
	e.dropHolds()
	x.engine.wheel.Cancel(&e.timer)
	e.armed = never
	if e.status != unindexed {
		x.sets.remove(e)
		last := x.entries[len(x.entries)-1]
		x.change(last)
		x.entries[e.pos], last.pos = last, e.pos
		x.entries[len(x.entries)-1] = nil
		x.entries = x.entries[:len(x.entries)-1]
	}
	e.status = forgotten
	if x.engine.tracking {
		x.changes.dropped = append(x.changes.dropped, e.ID)
	}
	x.engine.ids.remove(e.ID)
}
