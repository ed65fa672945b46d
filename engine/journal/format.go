package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/s2"

	"tocsin/engine"
)

const (
	magic   = "tocsin journal\n\x00"
	version = 1
	// suffix is that of a segment's name.
	suffix = ".journal"

	segmentHeadSize = len(magic) + 4 + 8 + 8 + 4
	blockHeadSize   = 4 + 4 + 4 + 4 + 8 + 4 + 4 + 8 + 8
	// maxBlock bounds a payload. A block is ended long before that, but one batch
	// is never divided: 512 events of a mebibyte are half of it.
	maxBlock = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrNewer says that a journal was written by a later version of the program, in
// a way that this one cannot read.
var ErrNewer = errors.New("the journal is of a newer version of the program")

var (
	errHead    = errors.New("it does not begin as a segment of a journal does")
	errPayload = errors.New("its payload is damaged")
)

// segmentHead is what a segment begins with.
type segmentHead struct {
	first uint64      // its batches have this number or a higher one
	now   engine.Time // the clock at its first batch
}

func (h segmentHead) append(buf []byte) []byte {
	start := len(buf)
	buf = append(buf, magic...)
	buf = binary.LittleEndian.AppendUint32(buf, version)
	buf = binary.LittleEndian.AppendUint64(buf, h.first)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(h.now))
	return binary.LittleEndian.AppendUint32(buf, crc32.Checksum(buf[start:], castagnoli))
}

// parseSegmentHead reads a head. Its checksum is the same in every version.
func parseSegmentHead(data []byte) (segmentHead, error) {
	const end = segmentHeadSize - 4
	if len(data) < segmentHeadSize || string(data[:len(magic)]) != magic ||
		crc32.Checksum(data[:end], castagnoli) != binary.LittleEndian.Uint32(data[end:]) {
		return segmentHead{}, errHead
	}
	data = data[len(magic):]
	switch v := binary.LittleEndian.Uint32(data); {
	case v > version:
		return segmentHead{}, fmt.Errorf("version %d, and this program reads %d: %w", v, version, ErrNewer)
	case v != version:
		return segmentHead{}, errHead
	}
	return segmentHead{
		first: binary.LittleEndian.Uint64(data[4:]),
		now:   engine.Time(binary.LittleEndian.Uint64(data[12:])),
	}, nil
}

// blockHead is what a block begins with, but for the checksums.
type blockHead struct {
	sum              uint32 // of the payload, as it is stored
	stored, unpacked uint32 // lengths of the payload
	first            uint64 // number of the first batch
	batches, events  uint32
	earliest, latest engine.Time
}

// last is the number of the last batch.
func (h *blockHead) last() uint64 { return h.first + uint64(h.batches) - 1 }

func (h *blockHead) put(buf []byte) {
	le := binary.LittleEndian
	le.PutUint32(buf[4:], h.sum)
	le.PutUint32(buf[8:], h.stored)
	le.PutUint32(buf[12:], h.unpacked)
	le.PutUint64(buf[16:], h.first)
	le.PutUint32(buf[24:], h.batches)
	le.PutUint32(buf[28:], h.events)
	le.PutUint64(buf[32:], uint64(h.earliest))
	le.PutUint64(buf[40:], uint64(h.latest))
	le.PutUint32(buf, crc32.Checksum(buf[4:blockHeadSize], castagnoli))
}

// parseBlockHead reads the first blockHeadSize bytes of a block. It returns false
// when they are none.
func parseBlockHead(data []byte) (h blockHead, ok bool) {
	le := binary.LittleEndian
	if crc32.Checksum(data[4:blockHeadSize], castagnoli) != le.Uint32(data) {
		return h, false
	}
	h = blockHead{
		sum: le.Uint32(data[4:]), stored: le.Uint32(data[8:]), unpacked: le.Uint32(data[12:]),
		first: le.Uint64(data[16:]), batches: le.Uint32(data[24:]), events: le.Uint32(data[28:]),
		earliest: engine.Time(le.Uint64(data[32:])), latest: engine.Time(le.Uint64(data[40:])),
	}
	return h, h.batches > 0 && h.stored <= maxBlock && h.unpacked <= maxBlock && h.stored <= h.unpacked
}

// block is a block whose payload is being collected.
type block struct {
	head    blockHead
	payload []byte
}

// add adds a batch, whose number follows that of the one before.
func (b *block) add(source string, at engine.Served, events []engine.Event) {
	h := &b.head
	if h.batches == 0 {
		h.first, h.earliest, h.latest = at.Position, at.Now, at.Now
		if len(events) > 0 {
			h.earliest, h.latest = events[0].Time, events[0].Time
		}
	}
	h.batches++
	h.events += uint32(len(events))
	b.payload = binary.AppendVarint(b.payload, int64(at.Now))
	b.payload = binary.AppendVarint(b.payload, int64(at.Downtime))
	b.payload = append(binary.AppendUvarint(b.payload, uint64(len(source))), source...)
	b.payload = binary.AppendUvarint(b.payload, uint64(len(events)))
	for i := range events {
		if i%touchAhead == 0 {
			touch(events[i:min(i+touchAhead, len(events))])
		}
		e := &events[i]
		h.earliest, h.latest = min(h.earliest, e.Time), max(h.latest, e.Time)
		b.payload = engine.AppendEvent(b.payload, e, at.Now)
	}
}

// touchAhead is how many events are touched before they are written.
const touchAhead = 16

// touch loads what writing the events will need, so that the processor fetches
// their cache lines side by side instead of one after the other.
func touch(events []engine.Event) (sum int) {
	for i := range events {
		sum += len(events[i].ID.Service)
	}
	for i := range events {
		id := events[i].ID
		if len(id.Host) > 0 {
			sum += int(id.Host[0])
		}
		if len(id.Service) > 0 {
			sum += int(id.Service[0])
		}
		sum += len(id.Labels.Tags)
	}
	return sum
}

// appendTo appends the block to buf and empties it.
func (b *block) appendTo(buf []byte) []byte {
	h := &b.head
	start, at := len(buf), len(buf)+blockHeadSize
	buf = slices.Grow(buf, blockHeadSize+s2.MaxEncodedLen(len(b.payload)))[:at]
	packed := s2.Encode(buf[at:cap(buf)], b.payload) // in place
	if len(packed) < len(b.payload) {
		buf = buf[:at+len(packed)]
	} else {
		buf = append(buf, b.payload...)
	}
	h.stored, h.unpacked = uint32(len(buf)-at), uint32(len(b.payload))
	h.sum = crc32.Checksum(buf[at:], castagnoli)
	h.put(buf[start:at])
	*b = block{payload: b.payload[:0]}
	if cap(b.payload) > 4*blockBytes { // of a batch of very long events
		b.payload = nil
	}
	return buf
}

// unpack returns the payload of a block as it was before it was packed, in buf if
// there is room.
func (h *blockHead) unpack(stored, buf []byte) ([]byte, error) {
	if h.stored == h.unpacked {
		return stored, nil
	}
	if n, err := s2.DecodedLen(stored); err != nil || n != int(h.unpacked) {
		return nil, errPayload
	}
	out, err := s2.Decode(buf[:cap(buf)], stored)
	if err != nil {
		return nil, errPayload
	}
	return out, nil
}
