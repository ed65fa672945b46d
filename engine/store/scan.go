package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

var (
	errNewer    = errors.New("it was written by a newer version of tocsin; run that, or move the file away to begin anew")
	errNotStore = errors.New("it is not a store of tocsin; move it away, or name another file")
	errSyntax   = errors.New("there is something that is no command of a store")
	errUnended  = errors.New("the file ends within a checkpoint")
)

// scan is what was found in the file of a store.
type scan struct {
	size int64
	end  int64 // of the last whole checkpoint, or else of the head
	last mark  // of that checkpoint; its number is 0 if there is none
	// broken tells why what is behind end does not make a whole checkpoint; nil
	// if nothing is there. brokenAt is where reading ended.
	broken   error
	brokenAt int64
}

// scanFile reads the file of a store from its beginning. The error says that
// it cannot be read, or that it is none, or a newer one.
func scanFile(r io.Reader, size int64) (scan, error) {
	s := scan{size: size}
	if size == 0 {
		return s, nil
	}
	in := &commandReader{r: bufio.NewReaderSize(r, 1<<20), left: size}
	if err := s.head(in); err != nil || s.broken != nil {
		return s, err
	}
	err := s.checkpoints(in)
	switch {
	case errors.Is(err, io.EOF) && s.end == size:
		return s, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errUnended
	case !errors.Is(err, errSyntax) && !errors.Is(err, errBadSum) && !errors.Is(err, errBadMark):
		return s, err
	}
	s.broken, s.brokenAt = err, in.at
	return s, nil
}

// head reads the first command. A file that ends within it is an unfinished
// store.
func (s *scan) head(in *commandReader) error {
	whole := string(headCommand())
	if s.size < int64(len(whole)) {
		begin, err := io.ReadAll(in.r)
		switch {
		case err != nil:
			return err
		case !strings.HasPrefix(whole, string(begin)):
			return errNotStore
		}
		s.broken = errUnended
		return nil
	}
	c, err := in.next()
	switch {
	case errors.Is(err, errSyntax), errors.Is(err, io.ErrUnexpectedEOF):
		return errNotStore
	case err != nil:
		return err
	case !c.set || string(c.key) != headKey:
		return errNotStore
	}
	if err := checkHead(c.value); errors.Is(err, errBadSum) {
		s.broken = err
		return nil
	} else if err != nil {
		return err
	}
	s.end = in.at
	return nil
}

// checkpoints reads on until something is wrong, or to the end: io.EOF.
func (s *scan) checkpoints(in *commandReader) error {
	var since, want tally // since the end of the last whole checkpoint
	var found mark
	for {
		c, err := in.next()
		if err != nil {
			return err
		}
		m, err := c.count(&since)
		if err != nil {
			return err
		}
		if m.number > 0 && m.start == s.end {
			found, want = m, m.others
			want.set(string(c.value))
		}
		if found.number > 0 && since == want {
			s.end, s.last = in.at, found
			since, found = tally{}, mark{}
		}
	}
}

// command is one command of the file. Its slices are valid until the next.
type command struct {
	set        bool // not del
	key, value []byte
}

// count checks the command and adds it to t. If it is a mark, it returns it.
func (c *command) count(t *tally) (m mark, err error) {
	isMark := string(c.key) == markKey
	switch {
	case !isMark && !bytes.HasPrefix(c.key, []byte(recordPrefix)), isMark && !c.set:
		return mark{}, errSyntax
	case !c.set:
		t.remove(string(c.key))
		return mark{}, nil
	}
	if isMark {
		m, err = unsealMark(c.value)
	} else {
		_, err = unseal(string(c.key), c.value)
	}
	if err == nil {
		t.set(string(c.value))
	}
	return m, err
}

// commandReader reads the commands of a file, in the one way in which buntdb
// writes them.
type commandReader struct {
	r    *bufio.Reader
	at   int64 // behind the last command
	left int64 // bytes that the file still has
	buf  []byte
}

// next returns the next command. The error is io.EOF at the end of the file,
// io.ErrUnexpectedEOF when it ends within a command, errSyntax, or what
// reading failed with.
func (in *commandReader) next() (command, error) {
	if in.left == 0 {
		return command{}, io.EOF
	}
	before := in.left
	words, err := in.number('*')
	if err != nil {
		return command{}, err
	}
	if words != 2 && words != 3 {
		return command{}, errSyntax
	}
	in.buf = in.buf[:0]
	var ends [3]int
	for i := range words {
		if err := in.word(); err != nil {
			return command{}, err
		}
		ends[i] = len(in.buf)
	}
	verb := string(in.buf[:ends[0]])
	c := command{set: words == 3, key: in.buf[ends[0]:ends[1]:ends[1]]}
	if c.set {
		c.value = in.buf[ends[1]:ends[2]:ends[2]]
	}
	if c.set && verb != "set" || !c.set && verb != "del" {
		return command{}, errSyntax
	}
	in.at += before - in.left
	return c, nil
}

// number reads a line such as "$12".
func (in *commandReader) number(sign byte) (int64, error) {
	if err := in.expect(sign); err != nil {
		return 0, err
	}
	var n int64
	for i := 0; ; i++ {
		c, err := in.byte()
		switch {
		case err != nil:
			return 0, err
		case c == '\r' && i > 0:
			return n, in.expect('\n')
		case c < '0' || c > '9' || i > 15:
			return 0, errSyntax
		}
		n = 10*n + int64(c-'0')
	}
}

// word appends the next word to buf.
func (in *commandReader) word() error {
	n, err := in.number('$')
	if err != nil {
		return err
	}
	if n > in.left {
		return io.ErrUnexpectedEOF
	}
	in.left -= n
	start := len(in.buf)
	in.buf = append(in.buf, make([]byte, n)...)
	if _, err := io.ReadFull(in.r, in.buf[start:]); err != nil {
		return fmt.Errorf("cannot read: %w", err)
	}
	if err := in.expect('\r'); err != nil {
		return err
	}
	return in.expect('\n')
}

func (in *commandReader) expect(want byte) error {
	c, err := in.byte()
	if err == nil && c != want {
		err = errSyntax
	}
	return err
}

func (in *commandReader) byte() (byte, error) {
	if in.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	c, err := in.r.ReadByte()
	if err != nil {
		return 0, fmt.Errorf("cannot read: %w", err)
	}
	in.left--
	return c, nil
}

// lastMark finds the last mark in what is not whole, to tell what is lost. Its
// number is 0 if there is none.
func lastMark(r io.Reader) (last mark, err error) {
	begin := []byte("3\r\n$3\r\nset\r\n$1\r\n" + markKey + "\r\n$")
	in := bufio.NewReaderSize(r, 1<<16)
	for {
		switch _, err := in.ReadSlice('*'); {
		case errors.Is(err, io.EOF):
			return last, nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return mark{}, err
		}
		ahead, _ := in.Peek(128) // longer than the command of any mark
		rest, ok := bytes.CutPrefix(ahead, begin)
		if !ok {
			continue
		}
		length, value, _ := bytes.Cut(rest, []byte("\r\n"))
		n, err := strconv.Atoi(string(length))
		if err != nil || n < 0 || n > len(value) {
			continue
		}
		if m, err := unsealMark(value[:n]); err == nil {
			last = m
		}
	}
}
