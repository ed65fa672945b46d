package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Recovery is what Open found.
type Recovery struct {
	// Checkpoint is the number of the last whole checkpoint, from 1 on; 0 if
	// there was none. Written is when it was committed.
	Checkpoint uint64
	Written    time.Time
	// Records is how many there are.
	Records int
	// Lost says what was lost and where what is left of it was kept, in words
	// for the log; "" if nothing was lost.
	Lost string
	// Damaged tells that it was more than one write that was not finished, as
	// after a kill or a loss of power: what had been committed is lost.
	Damaged bool
}

// lockFile makes sure that no other process has the store open. It is another
// file than the store's own, which a shrink replaces.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("another tocsin has it open")
		}
		return nil, err
	}
	return f, nil
}

// recover brings the file to the end of its last whole checkpoint, for buntdb
// to read.
func (s *Store) recover() error {
	if err := s.chooseFile(); err != nil {
		return err
	}
	found, err := scanPath(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s.begin()
	}
	if err != nil {
		return err
	}
	s.last = found.last
	s.recovery.Checkpoint, s.recovery.Written = found.last.number, found.last.written
	if found.broken != nil {
		if err := s.cut(found); err != nil {
			return err
		}
	}
	if found.end == 0 {
		return s.begin()
	}
	return nil
}

// chooseFile ends a shrink that was under way when the program ended: the new
// file may not be whole, or may have checkpoints that the old one has not.
func (s *Store) chooseFile() error {
	if err := remove(s.path + newSuffix); err != nil {
		return err
	}
	before, err := scanPath(s.path + oldSuffix)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("cannot read %q, which a shrink has left behind: %w", s.path+oldSuffix, err)
	}
	after, err := scanPath(s.path)
	if err == nil && after.last.number >= before.last.number {
		return remove(s.path + oldSuffix)
	}
	if err := os.Rename(s.path+oldSuffix, s.path); err != nil {
		return err
	}
	return syncDir(s.path)
}

func scanPath(path string) (scan, error) {
	f, err := os.Open(path)
	if err != nil {
		return scan{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return scan{}, err
	}
	if !info.Mode().IsRegular() {
		return scan{}, errNotStore
	}
	return scanFile(f, info.Size())
}

// begin makes a store that has nothing yet. It gets its name when it is whole.
func (s *Store) begin() error {
	f, err := os.OpenFile(s.path+newSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(headCommand())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(s.path+newSuffix, s.path); err != nil {
		return err
	}
	return syncDir(s.path)
}

// cut removes what is behind the last whole checkpoint, and keeps it.
func (s *Store) cut(found scan) error {
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	last, err := lastMark(io.NewSectionReader(f, found.end, found.size-found.end))
	if err != nil {
		return err
	}
	// The end of a file that has nothing but the beginning of one checkpoint
	// was never committed.
	unfinished := errors.Is(found.broken, errUnended) && last.number <= found.last.number+1
	s.recovery.Damaged = !unfinished
	suffix, from := "damaged", int64(0)
	if unfinished {
		suffix, from = "cut", found.end
	}
	kept, err := s.keepAside(f, suffix, from, found.size)
	if err != nil {
		err = fmt.Errorf("cannot keep what is damaged aside, at byte %d: %w", found.brokenAt, err)
		if s.recovery.Damaged {
			return err
		}
		kept = err.Error()
	} else {
		kept = "it is kept in " + kept
	}
	s.recovery.Lost = lost(found, last, unfinished) + "; " + kept
	if err := f.Truncate(found.end); err != nil {
		return err
	}
	return f.Sync()
}

// lost says what a cut costs.
func lost(found scan, last mark, unfinished bool) string {
	var b strings.Builder
	if unfinished {
		fmt.Fprintf(&b, "the last write was not finished, %d bytes of it were cut off", found.size-found.end)
	} else {
		fmt.Fprintf(&b, "the file is damaged at byte %d of %d: %v", found.brokenAt, found.size, found.broken)
		if n := last.number - found.last.number; last.number > found.last.number {
			fmt.Fprintf(&b, "; lost are %d checkpoints up to %d of %s", n, last.number, clock(last.written))
		}
	}
	if found.last.number == 0 {
		b.WriteString("; nothing before it could be saved, tocsin begins anew")
	} else {
		fmt.Fprintf(&b, "; tocsin goes on from checkpoint %d of %s", found.last.number, clock(found.last.written))
	}
	return b.String()
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// keepAside copies a part of the file into a new file beside it.
func (s *Store) keepAside(f *os.File, suffix string, from, to int64) (name string, err error) {
	base := fmt.Sprintf("%s.%s-%s", s.path, suffix, time.Now().UTC().Format("20060102T150405"))
	var out *os.File
	for i := 1; ; i++ {
		if name = base; i > 1 {
			name = fmt.Sprintf("%s-%d", base, i)
		}
		out, err = os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, io.NewSectionReader(f, from, to-from))
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return "", errors.Join(err, os.Remove(name))
	}
	return filepath.Base(name), nil
}

// remove removes a file, if there is one.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
