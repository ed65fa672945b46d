package graphite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Bounds on what one pickle can make. The largest frame full of points needs
// less.
const (
	maxPickleStack = 1 << 16
	maxPickleMemo  = 1 << 17
	maxPickleItems = 1 << 18
	maxPickleLong  = 128 // bytes of one whole number; a float64 has no more
)

var (
	errPickleShort    = errors.New("the pickle ends too early")
	errPickleStack    = errors.New("the pickle takes more than there is on its stack")
	errPickleMark     = errors.New("the pickle has no mark where one is needed")
	errPickleMemo     = errors.New("the pickle reads a memo that was not written")
	errPickleLarge    = errors.New("the pickle makes too many values")
	errPickleNumber   = errors.New("the pickle has a malformed number")
	errPickleText     = errors.New("the pickle has a malformed string")
	errPickleProtocol = errors.New("the pickle's protocol is not one of 0 to 5")
	errPickleAppend   = errors.New("the pickle appends to what is not a list")
)

// unpickler runs the part of Python's pickle machine that makes tuples, lists,
// strings and numbers. It knows no other opcodes, so there is none by which a
// pickle could name or call a function. It is reused from frame to frame.
//
// The opcodes are described in CPython's Lib/pickletools.py.
type unpickler struct {
	// data is the frame, and behind it texts that had to be decoded.
	data  []byte
	size  int // of the frame
	at    int
	stack []picked
	marks []int // heights of the stack
	memo  []picked
	items []picked   // of all tuples
	lists [][]picked // by number; a memo may share a list
}

type pickedKind uint8

const (
	pickedNone pickedKind = iota
	pickedNumber
	pickedText  // data[from:to]
	pickedTuple // items[from:to]
	pickedList  // lists[from]
	pickedUnset // a memo that was not written
)

// picked is one value. It has no pointers: the rest is in the unpickler.
type picked struct {
	kind     pickedKind
	from, to uint32
	number   float64
}

// load runs a pickle and returns its value, which is valid until the next
// load. frame is copied.
func (u *unpickler) load(frame []byte) (picked, error) {
	u.data = append(u.data[:0], frame...)
	u.size, u.at = len(frame), 0
	u.stack, u.marks, u.memo, u.items, u.lists = u.stack[:0], u.marks[:0], u.memo[:0], u.items[:0], u.lists[:0]
	for {
		op, err := u.take(1)
		if err != nil {
			return picked{}, err
		}
		if op[0] == '.' {
			return u.pop()
		}
		if err := u.step(op[0]); err != nil {
			return picked{}, err
		}
		if len(u.stack) > maxPickleStack || len(u.items) > maxPickleItems || len(u.lists) > maxPickleItems || len(u.marks) > maxPickleStack {
			return picked{}, errPickleLarge
		}
	}
}

// text returns the bytes of a text.
func (u *unpickler) text(v picked) []byte { return u.data[v.from:v.to] }

// elements returns what is in a tuple or a list.
func (u *unpickler) elements(v picked) ([]picked, bool) {
	switch v.kind {
	case pickedTuple:
		return u.items[v.from:v.to], true
	case pickedList:
		return u.lists[v.from], true
	}
	return nil, false
}

// step runs one opcode.
func (u *unpickler) step(op byte) error {
	switch op {
	case '(', '0', '1', '2', 0x80, 0x95: // MARK POP POP_MARK DUP PROTO FRAME
		return u.stackOp(op)
	case 'p', 'q', 'r', 'g', 'h', 'j', 0x94: // PUT BINPUT LONG_BINPUT GET BINGET LONG_BINGET MEMOIZE
		return u.memoOp(op)
	case 't', 'l', ')', ']', 'a', 'e', 0x85, 0x86, 0x87: // TUPLE LIST EMPTY_TUPLE EMPTY_LIST APPEND APPENDS TUPLE1 TUPLE2 TUPLE3
		return u.collectionOp(op)
	case 'S', 'V', 'T', 'U', 'X', 'B', 'C', 0x8c, 0x8d, 0x8e: // the strings
		return u.textOp(op)
	case 'N': // NONE
		return u.push(picked{kind: pickedNone})
	}
	return u.numberOp(op)
}

func (u *unpickler) stackOp(op byte) (err error) {
	switch op {
	case '(': // MARK
		u.marks = append(u.marks, len(u.stack))
	case '0': // POP
		if n := len(u.marks); n > 0 && u.marks[n-1] == len(u.stack) {
			u.marks = u.marks[:n-1]
			return nil
		}
		_, err = u.pop()
	case '1': // POP_MARK
		_, err = u.popMark()
	case '2': // DUP
		top, err := u.popN(1)
		if err != nil {
			return err
		}
		v := top[0]
		u.push(v)
		return u.push(v)
	case 0x80: // PROTO
		b, err := u.take(1)
		if err == nil && b[0] > 5 {
			return errPickleProtocol
		}
		return err
	case 0x95: // FRAME: its length helps readers of streams only
		_, err = u.take(8)
	}
	return err
}

func (u *unpickler) memoOp(op byte) error {
	var index uint64
	var err error
	switch op {
	case 'p', 'g': // PUT GET
		var line []byte
		if line, err = u.line(); err == nil {
			if index, err = strconv.ParseUint(string(line), 10, 32); err != nil {
				err = errPickleNumber
			}
		}
	case 'q', 'h': // BINPUT BINGET
		index, err = u.uint(1)
	case 'r', 'j': // LONG_BINPUT LONG_BINGET
		index, err = u.uint(4)
	case 0x94: // MEMOIZE
		index = uint64(len(u.memo))
	}
	if err != nil {
		return err
	}
	if op == 'g' || op == 'h' || op == 'j' {
		if index >= uint64(len(u.memo)) || u.memo[index].kind == pickedUnset {
			return errPickleMemo
		}
		return u.push(u.memo[index])
	}
	if index >= maxPickleMemo {
		return errPickleLarge
	}
	if len(u.stack) == 0 {
		return errPickleStack
	}
	for uint64(len(u.memo)) <= index {
		u.memo = append(u.memo, picked{kind: pickedUnset})
	}
	u.memo[index] = u.stack[len(u.stack)-1]
	return nil
}

func (u *unpickler) collectionOp(op byte) error {
	switch op {
	case ')': // EMPTY_TUPLE
		return u.tuple(nil)
	case 0x85, 0x86, 0x87: // TUPLE1 TUPLE2 TUPLE3
		items, err := u.popN(int(op - 0x84))
		if err != nil {
			return err
		}
		return u.tuple(items)
	case ']': // EMPTY_LIST
		return u.list(nil)
	case 'a': // APPEND
		items, err := u.popN(1)
		if err != nil {
			return err
		}
		return u.append(items)
	}
	items, err := u.popMark()
	if err != nil {
		return err
	}
	switch op {
	case 't': // TUPLE
		return u.tuple(items)
	case 'l': // LIST
		return u.list(items)
	}
	return u.append(items) // APPENDS
}

func (u *unpickler) tuple(items []picked) error {
	from := len(u.items)
	u.items = append(u.items, items...)
	return u.push(picked{kind: pickedTuple, from: uint32(from), to: uint32(len(u.items))})
}

func (u *unpickler) list(items []picked) error {
	n := len(u.lists)
	if n < cap(u.lists) {
		u.lists = u.lists[:n+1]
	} else {
		u.lists = append(u.lists, nil)
	}
	u.lists[n] = append(u.lists[n][:0], items...)
	return u.push(picked{kind: pickedList, from: uint32(n)})
}

func (u *unpickler) append(items []picked) error {
	if len(u.stack) == 0 || u.stack[len(u.stack)-1].kind != pickedList {
		return errPickleAppend
	}
	l := &u.lists[u.stack[len(u.stack)-1].from]
	*l = append(*l, items...)
	return nil
}

func (u *unpickler) textOp(op byte) error {
	width := 0
	switch op {
	case 'S', 'V': // STRING UNICODE
		line, err := u.line()
		if err != nil {
			return err
		}
		return u.decodedText(op, line)
	case 'U', 'C', 0x8c: // SHORT_BINSTRING SHORT_BINBYTES SHORT_BINUNICODE
		width = 1
	case 'T', 'X', 'B': // BINSTRING BINUNICODE BINBYTES
		width = 4
	default: // BINUNICODE8 BINBYTES8
		width = 8
	}
	n, err := u.uint(width)
	if err != nil {
		return err
	}
	if n > uint64(u.size-u.at) {
		return errPickleShort
	}
	from := u.at
	u.at += int(n)
	return u.push(picked{kind: pickedText, from: uint32(from), to: uint32(u.at)})
}

func (u *unpickler) numberOp(op byte) error {
	var n uint64
	var err error
	switch op {
	case 'K': // BININT1
		n, err = u.uint(1)
	case 'M': // BININT2
		n, err = u.uint(2)
	case 'J': // BININT
		n, err = u.uint(4)
		n = uint64(int64(int32(n)))
	case 'G': // BINFLOAT
		b, err := u.take(8)
		if err != nil {
			return err
		}
		return u.number(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case 0x88, 0x89: // NEWTRUE NEWFALSE
		n = uint64(0x89 - op)
	case 'F', 'I', 'L': // FLOAT INT LONG
		line, err := u.line()
		if err != nil {
			return err
		}
		return u.decimal(op, line)
	case 0x8a, 0x8b: // LONG1 LONG4
		return u.long(op)
	default:
		return refused(op)
	}
	if err != nil {
		return err
	}
	return u.number(float64(int64(n)))
}

func (u *unpickler) number(f float64) error {
	return u.push(picked{kind: pickedNumber, number: f})
}

// refused names the opcode that the unpickler does not run.
func refused(op byte) error {
	name, ok := map[byte]string{
		'c': "GLOBAL", 'R': "REDUCE", 'b': "BUILD", 'i': "INST", 'o': "OBJ", 'P': "PERSID", 'Q': "BINPERSID",
		0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x92: "NEWOBJ_EX", 0x93: "STACK_GLOBAL",
		'd': "DICT", '}': "EMPTY_DICT", 's': "SETITEM", 'u': "SETITEMS",
		0x8f: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET",
		0x96: "BYTEARRAY8", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
	}[op]
	if !ok {
		return fmt.Errorf("the pickle has an unknown opcode 0x%02x", op)
	}
	return fmt.Errorf("the pickle has opcode %s; only tuples, lists, strings and numbers are taken", name)
}
