package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// The keys of an engine's records. Behind entryPrefix stand host and service.
const (
	engineKey   = "engine"
	entryPrefix = "entry\x00"
)

// Track has the engine note what changes, so that Save need not write
// everything. It is called before Load and before events flow.
func (e *Engine) Track() { e.tracking = true }

// Tracking reports whether Track was called.
func (e *Engine) Tracking() bool { return e.tracking }

// Save writes the engine's clock, the order of its timers, what waits in its
// queue, and the entries that have changed since the last Save; all of them
// when nobody tracks, or the checkpoint is Whole. Standing sets are not part of
// it: they are made again of the entries when they are asked for. It is called
// between two events, on the engine's goroutine, before Graph.Save.
func (e *Engine) Save(c *Checkpoint) {
	c.Position = e.position
	c.Put(engineKey, e.saveClock)
	if c.Whole || !e.tracking {
		e.index.EachEntry(func(entry *Entry) { e.putEntry(c, entry) })
	} else {
		for _, entry := range e.index.changed {
			e.putEntry(c, entry)
		}
	}
	e.index.saved()
}

func (e *Engine) saveClock(w *RecordWriter) {
	w.Time(e.now)
	w.Duration(e.downtime)
	w.Uvarint(e.wheel.seq)
	w.Uvarint(e.scopes)
	w.Duration(e.index.sets.longest)
	w.Time(e.rejectedAt)
	w.Bool(e.flooded)
	w.Uvarint(e.position)
	waiting := e.queue[e.at:]
	w.Int(len(waiting))
	for i := range waiting {
		w.Event(&waiting[i].event)
		w.Bool(waiting[i].failure)
	}
}

// change notes that an entry is not any more what was last saved.
func (x *Index) change(e *Entry) {
	if !e.changed && x.engine.tracking {
		e.changed = true
		x.changed = append(x.changed, e)
	}
}

// saved forgets what was noted.
func (x *Index) saved() {
	for i, e := range x.changed {
		e.changed = false
		x.changed[i] = nil
	}
	x.changed = x.changed[:0]
}

// Change notes that the holds of an entry are not any more what was last saved.
func (x *Index) Change(e *Entry) { x.change(e) }

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

// putEntry puts the record of an entry, or removes it when it is forgotten.
func (e *Engine) putEntry(c *Checkpoint, entry *Entry) {
	buf := append(c.writer.buf, entryPrefix...)
	buf = append(buf, byte(entry.ID.Has&(HasHost|HasService)))
	buf = appendText(buf, entry.ID.Host)
	c.writer.buf = append(buf, entry.ID.Service...)
	if entry.status == forgotten {
		c.remove()
		return
	}
	c.put(func(w *RecordWriter) { e.saveEntry(w, entry) })
}

func (e *Engine) saveEntry(w *RecordWriter, entry *Entry) {
	w.Byte(byte(entry.status))
	w.Event(&entry.Event)
	w.Varint(int64(entry.pos))
	// Downtime does not count, see Resume.
	w.Time(entry.deadline.Add(-e.downtime))
	w.Uvarint(entry.seq)
	w.Time(entry.liveTime)
	w.Timer(&entry.timer)
	e.ids.saveVariants(w, entry)
	n := 0
	for h := entry.holds; h != nil; h = h.next {
		n++
	}
	w.Int(n)
	for h := entry.holds; h != nil; h = h.next {
		w.Uvarint(h.Scope)
		w.Identity(h.ID)
		w.Text(h.Holder.Key())
	}
}

// saveVariants writes the identities of the table that lead to an entry, the
// newest first.
func (t *identityTable) saveVariants(w *RecordWriter, entry *Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	hash := entry.ID.hash
	ofEntry := func(at *Identity) bool {
		return at.entry == entry && at.flags.Load()&identityAdopted != 0
	}
	n := 0
	for at := t.chains.first(hash); at != nil; at = at.next.ofHash(hash) {
		if ofEntry(at) {
			n++
		}
	}
	w.Int(n)
	for at := t.chains.first(hash); at != nil; at = at.next.ofHash(hash) {
		if ofEntry(at) {
			w.Identity(at)
		}
	}
}

// Load brings the engine to where it was saved. The engine must be new, with
// its settings made and before its graph is started; Graph.Start and then
// Graph.Load follow. Records that cannot be read are left out and counted.
// After an error the engine is of no use.
func (e *Engine) Load(l *Loading) error {
	if len(e.index.entries) > 0 || len(e.index.sets.all) > 0 || e.wheel.Len() > 0 {
		return errors.New("cannot load records into an engine that has run")
	}
	r, ok := l.Record(engineKey)
	if !ok {
		return errors.New("cannot load records: there is none of the engine")
	}
	e.loadClock(r)
	if err := r.End(); err != nil {
		return fmt.Errorf("cannot load the record of the engine: %w", err)
	}
	l.Each(entryPrefix, func(_ string, r *RecordReader) {
		if e.loadEntry(r); r.Err() != nil {
			l.Skip()
		}
	})
	slices.SortStableFunc(e.index.entries, func(a, b *Entry) int { return cmp.Compare(a.pos, b.pos) })
	for i, entry := range e.index.entries {
		entry.pos = int32(i)
	}
	return nil
}

func (e *Engine) loadClock(r *RecordReader) {
	now, downtime, seq, scopes, longest := r.Time(), r.Duration(), r.Uvarint(), r.Uvarint(), r.Duration()
	rejectedAt, flooded, position := r.Time(), r.Bool(), r.Uvarint()
	var waiting []queued
	for range r.Len() {
		waiting = append(waiting, queued{r.SomeEvent(), r.Bool()})
	}
	if now < 0 {
		r.Fail("a clock stands before 1970")
	}
	if r.End() != nil {
		return
	}
	e.now, e.downtime, e.scopes, e.position = now, downtime, scopes, position
	e.wheel.cur, e.wheel.seq = int64(now)>>tickBits, seq
	e.index.sets.longest = max(e.index.sets.longest, longest)
	e.rejectedAt, e.flooded = rejectedAt, flooded
	e.queue, e.at = waiting, 0
}

// loadEntry reads an entry, which takes effect when all of it is good.
func (e *Engine) loadEntry(r *RecordReader) {
	entry := &Entry{armed: never}
	entry.timer.Firer = entry
	entry.status, entry.Event = entryStatus(r.Byte()), r.Event()
	pos, deadline := r.Varint(), r.Time().Add(e.downtime)
	entry.pos, entry.deadline, entry.seq, entry.liveTime = int32(pos), deadline, r.Uvarint(), r.Time()
	r.Timer(&entry.timer, e.wheel)
	if entry.timer.IsSet() {
		entry.armed = entry.timer.Due()
	}
	variants := []*Identity{entry.ID}
	if n := r.Len(); n > 0 {
		variants = variants[:0]
		for range n {
			variants = append(variants, r.Identity())
		}
	}
	var holds []loadedHold
	for range r.Len() {
		holds = append(holds, loadedHold{entry, r.Uvarint(), r.SomeIdentity(), r.Text()})
	}
	e.checkEntry(r, entry, variants)
	if r.End() != nil {
		e.wheel.Cancel(&entry.timer)
		return
	}
	known := false
	for _, id := range slices.Backward(variants) {
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
	if entry.IsIndexed() {
		e.index.entries = append(e.index.entries, entry)
	}
	r.loading.holds = append(r.loading.holds, holds...)
}

// checkEntry refuses what no entry can be.
func (e *Engine) checkEntry(r *RecordReader, entry *Entry, variants []*Identity) {
	switch {
	case r.Err() != nil:
		return
	case entry.ID == nil:
		r.Fail("an entry has no identity")
		return
	case entry.status >= forgotten:
		r.Fail("an entry has the impossible status %d", entry.status)
	case e.index.find(entry.ID) != nil:
		r.Fail("there are two entries of one host and service")
	}
	key := entry.ID.Parts()
	for _, id := range variants {
		if id == nil || !id.hasKeyOf(&key) {
			r.Fail("an entry has an identity of another")
		}
	}
}

// EachHold calls f for each hold of an entry that was loaded, so that it can be
// put back by Entry.AddHold, in that order.
func (l *Loading) EachHold(f func(entry *Entry, h *Hold, group string)) {
	for _, h := range slices.Backward(l.holds) {
		f(h.entry, &Hold{Scope: h.scope, ID: h.id}, h.group)
	}
}
