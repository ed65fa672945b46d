package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// restore finds the segments, and the end of the last one.
func (j *Journal) restore() error {
	found, err := list(j.dir)
	if err != nil {
		return err
	}
	for _, s := range found {
		head, err := readHead(s.path)
		switch {
		case errors.Is(err, errHead):
			if err := j.setAside(s); err != nil {
				return err
			}
			continue
		case err != nil:
			return fmt.Errorf("cannot open journal: %w", err)
		}
		s.now = head.now
		j.segments = append(j.segments, s)
	}
	for len(j.segments) > 0 && j.file == nil {
		if err := j.restoreLast(); err != nil {
			return err
		}
	}
	return nil
}

func readHead(path string) (segmentHead, error) {
	r, err := openSegment(path)
	if err != nil {
		return segmentHead{}, err
	}
	defer r.close()
	return r.head, nil
}

// restoreLast cuts the last segment back to its last good end and opens it. If
// nothing is left, it is deleted.
func (j *Journal) restoreLast() error {
	s := &j.segments[len(j.segments)-1]
	last, broken, rest, err := scan(s.path)
	if err != nil {
		return err
	}
	if broken != nil {
		if err := j.cutOff(s, broken, rest); err != nil {
			return err
		}
	}
	if last == 0 {
		j.segments = j.segments[:len(j.segments)-1]
		return os.Remove(s.path)
	}
	j.file, err = os.OpenFile(s.path, os.O_WRONLY, 0)
	j.last = last
	return err
}

// scan checks the blocks of a segment and returns the number of the last batch, 0
// when there is none, and what is behind the break, if there is one.
func scan(path string) (last uint64, broken *breakError, rest lost, err error) {
	r, err := openSegment(path)
	if err != nil {
		return 0, nil, rest, err
	}
	defer r.close()
	for {
		h, err := r.next()
		if err == nil {
			_, err = r.read(&h)
		}
		broken, ok := errors.AsType[*breakError](err)
		switch {
		case err == io.EOF:
			return last, nil, rest, nil
		case ok:
			rest, err := r.behind()
			return last, broken, rest, err
		case err != nil:
			return 0, nil, rest, err
		}
		last = h.last()
	}
}

// cutOff ends a segment where it breaks, and keeps what is behind in a file beside
// it.
func (j *Journal) cutOff(s *segment, broken *breakError, rest lost) error {
	unfinished, kind := rest.unfinished(broken), "damaged"
	if unfinished {
		kind = "torn"
	}
	aside, err := writeAside(fmt.Sprintf("%s.%s-%d", s.path, kind, broken.at), rest.data)
	if err != nil && !unfinished {
		return fmt.Errorf("cannot keep the damaged part of journal segment %q: %w", s.path, err)
	}
	if err := cut(s.path, broken.at); err != nil {
		return err
	}
	s.size = broken.at
	log := j.options.Logger.With("segment", s.path, "why", broken, "bytes", len(rest.data), "kept_in", aside)
	if unfinished {
		log.Warn("journal: cut off a write that was not finished; nobody was told that it was done")
		return nil
	}
	j.metrics.damages.Inc()
	log.Error("journal is damaged; what is behind the break cannot be read", "batches", rest.batches, "events", rest.events)
	j.options.Notify("tocsin journal", fmt.Sprintf("the journal is damaged: %v of segment %s; at least %d batches with %d events cannot be read; what is there is kept in %s",
		broken, s.path, rest.batches, rest.events, aside))
	return nil
}

// writeAside writes what is cut off to a new file, unless it is nothing.
func writeAside(path string, data []byte) (string, error) {
	unique := path
	for n := 2; ; n++ {
		f, err := os.OpenFile(unique, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			unique = fmt.Sprintf("%s-%d", path, n)
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(data)
		return unique, errors.Join(err, f.Sync(), f.Close())
	}
}

func cut(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("cannot open journal: %w", err)
	}
	if err := errors.Join(f.Truncate(size), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot cut journal back: %w", err)
	}
	return nil
}

// setAside renames a segment whose head cannot be read. One that was only being
// made holds nothing.
func (j *Journal) setAside(s segment) error {
	if s.size < int64(segmentHeadSize) {
		return os.Remove(s.path)
	}
	aside := s.path + ".damaged-0"
	if err := os.Rename(s.path, aside); err != nil {
		return fmt.Errorf("cannot set the damaged journal segment %q aside: %w", s.path, err)
	}
	j.metrics.damages.Inc()
	j.options.Logger.Error("journal is damaged; a segment cannot be read", "segment", s.path, "why", errHead, "bytes", s.size, "kept_in", aside)
	j.options.Notify("tocsin journal", fmt.Sprintf("the journal is damaged: segment %s: %v; it is kept in %s", s.path, errHead, aside))
	return nil
}
