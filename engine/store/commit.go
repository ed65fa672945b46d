package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/buntdb"

	"tocsin/engine"
)

var (
	errUnchanged = errors.New("nothing has changed")
	errClosed    = errors.New("it is closed")
)

// Commit keeps a checkpoint: when it returns nil, it is on the disk. It keeps
// nothing of the checkpoint's buffers. After an error the store holds what it
// held before, or all of the checkpoint, and goes on to work: the next
// checkpoint must be Whole, since the caller has let go of this one.
//
// Now and then a Commit has to wait until the file is shrunk, which takes
// about a second for a million records.
func (s *Store) Commit(c *engine.Checkpoint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	began := time.Now()
	number := s.last.number + 1
	if err := s.commit(c, number); err != nil {
		s.metrics.errors.Inc()
		return fmt.Errorf("cannot commit checkpoint %d to store %q: %w", number, s.path, err)
	}
	s.metrics.commits.UpdateDuration(began)
	if s.wantsShrink() {
		s.shrinking.Go(s.shrink)
	}
	return nil
}

func (s *Store) commit(c *engine.Checkpoint, number uint64) error {
	switch {
	case s.closed:
		return errClosed
	case s.broken != nil:
		return s.broken
	}
	t := transaction{mark: mark{number: number, start: s.size}, records: s.records, live: s.live}
	err := s.guard(func() error {
		return s.db.Update(func(tx *buntdb.Tx) error { return t.write(tx, c) })
	})
	switch {
	case errors.Is(err, errUnchanged):
		if !s.doubtful {
			return nil
		}
	case err != nil:
		return err
	default:
		s.last = t.mark
		s.records, s.live = t.records, t.live
		s.metrics.written.Add(int(t.mark.others.count))
	}
	if err := s.sync(); err != nil {
		return err
	}
	return s.measure()
}

// sync brings the file to the disk. After a failure nobody knows what of it is
// there, and the system would not try it again: then it is written anew.
func (s *Store) sync() error {
	if s.doubtful {
		return s.rewrite()
	}
	if err := s.file.Sync(); err != nil {
		s.doubtful = true
		return err
	}
	return nil
}

// guard calls f and turns a panic into an error. buntdb panics when it cannot
// take back a write that has failed, and keeps its lock.
func (s *Store) guard(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			s.broken = fmt.Errorf("the file cannot be mended while tocsin runs, restart it: %v", value)
			err = s.broken
		}
	}()
	return f()
}

// transaction writes one checkpoint.
type transaction struct {
	mark    mark // its others are the commands that buntdb will write
	records int
	live    int64
}

// change is what a checkpoint does to a record in the end.
type change struct {
	key     string // as buntdb has it
	value   []byte // the checkpoint's
	removed bool
}

func (t *transaction) write(tx *buntdb.Tx, c *engine.Checkpoint) error {
	changes, err := gather(tx, c)
	if err != nil {
		return err
	}
	for _, ch := range changes {
		if ch.removed {
			err = t.remove(tx, ch.key)
		} else {
			err = t.set(tx, ch.key, seal(ch.key, ch.value), c.Whole)
		}
		if err != nil {
			return err
		}
	}
	if t.mark.others.count == 0 {
		return errUnchanged
	}
	t.mark.written = time.Now()
	_, _, err = tx.Set(markKey, t.mark.seal(), nil)
	return err
}

// gather finds out what the checkpoint comes to for each record, in the order
// of keys. A record comes once at most, as buntdb writes it.
func gather(tx *buntdb.Tx, c *engine.Checkpoint) ([]change, error) {
	changes := make([]change, 0, c.Len())
	c.Each(func(key, value []byte, removed bool) {
		changes = append(changes, change{recordPrefix + string(key), value, removed})
	})
	slices.SortStableFunc(changes, byKey)
	last := changes[:0]
	for i := range changes {
		if i+1 == len(changes) || changes[i].key != changes[i+1].key {
			last = append(last, changes[i])
		}
	}
	var dropped []change
	for _, prefix := range c.Drops() {
		prefix = recordPrefix + prefix
		err := tx.AscendGreaterOrEqual("", prefix, func(key, _ string) bool {
			if !strings.HasPrefix(key, prefix) {
				return false
			}
			if _, put := slices.BinarySearchFunc(last, change{key: key}, byKey); !put {
				dropped = append(dropped, change{key: key, removed: true})
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return append(last, dropped...), nil
}

func byKey(a, b change) int { return strings.Compare(a.key, b.key) }

// set writes a record; when the checkpoint is whole, only if it is another.
func (t *transaction) set(tx *buntdb.Tx, key, sealed string, whole bool) error {
	if whole {
		old, err := tx.Get(key)
		if err != nil && !errors.Is(err, buntdb.ErrNotFound) || err == nil && old == sealed {
			return err
		}
	}
	old, known, err := tx.Set(key, sealed, nil)
	if err != nil {
		return err
	}
	if known {
		t.records--
		t.live -= setSize(key, old)
	}
	t.records++
	t.live += setSize(key, sealed)
	t.mark.others.set(sealed)
	return nil
}

// remove removes a record, if there is one.
func (t *transaction) remove(tx *buntdb.Tx, key string) error {
	old, err := tx.Delete(key)
	if errors.Is(err, buntdb.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	t.records--
	t.live -= setSize(key, old)
	t.mark.others.remove(key)
	return nil
}
