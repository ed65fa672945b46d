package graphite

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"tocsin/plugins/carbon"
)

// maxFrame bounds a pickle. It is what carbon takes
// (MetricPickleReceiver.MAX_LENGTH).
const maxFrame = 1 << 20

var (
	errNotPoints = errors.New("the pickle is not a list of points")
	errNotPoint  = errors.New("the point is not of the form (name, (time, value))")
)

// readFrames reads pickles until r ends: each a length of four bytes,
// big-endian, and a list of points (name, (time, value)). A pickle that cannot be
// read costs only itself. A frame that is too long ends the connection, for
// what follows cannot be told from the rest of it.
//
// The format is that of carbon's MetricPickleReceiver
// (https://graphite.readthedocs.io/en/stable/feeding-carbon.html).
func readFrames(r io.Reader, f *feed) error {
	in := bufio.NewReaderSize(r, minBuffer)
	var frame bytes.Buffer
	var u unpickler
	for {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return f.end(nil, err)
		}
		size := int64(binary.BigEndian.Uint32(head[:]))
		if size > maxFrame {
			f.counters.oversized.Inc()
			return fmt.Errorf("a frame has %d bytes, more than %d", size, maxFrame)
		}
		// The buffer grows with what comes, not with what is announced.
		frame.Reset()
		if _, err := io.CopyN(&frame, in, size); err != nil {
			return f.end(nil, io.ErrUnexpectedEOF)
		}
		f.counters.bytes.Add(len(head) + int(size))
		err := f.frame(&u, frame.Bytes())
		if err == nil && in.Buffered() == 0 {
			err = f.flush()
		}
		if err != nil {
			return err
		}
	}
}

// frame takes the points of one pickle. The error is that of send.
func (f *feed) frame(u *unpickler, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	list, err := u.load(data)
	points, ok := u.elements(list)
	if err == nil && !ok {
		err = errNotPoints
	}
	if err != nil {
		f.counters.frames.Inc()
		f.log.warn("bad pickle", f.sender, data, err)
		return nil
	}
	for _, v := range points {
		p, err := u.point(v)
		if err != nil {
			f.bad(p.Name, err)
			continue
		}
		if err := f.add(p); err != nil {
			return err
		}
	}
	return f.resolve()
}

// point reads (name, (time, value)). When there is an error, the point may have
// a name all the same.
func (u *unpickler) point(v picked) (carbon.Point, error) {
	var p carbon.Point
	pair, _ := u.elements(v)
	if len(pair) != 2 || pair[0].kind != pickedText {
		return p, errNotPoint
	}
	p.Name = u.text(pair[0])
	datum, _ := u.elements(pair[1])
	if len(datum) != 2 {
		return p, errNotPoint
	}
	when, err := u.float(datum[0])
	if err != nil {
		return p, carbon.ErrBadTime
	}
	if p.Value, err = u.float(datum[1]); err != nil {
		return p, err
	}
	p.Time, p.HasTime, err = carbon.TimeOf(when)
	return p, err
}

// float returns a number, or a text that reads as one, as carbon takes it too.
func (u *unpickler) float(v picked) (float64, error) {
	switch v.kind {
	case pickedText:
		return carbon.ParseFloat(u.text(v))
	case pickedNumber:
		if math.IsNaN(v.number) {
			return 0, carbon.ErrNaN
		}
		if math.IsInf(v.number, 0) {
			return 0, carbon.ErrBadValue
		}
		return v.number, nil
	}
	return 0, carbon.ErrBadValue
}
