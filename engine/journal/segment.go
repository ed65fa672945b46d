package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tocsin/engine"
)

// segment is a file of the journal.
type segment struct {
	path  string
	first uint64      // its batches have this number or a higher one
	now   engine.Time // the clock at its first batch; 0: not read yet
	size  int64       // in bytes
}

func segmentName(first uint64) string { return fmt.Sprintf("%020d%s", first, suffix) }

// list returns the segments in dir, in order. Only what their names and sizes say
// is filled in.
func list(dir string) ([]segment, error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("cannot read journal: %q is a file; a journal is a folder of segments (*%s)", dir, suffix)
	}
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, fmt.Errorf("cannot read journal: %w", err)
	}
	var out []segment
	for _, entry := range entries {
		number, ok := strings.CutSuffix(entry.Name(), suffix)
		first, err := strconv.ParseUint(number, 10, 64)
		if !ok || err != nil || len(number) != 20 {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read journal: %w", err)
		}
		out = append(out, segment{path: filepath.Join(dir, entry.Name()), first: first, size: info.Size()})
	}
	return out, nil
}

// listSome is list for a reader, who expects segments.
func listSome(dir string) ([]segment, error) {
	segments, err := list(dir)
	if err == nil && len(segments) == 0 {
		err = fmt.Errorf("cannot read journal: there are no segments (*%s) in %q", suffix, dir)
	}
	return segments, err
}

// segmentReader reads one segment, block by block.
type segmentReader struct {
	file *os.File
	in   *bufio.Reader
	head segmentHead
	at   int64 // where the block at hand begins

	stored, unpacked []byte
}

// readSize is how much of a segment is read at once. What is skipped and longer
// is not read.
const readSize = 256 << 10

// openSegment opens a segment. The error is errHead or ErrNewer, wrapped, when it
// begins in another way.
func openSegment(path string) (*segmentReader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read journal: %w", err)
	}
	r := &segmentReader{file: file, in: bufio.NewReaderSize(file, readSize), at: int64(segmentHeadSize)}
	data := make([]byte, segmentHeadSize)
	_, err = io.ReadFull(r.in, data)
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.head, err = parseSegmentHead(data)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot read journal segment %q: %w", path, err)
	}
	return r, nil
}

func (r *segmentReader) close() { _ = r.file.Close() } // it was only read

// breakError says that a segment cannot be read from a block on.
type breakError struct {
	at    int64 // where the block begins
	why   string
	short bool // the segment ends before the block does
}

func (e *breakError) Error() string { return fmt.Sprintf("the block at byte %d %s", e.at, e.why) }

func (r *segmentReader) damaged(why string) error { return &breakError{at: r.at, why: why} }

func (r *segmentReader) cutShort() error { return &breakError{r.at, "is cut short", true} }

// next reads the head of the block at hand. The error is io.EOF behind the last
// one, and a *breakError when there is none.
func (r *segmentReader) next() (h blockHead, err error) {
	data, err := r.in.Peek(blockHeadSize)
	switch {
	case err == io.EOF && len(data) == 0:
		return h, io.EOF
	case err == io.EOF:
		return h, r.cutShort()
	case err != nil:
		return h, fmt.Errorf("cannot read journal: %w", err)
	}
	h, ok := parseBlockHead(data)
	if !ok {
		return h, r.damaged("has a damaged head")
	}
	_, err = r.in.Discard(blockHeadSize)
	return h, err
}

// read reads the payload of the block whose head was read, checks it, and goes on
// to the next block. What it returns is as stored, and valid until the next call.
func (r *segmentReader) read(h *blockHead) ([]byte, error) {
	n := int(h.stored)
	if n > cap(r.stored) {
		if info, err := r.file.Stat(); err != nil || r.at+blockHeadSize+int64(n) > info.Size() {
			return nil, r.cutShort()
		}
		r.stored = make([]byte, n)
	}
	r.stored = r.stored[:n]
	_, err := io.ReadFull(r.in, r.stored)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, r.cutShort()
	case err != nil:
		return nil, fmt.Errorf("cannot read journal: %w", err)
	case crc32.Checksum(r.stored, castagnoli) != h.sum:
		return nil, r.damaged("is damaged")
	}
	r.at += blockHeadSize + int64(n)
	return r.stored, nil
}

// skip goes on to the next block.
func (r *segmentReader) skip(h *blockHead) error {
	if n := int64(h.stored); n <= int64(r.in.Buffered()) {
		_, _ = r.in.Discard(int(n))
	} else if _, err := r.file.Seek(n-int64(r.in.Buffered()), io.SeekCurrent); err != nil {
		return fmt.Errorf("cannot read journal: %w", err)
	} else {
		r.in.Reset(r.file)
	}
	r.at += blockHeadSize + int64(h.stored)
	return nil
}

// lost is what lies behind a break.
type lost struct {
	data            []byte // all of it
	batches, events int    // of the block at hand and those that are whole; more may be in others
	written         bool   // the first block is whole by now
}

// unfinished reports whether the break is where a write had not come to its end:
// nothing follows it, and it is short, or has not got to the disk.
func (l *lost) unfinished(broken *breakError) bool {
	return l.batches == 0 && (broken.short || len(bytes.Trim(l.data, "\x00")) == 0)
}

// behind looks what lies from the block at hand on.
func (r *segmentReader) behind() (lost, error) {
	if _, err := r.file.Seek(r.at, io.SeekStart); err != nil {
		return lost{}, fmt.Errorf("cannot read journal: %w", err)
	}
	data, err := io.ReadAll(r.file)
	if err != nil {
		return lost{}, fmt.Errorf("cannot read journal: %w", err)
	}
	l := lost{data: data}
	for at := 0; at+blockHeadSize <= len(data); at++ {
		h, ok := parseBlockHead(data[at:])
		end := at + blockHeadSize + int(h.stored)
		if !ok || end > len(data) {
			continue
		}
		whole := crc32.Checksum(data[at+blockHeadSize:end], castagnoli) == h.sum
		if whole || at == 0 {
			l.batches, l.events = l.batches+int(h.batches), l.events+int(h.events)
		}
		if whole {
			l.written = l.written || at == 0
			at = end - 1
		}
	}
	return l, nil
}
