package graphite

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/carbon"
)

func init() {
	plugins.RegisterRecording(plugins.Recording{
		Name:  "graphite",
		Sniff: func(head []byte) bool { return isLines(head) || isFrames(head) },
		Read:  readRecording,
	})
}

// isLines reports whether the first line that is not blank is one of plaintext.
// A gap (nan) is one, too.
func isLines(head []byte) bool {
	for line := range bytes.Lines(head) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		_, err := carbon.ParseLine(line)
		return err == nil || errors.Is(err, carbon.ErrNaN)
	}
	return false
}

// isFrames reports whether head begins with the length of a pickle and what a
// list or tuple of points begins with, in any of Python's protocols.
func isFrames(head []byte) bool {
	const least = 4 + 2
	if len(head) < least || binary.BigEndian.Uint32(head) < 2 || binary.BigEndian.Uint32(head) > maxFrame {
		return false
	}
	switch first, second := head[4], head[5]; first {
	case 0x80: // PROTO
		return 2 <= second && second <= 5
	case '(': // MARK
		return second == 'l' || second == 't' || second == '('
	case ']': // EMPTY_LIST
		return second == 'q' || second == '('
	}
	return false
}

// readRecording makes events of recorded lines or pickles. Names mean what the
// templates of the configuration's source say.
func readRecording(in io.Reader, env plugins.RecordingEnv) error {
	naming, err := carbon.NewNaming(nil)
	if err != nil {
		return err
	}
	if s, ok := env.Source.(*Source); ok {
		naming = s.naming
	}
	buffered := bufio.NewReaderSize(in, minBuffer)
	r := NewReader(buffered, naming, env.Identities)
	if head, _ := buffered.Peek(plugins.SniffLen); !isLines(head) && isFrames(head) {
		return r.readFrames(env)
	}
	return r.readLines(env)
}

func (r *Reader) readLines(env plugins.RecordingEnv) error {
	var e engine.Event // one for all, since Emit makes it escape
	for {
		var err error
		if e, err = r.Next(); err == nil {
			err = env.Emit(&e)
		} else if err == io.EOF {
			return nil
		} else if _, ok := errors.AsType[*LineError](err); ok {
			env.Skipped(err)
			continue
		}
		if err != nil {
			return err
		}
	}
}

// readFrames reads what a sender of pickles sent, byte for byte: see readFrames
// of a connection.
func (r *Reader) readFrames(env plugins.RecordingEnv) error {
	var frame bytes.Buffer
	var u unpickler
	for number := 1; ; number++ {
		err := nextFrame(r.in, &frame)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("pickle %d: %w", number, err)
		}
		if frame.Len() == 0 {
			continue
		}
		if err := r.readPoints(&u, frame.Bytes(), number, env); err != nil {
			return err
		}
	}
}

// nextFrame reads the next pickle into frame. At the end of the recording the
// error is io.EOF.
func nextFrame(in io.Reader, frame *bytes.Buffer) error {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err == io.EOF {
		return err
	} else if err != nil {
		return fmt.Errorf("cannot read its length: %w", err)
	}
	size := int64(binary.BigEndian.Uint32(head[:]))
	if size > maxFrame {
		return fmt.Errorf("cannot read a frame of %d bytes: it has at most %d", size, maxFrame)
	}
	frame.Reset()
	if n, err := io.CopyN(frame, in, size); err == io.EOF {
		return fmt.Errorf("cannot read its %d bytes: it ends after %d", size, n)
	} else if err != nil {
		return fmt.Errorf("cannot read its %d bytes: %w", size, err)
	}
	return nil
}

// readPoints makes events of one pickle. The error is that of Emit.
func (r *Reader) readPoints(u *unpickler, data []byte, number int, env plugins.RecordingEnv) error {
	list, err := u.load(data)
	points, ok := u.elements(list)
	if err == nil && !ok {
		err = errNotPoints
	}
	if err != nil {
		env.Skipped(fmt.Errorf("pickle %d: %w", number, err))
		return nil
	}
	var e engine.Event
	for i, v := range points {
		p, err := u.point(v)
		if err == nil {
			e, err = r.eventOf(p)
		}
		if err != nil {
			env.Skipped(fmt.Errorf("pickle %d, point %d: %w", number, i+1, err))
			continue
		}
		if err := env.Emit(&e); err != nil {
			return err
		}
	}
	return nil
}
