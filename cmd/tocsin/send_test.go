package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"tocsin/engine"
)

func TestSend(t *testing.T) {
	c, base := startRules(t, "")
	defer c.stop()
	r := runLine(t, "", "send", "--addr", base, "--host", "h", "--service", "s", "--state", "ok", "--metric", "-1.5", "--ttl", "600",
		"--description", "d, e", "--time", "2023-11-14T22:13:20Z", "--tag", "a,b", "--tag", "c", "--attr", "k=v;w", "--attr", "l=m=n")
	if r.code != exitOK || r.out+r.err != "" {
		t.Fatalf("got %+v", r)
	}
	r = runLine(t, "", "query", "--addr", strings.TrimPrefix(base, "http://"), "true")
	want := `{"host":"h","service":"s","state":"ok","description":"d, e","time":1700000000,"metric":-1.5,"ttl":600,"tags":["a,b","c"],"k":"v;w","l":"m=n"}` + "\n"
	if r.code != exitOK || r.out != want {
		t.Errorf("got\n%swant\n%s%s", r.out, want, r.err)
	}
}

func TestSendLines(t *testing.T) {
	c, base := startRules(t, "")
	defer c.stop()
	var lines strings.Builder
	for i := range 30000 {
		fmt.Fprintf(&lines, `{"host":"h%d","service":"s","metric":%d}`+"\n", i, i)
	}
	if r := runLine(t, lines.String(), "send", "--addr", base, "-"); r.code != exitOK || r.err != "" {
		t.Errorf("many lines: %+v", r)
	}
	if r := runLine(t, "", "query", "--addr", base, "service = 's'"); strings.Count(r.out, "\n") != 30000 {
		t.Errorf("%d of them are there", strings.Count(r.out, "\n"))
	}
	r := runLine(t, lines.String()+"bad\n"+`{"host":"last"}`, "send", "--addr", base, "-")
	if r.code != exitFailed || !strings.Contains(r.err, "line 30001: cannot read event") || !strings.Contains(r.err, "30001 events were taken, 1 lines refused") {
		t.Errorf("a bad line: code %d, %s", r.code, r.err)
	}
	long := `{"host":"` + strings.Repeat("x", engine.MaxJSONBytes) + `"}`
	if r := runLine(t, long, "send", "--addr", base, "-"); r.code != exitFailed || !strings.Contains(r.err, "line 1") {
		t.Errorf("a long line: code %d, %s", r.code, r.err)
	}
	if r := runLine(t, "", "send", "--addr", base, "-"); r.code != exitOK {
		t.Errorf("nothing: %+v", r)
	}
}

// TestSendDoesNotWait sends a line while the pipe stays open.
func TestSendDoesNotWait(t *testing.T) {
	c, base := startRules(t, `events:where 'service = "s"':each(function(e) print("got " .. e.host) end)`)
	defer c.stop()
	in, pipe := io.Pipe()
	sender := startLine(t, in, "send", "--addr", base, "-")
	for _, host := range []string{"first", "second"} {
		fmt.Fprintf(pipe, `{"host":"%s","service":"s"}`+"\n"+`{"half`, host)
		c.err.await(t, "got "+host)
		fmt.Fprintln(pipe, `":"way"}`)
	}
	pipe.Close()
	if r := sender.wait(); r.code != exitOK {
		t.Errorf("got %+v", r)
	}
}
