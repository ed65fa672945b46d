package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"tocsin/engine"
)

// A store is a file of buntdb: a log of Redis commands, "set" and "del", which
// has no marks of where a transaction ends. What is kept in it:
//
//	!tocsin-store   the versions; always the first command of the file
//	+               the mark of the last checkpoint
//	:KEY            the record of KEY
//
// Behind each value stand four bytes, the CRC-32C of its key and of itself.
// Each checkpoint is one transaction, in no order, since buntdb has none. The
// mark among its commands says where in the file they begin, how many others
// there are, and what their checksums add up to: so the end of a whole one can
// be told. When buntdb shrinks the file, all is in the order of keys, an old
// mark first, which fits nothing; behind it comes a mark for all of that.
const (
	headKey      = "!tocsin-store"
	markKey      = "+"
	recordPrefix = ":"

	formatVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errBadSum  = errors.New("a checksum is wrong")
	errBadMark = errors.New("the mark of a checkpoint cannot be read")
)

// seal returns what is kept under key for a value: a copy.
func seal(key string, value []byte) string {
	var b strings.Builder
	b.Grow(len(value) + crc32.Size)
	b.Write(value)
	b.Write(binary.LittleEndian.AppendUint32(nil, checksum(key, value)))
	return b.String()
}

// unseal is the inverse of seal.
func unseal(key string, sealed []byte) (value []byte, err error) {
	end := len(sealed) - crc32.Size
	if end < 0 || checksum(key, sealed[:end]) != binary.LittleEndian.Uint32(sealed[end:]) {
		return nil, errBadSum
	}
	return sealed[:end], nil
}

// unsealed is unseal of what is known to be whole.
func unsealed(sealed string) string { return sealed[:len(sealed)-crc32.Size] }

func checksum(key string, value []byte) uint32 {
	sum := crc32.Update(0, castagnoli, []byte(key))
	return crc32.Update(sum, castagnoli, value)
}

// tally is what a mark knows of commands in any order.
type tally struct {
	count uint64
	sum   uint64
}

// set counts a command that sets a sealed value.
func (t *tally) set(sealed string) {
	t.count++
	t.sum += uint64(binary.LittleEndian.Uint32([]byte(sealed[len(sealed)-crc32.Size:])))
}

// remove counts a command that removes key.
func (t *tally) remove(key string) {
	t.count++
	t.sum += uint64(crc32.Checksum([]byte(key), castagnoli))<<16 + 1
}

// mark ends a checkpoint.
type mark struct {
	number  uint64    // of the checkpoint, from 1
	written time.Time // on the wall's clock
	start   int64     // in the file: the end of the checkpoint before
	others  tally     // the commands since then, this one left out
}

func (m mark) seal() string {
	var buf []byte
	for _, field := range []uint64{m.number, uint64(m.written.UnixNano()), uint64(m.start), m.others.count, m.others.sum} {
		buf = binary.AppendUvarint(buf, field)
	}
	return seal(markKey, buf)
}

func unsealMark(sealed []byte) (mark, error) {
	buf, err := unseal(markKey, sealed)
	if err != nil {
		return mark{}, err
	}
	var fields [5]uint64
	for i := range fields {
		field, n := binary.Uvarint(buf)
		if n <= 0 {
			return mark{}, errBadMark
		}
		fields[i], buf = field, buf[n:]
	}
	return mark{fields[0], time.Unix(0, int64(fields[1])), int64(fields[2]), tally{fields[3], fields[4]}}, nil
}

// headCommand is what each store begins with.
func headCommand() []byte { return appendSet(nil, headKey, sealedHead()) }

func sealedHead() string {
	return seal(headKey, fmt.Appendf(nil, "format %d records %d", formatVersion, engine.RecordsVersion))
}

// checkHead refuses the versions that this program cannot read.
func checkHead(sealed []byte) error {
	text, err := unseal(headKey, sealed)
	if err != nil {
		return err
	}
	var format, records int
	if _, err := fmt.Sscanf(string(text), "format %d records %d", &format, &records); err != nil {
		return fmt.Errorf("the versions cannot be read: %q", text)
	}
	if format > formatVersion || records > engine.RecordsVersion {
		return errNewer
	}
	return nil
}

// appendSet appends the command that sets a sealed value, as buntdb writes it.
func appendSet(buf []byte, key, sealed string) []byte {
	return appendWords(buf, "set", key, sealed)
}

func appendWords(buf []byte, words ...string) []byte {
	buf = strconv.AppendInt(append(buf, '*'), int64(len(words)), 10)
	for _, word := range words {
		buf = strconv.AppendInt(append(buf, "\r\n$"...), int64(len(word)), 10)
		buf = append(append(buf, "\r\n"...), word...)
	}
	return append(buf, "\r\n"...)
}

// setSize is the length of what appendSet appends.
func setSize(key, sealed string) int64 {
	const frame = len("*3\r\n$3\r\nset\r\n$\r\n\r\n$\r\n\r\n")
	return int64(frame + digits(len(key)) + len(key) + digits(len(sealed)) + len(sealed))
}

func digits(n int) int {
	d := 1
	for ; n >= 10; n /= 10 {
		d++
	}
	return d
}
