package engine

import (
	"errors"
	"fmt"
	"slices"
)

// Save writes the engine's clock, the order of its timers, its index and what
// waits in its queue. Standing sets are not part of it: they are made again of
// the entries when they are asked for. It is called between two events, on the
// engine's goroutine.
func (e *Engine) Save(w *SnapshotWriter) {
	w.Section("engine", func() {
		w.Time(e.now)
		w.Uvarint(e.wheel.seq)
		w.Uvarint(e.scopes)
		w.Duration(e.index.sets.longest)
		w.Time(e.rejectedAt)
		w.Bool(e.flooded)
		waiting := e.queue[e.at:]
		w.Int(len(waiting))
		for i := range waiting {
			w.Event(&waiting[i].event)
			w.Bool(waiting[i].failure)
		}
	})
	w.Section("entries", func() {
		w.Int(len(e.index.entries))
		for _, entry := range e.index.entries {
			e.saveEntry(w, entry)
		}
		others := e.index.unindexed()
		w.Int(len(others))
		for _, entry := range others {
			e.saveEntry(w, entry)
		}
	})
}

// unindexed returns the entries that only groups know, by host and service.
func (x *Index) unindexed() []*Entry {
	seen := make(map[*Entry]bool)
	var out []*Entry
	x.engine.ids.each(func(id *Identity) {
		if entry := id.entry; entry != nil && entry.status == unindexed && !seen[entry] {
			seen[entry] = true
			out = append(out, entry)
		}
	})
	slices.SortFunc(out, func(a, b *Entry) int { return a.ID.Compare(b.ID) })
	return out
}

// EachEntry calls f for every entry, indexed or not, in an order that is the
// same for the same input.
func (x *Index) EachEntry(f func(*Entry)) {
	for _, e := range x.entries {
		f(e)
	}
	for _, e := range x.unindexed() {
		f(e)
	}
}

// EachHold calls f for every hold of the entry.
func (e *Entry) EachHold(f func(*Hold)) {
	for h := e.holds; h != nil; h = h.next {
		f(h)
	}
}

// EntryOf returns the entry of id's host and service, or nil.
func (x *Index) EntryOf(id *Identity) *Entry { return x.find(id) }

func (e *Engine) saveEntry(w *SnapshotWriter, entry *Entry) {
	w.Byte(byte(entry.status))
	w.Event(&entry.Event)
	w.Time(entry.deadline)
	w.Uvarint(entry.seq)
	w.Time(entry.liveTime)
	w.Timer(&entry.timer)
	variants := e.ids.variants(entry)
	w.Int(len(variants))
	for _, id := range variants {
		w.Identity(id)
	}
}

// variants returns the identities of the table that lead to an entry, the
// oldest first.
func (t *identityTable) variants(entry *Entry) []*Identity {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []*Identity
	hash := entry.ID.hash
	for at := t.chains.first(hash); at != nil; at = at.next.ofHash(hash) {
		if at.entry == entry && at.flags.Load()&identityAdopted != 0 {
			out = append(out, at)
		}
	}
	slices.Reverse(out)
	return out
}

// Load brings the engine to where a snapshot was taken. The engine must be
// new, with its settings made and before its graph is started; Graph.Start and
// then Graph.Load follow. After an error the engine is of no use.
func (e *Engine) Load(r *SnapshotReader) error {
	if len(e.index.entries) > 0 || len(e.index.sets.all) > 0 || e.wheel.Len() > 0 {
		return errors.New("cannot load a snapshot into an engine that has run")
	}
	section, ok := r.Section("engine")
	if !ok {
		return errors.New("cannot load a snapshot: it has no engine")
	}
	e.loadClock(section)
	if err := section.End(); err != nil {
		return fmt.Errorf("cannot load a snapshot's engine: %w", err)
	}
	section, ok = r.Section("entries")
	if !ok {
		return errors.New("cannot load a snapshot: it has no entries")
	}
	for range section.Len() {
		e.loadEntry(section, true)
	}
	for range section.Len() {
		e.loadEntry(section, false)
	}
	if err := section.End(); err != nil {
		return fmt.Errorf("cannot load a snapshot's entries: %w", err)
	}
	return nil
}

func (e *Engine) loadClock(r *SnapshotReader) {
	now, seq, scopes, longest := r.Time(), r.Uvarint(), r.Uvarint(), r.Duration()
	rejectedAt, flooded := r.Time(), r.Bool()
	var waiting []queued
	for range r.Len() {
		waiting = append(waiting, queued{r.SomeEvent(), r.Bool()})
	}
	if now < 0 {
		r.Fail("a snapshot's clock stands before 1970")
	}
	if r.Err() != nil {
		return
	}
	e.now, e.scopes = now, scopes
	e.wheel.cur, e.wheel.seq = int64(now)>>tickBits, seq
	e.index.sets.longest = max(e.index.sets.longest, longest)
	e.rejectedAt, e.flooded = rejectedAt, flooded
	e.queue, e.at = waiting, 0
}

func (e *Engine) loadEntry(r *SnapshotReader, indexed bool) {
	status, entry := entryStatus(r.Byte()), &Entry{Event: r.Event(), armed: never}
	entry.timer.Firer = entry
	entry.status, entry.deadline, entry.seq, entry.liveTime = status, r.Time(), r.Uvarint(), r.Time()
	r.Timer(&entry.timer, e.wheel)
	variants := []*Identity{entry.ID}
	if n := r.Len(); n > 0 {
		variants = variants[:0]
		for range n {
			variants = append(variants, r.Identity())
		}
	}
	if entry.timer.IsSet() {
		entry.armed = entry.timer.Due()
	}
	e.checkEntry(r, entry, variants, indexed)
	if r.Err() != nil {
		e.wheel.Cancel(&entry.timer)
		return
	}
	known := false
	for _, id := range variants {
		if id, err := e.ids.adopt(id, true); err == nil {
			id.entry, known = entry, true
		}
	}
	if !known { // the bound on identities is lower now
		e.wheel.Cancel(&entry.timer)
		r.Skip()
		return
	}
	entry.ID.entry = entry
	if indexed {
		entry.pos = int32(len(e.index.entries))
		e.index.entries = append(e.index.entries, entry)
	}
}

// checkEntry refuses what no entry can be.
func (e *Engine) checkEntry(r *SnapshotReader, entry *Entry, variants []*Identity, indexed bool) {
	switch {
	case r.Err() != nil:
		return
	case entry.ID == nil:
		r.Fail("a snapshot's entry has no identity")
		return
	case indexed != (entry.status == live || entry.status == gone) || entry.status >= forgotten:
		r.Fail("a snapshot's entry has the impossible status %d", entry.status)
	case e.index.find(entry.ID) != nil:
		r.Fail("a snapshot has an entry twice")
	}
	key := entry.ID.Parts()
	for _, id := range variants {
		if id == nil || !id.hasKeyOf(&key) {
			r.Fail("a snapshot's entry has an identity of another")
		}
	}
}
