package graphite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"tocsin/plugins/carbon"
)

func TestPickleProtocols(t *testing.T) {
	want := []string{
		"shop.app.app1.http 1 at 1700000000000000000",
		"shop.app.app1.latency 0.054 at 1700000000250000000",
		"shop.app.app2.http -3 now",
		"shop.app.app3.http 300 at 1700000000000000000",
		"größe.€.🔔.back\\slash 70000 at 1700000000000000000",
		"large 1.1805916207174113e+21 at 1700000000000000000",
		"small -1.099511627776e+12 at 1700000000000000000",
		"text 12.5 at 1700000000000000000",
		"true 1 at 1700000000000000000",
		"none: " + carbon.ErrBadValue.Error(),
		"nan: " + carbon.ErrNaN.Error(),
		"three: " + errNotPoint.Error(),
		"last 1e+300 at 1700000000000000000",
	}
	for protocol := range 6 {
		data := readTestdata(t, fmt.Sprintf("points.%d.pickle", protocol))
		got := describe(t, data)
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("protocol %d: got\n%s\nwant\n%s", protocol, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// describe loads a pickle and writes each of its points as text.
func describe(t *testing.T, data []byte) []string {
	t.Helper()
	var u unpickler
	list, err := u.load(data)
	if err != nil {
		t.Error(err)
		return nil
	}
	points, _ := u.elements(list)
	var out []string
	for _, v := range points {
		p, err := u.point(v)
		switch {
		case err != nil:
			out = append(out, fmt.Sprintf("%s: %v", p.Name, err))
		case p.HasTime:
			out = append(out, fmt.Sprintf("%s %v at %d", p.Name, p.Value, p.Time))
		default:
			out = append(out, fmt.Sprintf("%s %v now", p.Name, p.Value))
		}
	}
	return out
}

func TestPickleOfCarbonRelay(t *testing.T) {
	data := readTestdata(t, "carbon-relay.pickle")
	if size := binary.BigEndian.Uint32(data); int(size) != len(data)-4 {
		t.Fatalf("the frame has %d bytes, its head says %d", len(data)-4, size)
	}
	got := describe(t, data[4:])
	if len(got) != 246 {
		t.Fatalf("got %d points, want 246", len(got))
	}
	if want := "graph_example_net.load.load.shortterm 1.28076171875 at 1795157101000000000"; got[0] != want {
		t.Errorf("first: got %q, want %q", got[0], want)
	}
	if want := "graph_example_net.interface-eth0.if_dropped.tx 0 at 1795157105000000000"; got[245] != want {
		t.Errorf("last: got %q, want %q", got[245], want)
	}
}

// TestPickleOpcodes has what Python's pickler does not write any more, or only
// for other data.
func TestPickleOpcodes(t *testing.T) {
	f := func(pickle, want string) {
		t.Helper()
		if got := strings.Join(describe(t, []byte(pickle)), ","); got != want {
			t.Errorf("%q: got %q, want %q", pickle, got, want)
		}
	}
	f("(lp0\n(S'a.b'\np1\n(I7\nF2.5\ntp2\ntp3\na.", "a.b 2.5 at 7000000000")           // Python 2, protocol 0
	f("(l(S\"a'\\x41\\\\\"\n(I7\nI01\ntta.", `a'A\ 1 at 7000000000`)                   // quotes, escapes, true
	f("(l(Va\\u0041\\U00000042\xe4\\x\n(L7L\nF1e3\ntta.", `aABä\x 1000 at 7000000000`) // unicode
	f("](T\x01\x00\x00\x00a(K\x07J\xff\xff\xff\xfftta.", "a -1 at 7000000000")
	f("]((U\x01a(K\x07M\x00\x01tt(U\x01b(K\x07\x89tte.", "a 256 at 7000000000,b 0 at 7000000000")
	f("]B\x01\x00\x00\x00aK\x07\x8a\x00\x86\x86a.", "a 0 at 7000000000")
	f("]C\x01aK\x07\x8b\x02\x00\x00\x00\xff\xff\x86\x86a.", "a -1 at 7000000000")
	f("]\x8e\x01\x00\x00\x00\x00\x00\x00\x00aK\x07\x8a\x01\x80\x86\x86a.", "a -128 at 7000000000")
	f("]\x8c\x01a\x94K\x07K\x01\x86\x94\x86ah\x00h\x01\x86ag1\n0.", "a 1 at 7000000000,a 1 at 7000000000") // memo, POP
	f("]K\x010((K\x010K\x0210(1.", "")                                                                     // POP a mark, POP_MARK
	f("]C\x01aK\x072\x86\x86a.", "a 7 at 7000000000")                                                      // DUP
	f("]((C\x01a(K\x07K\x01ll)\x85e.", "a 1 at 7000000000,: the point is not of the form (name, (time, value))")
	f("](K\x01NK\x01\x85e.", strings.Repeat(","+": the point is not of the form (name, (time, value))", 3)[1:])
	f(").", "")
}

func TestPickle_Refused(t *testing.T) {
	f := func(pickle, want string) {
		t.Helper()
		var u unpickler
		if v, err := u.load([]byte(pickle)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v and error %v, want %q", pickle, v, err, want)
		}
	}
	f("cos\nsystem\n(S'echo'\ntR.", "opcode GLOBAL")
	f("(S'echo'\nios\nsystem\n.", "opcode INST")
	f("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R.", "opcode STACK_GLOBAL")
	f("N)R.", "opcode REDUCE")
	f("NNb.", "opcode BUILD")
	f("(No.", "opcode OBJ")
	f("P1\n.", "opcode PERSID")
	f("NQ.", "opcode BINPERSID")
	f("N)\x81.", "opcode NEWOBJ;")
	f("N)}\x92.", "opcode EMPTY_DICT")
	f("N))\x92.", "opcode NEWOBJ_EX")
	f("\x82\x01.", "opcode EXT1")
	f("\x97.", "opcode NEXT_BUFFER")
	f("\xff.", "unknown opcode 0xff")
	f("\x80\x06.", errPickleProtocol.Error())
	f("", errPickleShort.Error())
	f("]", errPickleShort.Error())
	f("I7", errPickleShort.Error())
	f("X\xff\xff\xff\xffa.", errPickleShort.Error())
	f("\x8d\xff\xff\xff\xff\xff\xff\xff\xffa.", errPickleShort.Error())
	f("G\x00.", errPickleShort.Error())
	f(".", errPickleStack.Error())
	f("0.", errPickleStack.Error())
	f("2.", errPickleStack.Error())
	f("K\x01\x86.", errPickleStack.Error())
	f("K\x01(\x85.", errPickleStack.Error())
	f("p0\n.", errPickleStack.Error())
	f("a.", errPickleStack.Error())
	f("t.", errPickleMark.Error())
	f("1.", errPickleMark.Error())
	f("h\x00.", errPickleMemo.Error())
	f("Nq\x05h\x04.", errPickleMemo.Error())
	f("g-1\n.", errPickleNumber.Error())
	f("Ix\n.", errPickleNumber.Error())
	f("L"+strings.Repeat("9", 200)+"L\n.", errPickleNumber.Error())
	f("\x8b\xff\xff\xff\x7f.", errPickleNumber.Error())
	f("S'a\n.", errPickleText.Error())
	f("S'\\q'\n.", errPickleText.Error())
	f("S'\\x4'\n.", errPickleText.Error())
	f("V\\u12\n.", errPickleText.Error())
	f("NNa.", errPickleAppend.Error())
	f("N(Ne.", errPickleAppend.Error())
	f("Nr\xff\xff\xff\xff.", errPickleLarge.Error())
	f(strings.Repeat("N", maxPickleStack+1)+".", errPickleLarge.Error())
	f(strings.Repeat("(", maxPickleStack+1)+".", errPickleLarge.Error())
	f(strings.Repeat("]0", maxPickleItems+1)+".", errPickleLarge.Error())
	f(strings.Repeat("NNN\x870", maxPickleItems/3+1)+".", errPickleLarge.Error())
	f("N"+strings.Repeat("\x94", maxPickleMemo+1)+".", errPickleLarge.Error())
}

func TestPickleListInItself(t *testing.T) {
	var u unpickler
	v, err := u.load([]byte("]q\x00h\x00a."))
	if err != nil {
		t.Fatal(err)
	}
	points, ok := u.elements(v)
	if !ok || len(points) != 1 {
		t.Fatalf("got %v, want a list of one", points)
	}
	if _, err := u.point(points[0]); err != errNotPoint {
		t.Errorf("got error %v, want %v", err, errNotPoint)
	}
}

func FuzzPickle(f *testing.F) {
	for protocol := range 6 {
		f.Add(readTestdata(f, fmt.Sprintf("points.%d.pickle", protocol)))
	}
	f.Add([]byte("]q\x00h\x00a."))
	f.Add([]byte("(lp0\n(S'a\\x41'\np1\n(I7\nF2.5\ntp2\ntp3\na."))
	f.Add([]byte("cos\nsystem\n(S'echo'\ntR."))
	var used unpickler
	f.Fuzz(func(t *testing.T, data []byte) {
		var fresh unpickler
		v, err := fresh.load(data)
		again, againErr := used.load(data)
		if (err == nil) != (againErr == nil) {
			t.Fatalf("fresh: %v, used: %v", err, againErr)
		}
		if err != nil {
			return
		}
		points, _ := fresh.elements(v)
		samePoints, _ := used.elements(again)
		if len(points) != len(samePoints) {
			t.Fatalf("fresh: %d points, used: %d", len(points), len(samePoints))
		}
		for i := range points {
			p, err := fresh.point(points[i])
			q, _ := used.point(samePoints[i])
			if !bytes.Equal(p.Name, q.Name) || math.Float64bits(p.Value) != math.Float64bits(q.Value) {
				t.Fatalf("fresh: %v, used: %v", p, q)
			}
			if err == nil && (math.IsNaN(p.Value) || math.IsInf(p.Value, 0)) {
				t.Fatalf("the value is %v", p.Value)
			}
		}
	})
}
