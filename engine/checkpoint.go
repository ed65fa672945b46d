package engine

import (
	"hash/maphash"
	"maps"
	"math"
	"slices"
	"strings"
)

// RecordsVersion is the version of how records are written. A store keeps it,
// and refuses records of a later one.
const RecordsVersion = 1

// Records are the state of an engine, its graph and its outlets at one instant
// between two events, in pieces that are found by their keys.
type Records interface {
	// Get returns the record of a key.
	Get(key string) (value string, ok bool)
	// Each calls f for the records whose keys begin with prefix, in the order
	// of the keys.
	Each(prefix string, f func(key, value string))
}

// RecordMap is Records in memory, which checkpoints are applied to.
type RecordMap map[string]string

// Get implements Records.
func (m RecordMap) Get(key string) (string, bool) { value, ok := m[key]; return value, ok }

// Each implements Records.
func (m RecordMap) Each(prefix string, f func(key, value string)) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if strings.HasPrefix(key, prefix) {
			f(key, m[key])
		}
	}
}

// Apply finishes a checkpoint and brings the map to what it says.
func (m RecordMap) Apply(c *Checkpoint) {
	c.Finish()
	for _, prefix := range c.Drops() {
		maps.DeleteFunc(m, func(key, _ string) bool { return strings.HasPrefix(key, prefix) })
	}
	c.Each(func(key, value []byte, removed bool) {
		if removed {
			delete(m, string(key))
		} else {
			m[string(key)] = string(value)
		}
	})
}

// Checkpoint collects the records that have changed since the last one.
// Engine.Save, Graph.Save and Outlet.Save begin it, between two events, and
// More goes on with it between later ones, until all is collected as it was
// then; all on the engine's goroutine. Then it goes to who keeps it. The zero
// value is an empty one.
type Checkpoint struct {
	// Whole says that everything has to be written, whatever has changed: what
	// was kept before goes.
	Whole bool
	// Position is the engine's, see Engine.Position.
	Position uint64

	writer  RecordWriter     // whose buffer is that of the part in hand
	puts    []checkpointItem // of that part
	removes []checkpointItem
	parts   []checkpointPart // that are full
	spare   []checkpointPart // that are empty
	drops   []string
	later   []func(n int) (used int)
	durable []func()
}

// checkpointPart is some of the records, in their order. Parts are small, for a
// buffer of many megabytes that grows is copied, which nothing can interrupt: events
// and the garbage collector would wait for it.
type checkpointPart struct {
	buf           []byte
	puts, removes []checkpointItem
}

// checkpointItem is one record: from where its key begins in the buffer of its part
// to where its value ends.
type checkpointItem struct{ start, key, end int }

// partBytes is from how many bytes on a part is full.
const partBytes = 256 << 10

// Epoch says in which of two epochs something has changed, if it has: in the one
// since the last checkpoint began, or in the one before, so that it is due for
// the checkpoint that is being collected. A checkpoint that begins turns the one
// into the other. The zero value means that it was not changed.
type Epoch uint8

// FirstEpoch is the one to begin with.
const FirstEpoch Epoch = 1

// Other returns the one that e is not.
func (e Epoch) Other() Epoch { return 3 - e }

// Seen remembers what a record was when it was last put.
type Seen struct {
	seed maphash.Seed
	hash uint64
	put  bool
}

// Reset empties the checkpoint, to be used again. One that was much larger once, as
// a Whole one is, gives back what it took then.
func (c *Checkpoint) Reset() {
	if c.held() > max(4*c.Size(), checkpointKept) {
		*c = Checkpoint{}
		return
	}
	for _, p := range c.parts {
		c.spare = append(c.spare, checkpointPart{p.buf[:0], p.puts[:0], p.removes[:0]})
	}
	clear(c.parts)
	c.Whole, c.Position, c.parts = false, 0, c.parts[:0]
	c.writer.buf, c.puts, c.removes, c.drops = c.writer.buf[:0], c.puts[:0], c.removes[:0], c.drops[:0]
	clear(c.durable)
	c.durable = c.durable[:0]
}

// held returns how many bytes the buffers have room for.
func (c *Checkpoint) held() int {
	n := cap(c.writer.buf)
	for _, p := range c.parts {
		n += cap(p.buf)
	}
	for _, p := range c.spare {
		n += cap(p.buf)
	}
	return n
}

// checkpointKept is how many bytes of a checkpoint stay allocated in any case.
const checkpointKept = 1 << 20

// OnDurable has f be called once the checkpoint is durable, on the engine's
// goroutine or when that has ended; never if it does not come to that. What the
// checkpoint has will be in those after it as well, until it is removed.
func (c *Checkpoint) OnDurable(f func()) { c.durable = append(c.durable, f) }

// Later has More call f with a number of records to put at most; f returns how
// many it has put, fewer only when it has no more.
func (c *Checkpoint) Later(f func(n int) (used int)) { c.later = append(c.later, f) }

// More collects about n records more, and reports whether that is all. What
// changes before it was collected, its owner puts first.
func (c *Checkpoint) More(n int) (done bool) {
	for len(c.later) > 0 && n > 0 {
		used := c.later[0](n)
		if n -= used; n > 0 {
			c.later[0] = nil
			c.later = c.later[1:]
		}
	}
	return len(c.later) == 0
}

// Finish collects all that there is.
func (c *Checkpoint) Finish() {
	for !c.More(math.MaxInt) {
	}
}

// Put keeps under key what write writes. Of two under one key the later one
// counts.
func (c *Checkpoint) Put(key string, write func(*RecordWriter)) {
	start := c.begin()
	c.writer.buf = append(c.writer.buf, key...)
	c.put(start, write)
}

// begin begins a record, and returns where in the buffer.
func (c *Checkpoint) begin() (start int) {
	if len(c.writer.buf) < partBytes {
		return len(c.writer.buf)
	}
	c.parts = append(c.parts, checkpointPart{c.writer.buf, c.puts, c.removes})
	var next checkpointPart
	if last := len(c.spare) - 1; last >= 0 {
		next, c.spare[last] = c.spare[last], checkpointPart{}
		c.spare = c.spare[:last]
	} else {
		next.buf = make([]byte, 0, partBytes+partBytes/16) // the last record goes beyond
	}
	c.writer.buf, c.puts, c.removes = next.buf, next.puts, next.removes
	return 0
}

// put is Put of what has its key in the buffer already, from start on.
func (c *Checkpoint) put(start int, write func(*RecordWriter)) {
	w := &c.writer
	key := len(w.buf)
	w.forget()
	write(w)
	c.puts = append(c.puts, checkpointItem{start, key, len(w.buf)})
}

// PutChanged is Put for what may be as it was: it is left out if it is what
// seen saw last, unless the checkpoint is Whole.
func (c *Checkpoint) PutChanged(key string, seen *Seen, write func(*RecordWriter)) {
	c.Put(key, write)
	if !seen.put {
		seen.seed = maphash.MakeSeed()
	}
	last := c.puts[len(c.puts)-1]
	hash := maphash.Bytes(seen.seed, c.writer.buf[last.key:])
	if seen.put && seen.hash == hash && !c.Whole {
		c.puts = c.puts[:len(c.puts)-1]
		c.writer.buf = c.writer.buf[:last.start]
		return
	}
	seen.hash, seen.put = hash, true
}

// Remove drops what was kept under key before, whenever it is called.
func (c *Checkpoint) Remove(key string) {
	start := c.begin()
	c.writer.buf = append(c.writer.buf, key...)
	c.remove(start)
}

// remove is Remove of what has its key in the buffer already, from start on.
func (c *Checkpoint) remove(start int) {
	end := len(c.writer.buf)
	c.removes = append(c.removes, checkpointItem{start, end, end})
}

// Drop drops all that was kept before under keys that begin with prefix,
// whenever it is called.
func (c *Checkpoint) Drop(prefix string) { c.drops = append(c.drops, prefix) }

// Drops are the prefixes of what goes before anything is put; "" is all.
func (c *Checkpoint) Drops() []string {
	if c.Whole {
		return []string{""}
	}
	return c.drops
}

// all are the parts, that in hand included.
func (c *Checkpoint) all(yield func(p checkpointPart) bool) {
	for _, p := range c.parts {
		if !yield(p) {
			return
		}
	}
	yield(checkpointPart{c.writer.buf, c.puts, c.removes})
}

// Len returns how many records were put and removed.
func (c *Checkpoint) Len() (n int) {
	for p := range c.all {
		n += len(p.puts) + len(p.removes)
	}
	return n
}

// Size returns how many bytes they take.
func (c *Checkpoint) Size() (n int) {
	for p := range c.all {
		n += len(p.buf)
	}
	return n
}

// Each calls f for each record that was removed, and then for each that was
// put. The slices belong to the checkpoint.
func (c *Checkpoint) Each(f func(key, value []byte, removed bool)) {
	for p := range c.all {
		for _, item := range p.removes {
			f(p.buf[item.start:item.key:item.key], nil, true)
		}
	}
	for p := range c.all {
		for _, item := range p.puts {
			f(p.buf[item.start:item.key:item.key], p.buf[item.key:item.end:item.end], false)
		}
	}
}

// Loading is one reading of records: Engine.Load, then Graph.Start and
// Graph.Load, and Outlet.Load. What cannot be used is left out and counted.
type Loading struct {
	records Records
	ids     *Identities
	skipped int
	holds   []loadedHold
}

// loadedHold is a hold of an entry, until the groups are there.
type loadedHold struct {
	entry *Entry
	scope uint64
	id    *Identity
	group string
}

// NewLoading begins to read records into an engine whose identities are ids.
func NewLoading(records Records, ids *Identities) *Loading {
	return &Loading{records: records, ids: ids}
}

// Any reports whether there is a checkpoint at all.
func (l *Loading) Any() bool { _, ok := l.records.Get(engineKey); return ok }

// Record returns the reader of the record of that key; ok is false when there
// is none.
func (l *Loading) Record(key string) (r *RecordReader, ok bool) {
	value, ok := l.records.Get(key)
	return &RecordReader{loading: l, data: []byte(value)}, ok
}

// Each calls f with the rest of its key and with its reader for each record
// whose key begins with prefix, in the order of the keys.
func (l *Loading) Each(prefix string, f func(rest string, r *RecordReader)) {
	l.records.Each(prefix, func(key, value string) {
		f(key[len(prefix):], &RecordReader{loading: l, data: []byte(value)})
	})
}

// Skip counts a piece that could not be used.
func (l *Loading) Skip() { l.skipped++ }

// Skipped returns how many pieces could not be used: of operators that the
// rules do not have any more, and what could not be read.
func (l *Loading) Skipped() int { return l.skipped }
