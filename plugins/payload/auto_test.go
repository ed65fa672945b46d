package payload

import (
	"bytes"
	"strings"
	"testing"
)

func TestAuto(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		if got := tell([]byte(value)); got != want {
			t.Errorf("%.60q is told as %s, want %s", value, got, want)
		}
	}
	f("", "graphite")
	f(" {}", "json")
	f("\ufeff\r\n[{\"host\":\"a\"}]", "json")
	f("[]", "json")
	f(`[{"host":"a","values":"1"}]`, "json")
	f(` [ { "values":[1]}]`, "collectd")
	f("putval h/p/t N:1", "collectd")
	f("putvalue 1 1700000000", "graphite")
	f("*22 1 1700000000\n", "graphite")
	f("200.count 1 1700000000\n", "graphite")
	f("\x10\x01", "riemann")
	f("\x32\x00", "riemann")
	// As many bytes behind the 2 and the next one as that says.
	for c := byte('.'); c <= 'z'; c++ {
		head, tail := "2"+string(c)+"x.requests.frontend1.", " 1 1700000000\n"
		if pad := int(c) + 2 - len(head) - len(tail); pad >= 0 {
			f(head+strings.Repeat("a", pad)+tail, "graphite")
		}
	}
	for _, data := range recordedMsgs(t) {
		f(string(data), "riemann")
	}
	for list := range bytes.Lines(readTestdata(t, "collectd.jsonl")) {
		f(string(list), "collectd")
	}
	f(string(readTestdata(t, "command.txt")), "collectd")
	f(string(readTestdata(t, "graphite.txt")), "graphite")

	run(t, newTestDecoder(t, "auto", Options{}), []decodeCase{
		{value: `{"host":"a"}`, events: []string{`{"host":"a"}`}},
		{value: "[" + cpuList + "]", events: []string{cpuEvent}},
		{value: "x 1\n", events: []string{`{"service":"x","metric":1}`}},
		{value: "\x32\x03\x22\x01a", events: []string{`{"host":"a"}`}},
		{value: "\x00\x01", bad: 1, reason: "line 1"},
	})
}

func FuzzAuto(f *testing.F) {
	f.Add([]byte("x 1"))
	f.Add([]byte("\x32\x03\x22\x01a"))
	f.Add([]byte(" [ {\"values\":[1]}]"))
	fuzzFormat(f, "auto")
}
