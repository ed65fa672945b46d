package store

import (
	"fmt"
	"os"
	"time"

	"github.com/tidwall/buntdb"
)

// Names beside the store's.
const (
	oldSuffix = ".before-shrink" // the file before a shrink, until the new one is on the disk
	newSuffix = ".tmp"           // what buntdb writes while it shrinks
)

// How long after a shrink that failed the next one is tried.
const shrinkAgain = time.Minute

// wantsShrink tells whether most of the file is of the past.
func (s *Store) wantsShrink() bool {
	return s.size > s.shrinkAbove && s.size > 2*s.live && s.shrinkNext.Before(time.Now())
}

// shrink makes the file short again. buntdb would do that by itself, but only
// when the file has doubled since it was opened, and without a sync.
func (s *Store) shrink() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.broken != nil || !s.wantsShrink() {
		return
	}
	before, began := s.size, time.Now()
	err := s.rewrite()
	if err == nil {
		err = s.measure()
	}
	if err != nil {
		s.shrinkNext = time.Now().Add(shrinkAgain)
		s.metrics.errors.Inc()
		s.logger.Error("cannot shrink the store", "path", s.path, "error", err)
		return
	}
	s.metrics.shrinks.Inc()
	s.logger.Debug("store was shrunk", "path", s.path, "bytes_before", before, "bytes", s.size, "took", time.Since(began))
}

// rewrite has buntdb write a new file of what there is. Until that is on the
// disk, recovery finds the file of before under another name.
func (s *Store) rewrite() error {
	old := s.path + oldSuffix
	if !s.halfway {
		if err := remove(old); err != nil {
			return err
		}
		if err := os.Link(s.path, old); err != nil {
			return err
		}
		if err := syncDir(s.path); err != nil {
			return err
		}
	}
	if err := s.swap(); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	if err := syncDir(s.path); err != nil {
		return err
	}
	s.doubtful, s.halfway = false, false
	return remove(old)
}

// swap puts the new file in the place of the old one. From then on until the
// caller has brought it to the disk, the store is halfway.
func (s *Store) swap() error {
	all, err := s.tally()
	if err != nil {
		return err
	}
	// buntdb would make it readable for everyone.
	f, err := os.OpenFile(s.path+newSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := s.guard(s.db.Shrink); err != nil {
		return fmt.Errorf("cannot write it anew: %w", err)
	}
	s.doubtful, s.halfway = true, true
	file, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_ = s.file.Close() // of the old file, which has nothing to lose
	s.file = file
	m := mark{s.last.number, s.last.written, int64(len(headCommand())), all}
	return s.guard(func() error {
		return s.db.Update(func(tx *buntdb.Tx) error {
			_, _, err := tx.Set(markKey, m.seal(), nil)
			return err
		})
	})
}

// tally counts what a new file will have behind its head.
func (s *Store) tally() (all tally, err error) {
	err = s.db.View(func(tx *buntdb.Tx) error {
		return tx.Ascend("", func(key, sealed string) bool {
			if key != headKey {
				all.set(sealed)
			}
			return true
		})
	})
	return all, err
}
