package graphite

import (
	"errors"
	"io"

	"tocsin/plugins/carbon"
)

const (
	// A buffer must hold more than the longest line.
	minBuffer = 2 * carbon.MaxLine
	maxBuffer = 16 * carbon.MaxLine
)

var errNoNewline = errors.New("the connection ended within the line")

// readLines reads plaintext lines until r ends. It sends what it has as soon as
// r has no more to give, so that a single event does not wait for others.
//
// What comes after the last line end is dropped, as carbon does: it may be the
// first half of a line, and would read as a wrong value.
func readLines(r io.Reader, f *feed) error {
	buf := make([]byte, minBuffer)
	have := 0
	for {
		n, readErr := r.Read(buf[have:])
		f.counters.bytes.Add(n)
		have += n
		full := have == len(buf)
		used, err := f.lines(buf[:have])
		if err == nil && !full {
			err = f.flush()
		}
		if err != nil {
			return err
		}
		used += f.partial(buf[used:have])
		have = copy(buf, buf[used:have])
		if readErr != nil {
			return f.end(buf[:have], readErr)
		}
		if full && len(buf) < maxBuffer {
			// A busy sender gets a larger buffer, an idle one never does.
			buf = append(make([]byte, 0, 2*len(buf)), buf[:have]...)
			buf = buf[:cap(buf)]
		}
	}
}

// end flushes when reading has ended with err and left some bytes over.
func (f *feed) end(left []byte, err error) error {
	if len(left) > 0 {
		f.bad(left, errNoNewline)
	}
	if flushErr := f.flush(); flushErr != nil {
		return flushErr
	}
	if err == io.EOF {
		return nil
	}
	return err
}
