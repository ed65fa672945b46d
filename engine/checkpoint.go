package engine

import (
	"hash/maphash"
	"maps"
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

// Apply brings the map to what the checkpoint says.
func (m RecordMap) Apply(c *Checkpoint) {
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
// Engine.Save, Graph.Save and Outlet.Save write to it, on the engine's
// goroutine; then it goes to who keeps it. The zero value is an empty one.
type Checkpoint struct {
	// Whole says that everything has to be written, whatever has changed: what
	// was kept before goes.
	Whole bool
	// Position is the engine's, see Engine.Position.
	Position uint64

	writer RecordWriter
	items  []checkpointItem
	drops  []string
}

// checkpointItem is one record: its key and its value are behind those of the
// item before.
type checkpointItem struct {
	key, value int // where they end in the writer's buffer
	removed    bool
}

// Seen remembers what a record was when it was last put.
type Seen struct {
	seed maphash.Seed
	hash uint64
	put  bool
}

// Reset empties the checkpoint, to be used again.
func (c *Checkpoint) Reset() {
	c.Whole, c.Position = false, 0
	c.writer.buf, c.items, c.drops = c.writer.buf[:0], c.items[:0], c.drops[:0]
}

// Put keeps under key what write writes. Of two under one key the later one
// counts.
func (c *Checkpoint) Put(key string, write func(*RecordWriter)) {
	c.writer.buf = append(c.writer.buf, key...)
	c.put(write)
}

// put is Put of what has its key in the buffer already.
func (c *Checkpoint) put(write func(*RecordWriter)) {
	w := &c.writer
	item := checkpointItem{key: len(w.buf)}
	w.forget()
	write(w)
	item.value = len(w.buf)
	c.items = append(c.items, item)
}

// PutChanged is Put for what may be as it was: it is left out if it is what
// seen saw last, unless the checkpoint is Whole.
func (c *Checkpoint) PutChanged(key string, seen *Seen, write func(*RecordWriter)) {
	start := len(c.writer.buf)
	c.Put(key, write)
	if !seen.put {
		seen.seed = maphash.MakeSeed()
	}
	hash := maphash.Bytes(seen.seed, c.writer.buf[start+len(key):])
	if seen.put && seen.hash == hash && !c.Whole {
		c.items = c.items[:len(c.items)-1]
		c.writer.buf = c.writer.buf[:start]
		return
	}
	seen.hash, seen.put = hash, true
}

// Remove drops what was kept under key.
func (c *Checkpoint) Remove(key string) {
	c.writer.buf = append(c.writer.buf, key...)
	c.remove()
}

// remove is Remove of what has its key in the buffer already.
func (c *Checkpoint) remove() {
	end := len(c.writer.buf)
	c.items = append(c.items, checkpointItem{end, end, true})
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

// Len returns how many records were put and removed.
func (c *Checkpoint) Len() int { return len(c.items) }

// Size returns how many bytes they take.
func (c *Checkpoint) Size() int { return len(c.writer.buf) }

// Each calls f for each record, in the order in which they were put and
// removed. The slices belong to the checkpoint.
func (c *Checkpoint) Each(f func(key, value []byte, removed bool)) {
	start := 0
	for _, item := range c.items {
		f(c.writer.buf[start:item.key:item.key], c.writer.buf[item.key:item.value:item.value], item.removed)
		start = item.value
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
