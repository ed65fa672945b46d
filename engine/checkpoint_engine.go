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
func (e *Engine) Track() { e.tracking, e.index.changes.epoch = true, FirstEpoch }

// Tracking reports whether Track was called.
func (e *Engine) Tracking() bool { return e.index.changes.epoch != 0 }

// Noting reports whether what changes is noted for the next checkpoint. While a disk
// hangs it is not, and the next checkpoint is Whole.
func (e *Engine) Noting() bool { return e.tracking }

// Save begins a checkpoint with the engine's clock, the order of its timers and
// what waits in its queue. The entries that have changed since the last one
// follow by c.More, all of them when nobody tracks or the checkpoint is Whole.
// Standing sets are not part of it: they are made again of the entries when
// they are asked for. It is called between two events, on the engine's
// goroutine, before Graph.Save, when the checkpoint before is finished.
func (e *Engine) Save(c *Checkpoint) {
	c.Position = e.position
	c.writer.engine = e
	c.Put(engineKey, e.saveClock)
	e.index.save(c, c.Whole)
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
	w.Int(len(e.downtimes))
	for _, down := range e.downtimes {
		w.Time(down.from)
		w.Time(down.to)
	}
	waiting := e.queue[e.at:]
	w.Int(len(waiting))
	for i := range waiting {
		w.Event(&waiting[i].event)
		w.Bool(waiting[i].failure)
	}
}

// entryChanges is what an index knows of the records of its entries, while
// somebody tracks.
type entryChanges struct {
	epoch    Epoch       // 0: nobody tracks
	changed  []*Entry    // in this epoch
	dropped  []*Identity // in this epoch
	saving   *Checkpoint // that is being collected
	due      []*Entry    // for it
	removing []*Identity // from it
}

// change notes that an entry will not be any more what was last saved. It is
// called before the change.
func (x *Index) change(e *Entry) {
	if e.changed != x.changes.epoch {
		x.noteChange(e)
	}
}

//go:noinline
func (x *Index) noteChange(e *Entry) { // not part of change, so that that can be inlined
	if e.changed != 0 {
		x.putEntry(e)
	}
	e.changed = x.changes.epoch
	if x.engine.tracking {
		x.changes.changed = append(x.changes.changed, e)
	}
}

// Change notes that the holds of an entry will change.
func (x *Index) Change(e *Entry) { x.change(e) }

// save begins to save the entries that have changed, or all. When nobody
// tracks, it saves all at once.
func (x *Index) save(c *Checkpoint, whole bool) {
	ch := &x.changes
	ch.saving = c
	if ch.epoch == 0 {
		x.EachEntry(x.putEntry)
		return
	}
	due := ch.epoch
	ch.epoch = ch.epoch.Other()
	ch.due, ch.changed = ch.changed, ch.due
	ch.removing, ch.dropped = ch.dropped, ch.removing
	if whole {
		clear(ch.due)
		ch.due = ch.due[:0]
		x.EachEntry(func(e *Entry) {
			e.changed = due
			ch.due = append(ch.due, e)
		})
	}
	c.Later(x.saveSome)
}

// saveSome saves some of the entries that are due.
func (x *Index) saveSome(n int) (used int) {
	ch := &x.changes
	for ; len(ch.removing) > 0 && used < n; used++ {
		last := len(ch.removing) - 1
		ch.saving.remove(ch.saving.entryKey(ch.removing[last]))
		ch.removing[last] = nil
		ch.removing = ch.removing[:last]
	}
	for ; len(ch.due) > 0 && used < n; used++ {
		last := len(ch.due) - 1
		if e := ch.due[last]; e.changed == ch.epoch.Other() {
			x.putEntry(e)
			e.changed = 0
		}
		ch.due[last] = nil
		ch.due = ch.due[:last]
	}
	return used
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

// entryKey appends the key of an entry to the buffer, and returns where it
// begins.
func (c *Checkpoint) entryKey(id *Identity) (start int) {
	start = c.begin()
	buf := append(c.writer.buf, entryPrefix...)
	buf = append(buf, byte(id.Has&(HasHost|HasService)))
	buf = appendText(buf, id.Host)
	c.writer.buf = append(buf, id.Service...)
	return start
}

// putEntry puts the record of an entry, unless it was forgotten before the
// checkpoint began.
func (x *Index) putEntry(e *Entry) {
	if e.status != forgotten {
		c := x.changes.saving
		c.put(c.entryKey(e.ID), func(w *RecordWriter) { x.engine.saveEntry(w, e) })
	}
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
	if entry.variants {
		e.ids.saveVariants(w, entry)
	} else {
		w.Int(0)
	}
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
	var downtimes []downPeriod
	for range r.Len() {
		downtimes = append(downtimes, downPeriod{r.Time(), r.Time()})
	}
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
	e.downtimes = downtimes
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
		entry.variants = true
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
