package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tocsin/engine"
)

const (
	// groupBatches and groupBytes bound what is written and synced at once.
	groupBatches = queueBatches
	groupBytes   = 16 << 20
	// blockBytes is how long a payload gets before the next block is begun.
	blockBytes = 1 << 20
)

// write takes batches until Close: what has come while the disk was busy is the
// next group.
func (j *Journal) write() {
	var group []entry
	for first := range j.queue {
		group = append(group[:0], first)
		j.encode(first)
		for more := true; more && len(group) < groupBatches && len(j.out)+len(j.block.payload) < groupBytes; {
			select {
			case next, ok := <-j.queue:
				if more = ok; ok {
					group = append(group, next)
					j.encode(next)
				}
			default:
				more = false
			}
		}
		j.settle(group, j.commit(group))
		clear(group)
	}
}

// encode adds a batch to what will be written.
func (j *Journal) encode(e entry) {
	if !e.kept() {
		return
	}
	if h := &j.block.head; h.batches > 0 && (len(j.block.payload) >= blockBytes || e.at.Position != h.last()+1) {
		j.out = j.block.appendTo(j.out)
	}
	j.block.add(e.batch.Source(), e.at, e.batch.Events)
}

// commit makes what was encoded of a group durable.
func (j *Journal) commit(group []entry) error {
	if j.block.head.batches > 0 {
		j.out = j.block.appendTo(j.out)
	}
	if len(j.out) == 0 {
		return nil
	}
	begins := slices.IndexFunc(group, func(e entry) bool { return e.kept() })
	err := j.store(group[begins].at)
	if err == nil {
		j.metrics.bytes.Add(len(j.out))
	} else {
		_ = j.cutBack() // or before the next group
	}
	if j.out = j.out[:0]; cap(j.out) > 2*groupBytes {
		j.out = nil
	}
	j.discard(group[len(group)-1].at.Now)
	j.publish()
	return err
}

// settle ends the batches of a group.
func (j *Journal) settle(group []entry, err error) {
	batches, events := 0, 0
	for _, e := range group {
		if e.kept() {
			batches, events = batches+1, events+len(e.batch.Events)
		}
	}
	if err == nil {
		j.metrics.batches.Add(batches)
		j.metrics.events.Add(events)
		j.trouble.over()
	} else {
		j.metrics.errors.Inc()
		j.metrics.unkept.Add(events)
		j.trouble.add(err, events)
		err = fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	j.lag.Add(-int64(len(group)))
	for _, e := range group {
		e.batch.Settle(err)
	}
}

// ErrNotKept says that events went through the streams, but would be lost in a
// crash until the next checkpoint.
var ErrNotKept = errors.New("the events are not in the journal")

// store writes out to the last segment, which it may have to make.
func (j *Journal) store(first engine.Served) error {
	if err := j.cutBack(); err != nil {
		return err
	}
	if err := j.roll(first); err != nil {
		return err
	}
	s := &j.segments[len(j.segments)-1]
	j.dirty = true
	if _, err := j.file.WriteAt(j.out, s.size); err != nil {
		return fmt.Errorf("cannot write journal: %w", err)
	}
	if err := j.sync(j.file); err != nil {
		return err
	}
	s.size += int64(len(j.out))
	j.dirty = false
	return nil
}

func (j *Journal) sync(f *os.File) error {
	began := time.Now()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("cannot sync journal: %w", err)
	}
	j.metrics.syncs.UpdateDuration(began)
	return nil
}

// cutBack cuts off what a write that failed has left.
func (j *Journal) cutBack() error {
	if !j.dirty {
		return nil
	}
	if err := j.file.Truncate(j.segments[len(j.segments)-1].size); err != nil {
		return fmt.Errorf("cannot cut journal back: %w", err)
	}
	if err := j.sync(j.file); err != nil {
		return err
	}
	j.dirty = false
	return nil
}

// roll begins a new segment if there is none, or the last one is full or old.
func (j *Journal) roll(first engine.Served) error {
	if j.file != nil {
		s := j.segments[len(j.segments)-1]
		age := max(j.options.Keep/keepParts, leastAge)
		if s.size < j.options.segmentBytes && first.Now < s.now.Add(age) {
			return nil
		}
		if err := j.file.Close(); err != nil {
			j.options.Logger.Warn("cannot close journal segment", "segment", s.path, "err", err)
		}
		j.file = nil
	}
	head := segmentHead{first.Position, first.Now}
	s := segment{path: filepath.Join(j.dir, segmentName(head.first)), first: head.first, now: head.now, size: int64(segmentHeadSize)}
	file, err := os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("cannot make journal segment: %w", err)
	}
	_, err = file.Write(head.append(nil))
	if err == nil {
		err = j.lock.Sync() // the folder: so that the name is durable
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot make journal segment: %w", err), file.Close(), os.Remove(s.path))
	}
	j.segments, j.file = append(j.segments, s), file
	return nil
}

// discard deletes segments that are too old, or too many, as long as no checkpoint
// needs them.
func (j *Journal) discard(now engine.Time) {
	excess := j.size() - j.options.Bytes
	for len(j.segments) > 1 {
		s, next := j.segments[0], j.segments[1]
		old := next.now <= now.Add(-j.options.Keep)
		large := j.options.Bytes > 0 && excess > 0
		if next.first > j.checkpointed.Load()+1 || !old && !large {
			return
		}
		if err := j.remove(s.path); err != nil {
			j.options.Logger.Warn("cannot delete journal segment; it stays until the next start", "err", err)
		}
		excess -= s.size
		j.segments = j.segments[1:]
	}
}

// remove deletes a segment, and what was kept beside it because it was broken.
func (j *Journal) remove(path string) error {
	errs := []error{os.Remove(path)}
	entries, err := os.ReadDir(j.dir)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), filepath.Base(path)+".") {
			errs = append(errs, os.Remove(filepath.Join(j.dir, entry.Name())))
		}
	}
	return errors.Join(append(errs, err)...)
}
