package graphite

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// take returns the next n bytes of the frame.
func (u *unpickler) take(n int) ([]byte, error) {
	if n > u.size-u.at {
		return nil, errPickleShort
	}
	b := u.data[u.at : u.at+n]
	u.at += n
	return b, nil
}

// line returns what comes before the next LF, which opcodes of protocol 0 end
// with.
func (u *unpickler) line() ([]byte, error) {
	n := bytes.IndexByte(u.data[u.at:u.size], '\n')
	if n < 0 {
		return nil, errPickleShort
	}
	b := u.data[u.at : u.at+n]
	u.at += n + 1
	return bytes.TrimSuffix(b, []byte("\r")), nil
}

// uint reads a little-endian number of 1, 2, 4 or 8 bytes.
func (u *unpickler) uint(width int) (uint64, error) {
	b, err := u.take(width)
	if err != nil {
		return 0, err
	}
	switch width {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(binary.LittleEndian.Uint16(b)), nil
	case 4:
		return uint64(binary.LittleEndian.Uint32(b)), nil
	}
	return binary.LittleEndian.Uint64(b), nil
}

// push never fails; it returns an error so that an opcode can end with it.
func (u *unpickler) push(v picked) error {
	u.stack = append(u.stack, v)
	return nil
}

func (u *unpickler) pop() (picked, error) {
	top, err := u.popN(1)
	if err != nil {
		return picked{}, err
	}
	return top[0], nil
}

// popN takes the n topmost values, but none from below a mark. They stay in
// place until the next push.
func (u *unpickler) popN(n int) ([]picked, error) {
	floor := 0
	if m := len(u.marks); m > 0 {
		floor = u.marks[m-1]
	}
	height := len(u.stack) - n
	if height < floor {
		return nil, errPickleStack
	}
	top := u.stack[height:]
	u.stack = u.stack[:height]
	return top, nil
}

// popMark takes the values above the topmost mark, and the mark.
func (u *unpickler) popMark() ([]picked, error) {
	m := len(u.marks) - 1
	if m < 0 {
		return nil, errPickleMark
	}
	height := u.marks[m]
	u.marks = u.marks[:m]
	top := u.stack[height:]
	u.stack = u.stack[:height]
	return top, nil
}

// decimal pushes a number that is written out: F a float, I and L whole
// numbers, L with an "L" at the end. I01 and I00 are true and false.
func (u *unpickler) decimal(op byte, line []byte) error {
	if op == 'L' {
		line = bytes.TrimSuffix(line, []byte("L"))
	}
	if len(line) > maxPickleLong {
		return errPickleNumber
	}
	f, err := strconv.ParseFloat(string(line), 64)
	if err != nil {
		return errPickleNumber
	}
	return u.number(f)
}

// long reads a whole number of any length, in two's complement.
func (u *unpickler) long(op byte) error {
	width := 1
	if op == 0x8b {
		width = 4
	}
	n, err := u.uint(width)
	if err != nil {
		return err
	}
	if n > maxPickleLong {
		return errPickleNumber
	}
	b, err := u.take(int(n))
	if err != nil {
		return err
	}
	if n == 0 {
		return u.number(0)
	}
	bigEndian := make([]byte, n)
	for i, c := range b {
		bigEndian[len(b)-1-i] = c
	}
	var i big.Int
	i.SetBytes(bigEndian)
	if bigEndian[0]&0x80 != 0 {
		i.Sub(&i, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	f, _ := new(big.Float).SetInt(&i).Float64()
	return u.number(f)
}

// decodedText pushes a text of protocol 0: S is a Python literal in quotes,
// V has \uXXXX, \UXXXXXXXX and, in some writers, other bytes as Latin-1.
func (u *unpickler) decodedText(op byte, line []byte) error {
	if op == 'S' {
		n := len(line)
		if n < 2 || line[0] != line[n-1] || line[0] != '\'' && line[0] != '"' {
			return errPickleText
		}
		line = line[1 : n-1]
	}
	from := len(u.data)
	for i := 0; i < len(line); {
		c := line[i]
		i++
		if c != '\\' {
			if op == 'V' && c >= utf8.RuneSelf {
				u.data = utf8.AppendRune(u.data, rune(c))
			} else {
				u.data = append(u.data, c)
			}
			continue
		}
		n, ok := u.escape(op, line[i:])
		if !ok {
			return errPickleText
		}
		i += n
	}
	if len(u.data) > math.MaxInt32 {
		return errPickleLarge
	}
	return u.push(picked{kind: pickedText, from: uint32(from), to: uint32(len(u.data))})
}

// escape appends what the escape behind a backslash stands for, and returns its
// length.
func (u *unpickler) escape(op byte, b []byte) (n int, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	hex := 0
	switch {
	case op == 'V' && b[0] == 'u':
		hex = 4
	case op == 'V' && b[0] == 'U':
		hex = 8
	case op == 'V':
		u.data = append(u.data, '\\') // raw-unicode-escape knows no others
		return 0, true
	case b[0] == 'x':
		hex = 2
	default:
		i := bytes.IndexByte([]byte(`\'"nrtabfv`), b[0])
		if i < 0 {
			return 0, false
		}
		u.data = append(u.data, "\\'\"\n\r\t\a\b\f\v"[i])
		return 1, true
	}
	if len(b) < 1+hex {
		return 0, false
	}
	code, err := strconv.ParseUint(string(b[1:1+hex]), 16, 32)
	if err != nil {
		return 0, false
	}
	if op == 'V' {
		u.data = utf8.AppendRune(u.data, rune(code))
	} else {
		u.data = append(u.data, byte(code))
	}
	return 1 + hex, true
}
