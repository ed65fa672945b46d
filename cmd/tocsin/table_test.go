package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/engine"
)

// tableOf shows JSON lines as a table, a minute after 1700000000.
func tableOf(t *testing.T, width int, colours bool, lines string) string {
	t.Helper()
	var out bytes.Buffer
	table := newTable(&out, width, colours, time.Unix(1700000060, 0))
	for line := range strings.Lines(lines) {
		e, parts, err := engine.ParseJSON([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		table.add(&e, parts)
	}
	if err := table.flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTable(t *testing.T) {
	got := tableOf(t, 70, false, `{"host":"db1","service":"cpu/percent-user","state":"critical","metric":97.5,"time":1700000000,"description":"busy","tags":["prod"],"rack":"b"}
{"service":"größe 日本","time":1699900000,"description":"a description that is much too long for the line"}
{"host":"x\u001b[31m","metric":12345678}
`)
	want := `HOST    SERVICE           STATE          METRIC     AGE  DESCRIPTION
db1     cpu/percent-user  critical         97.5    1m0s  busy #prod …
        größe 日本                               27h47m  a descripti…
x` + "\ufffd" + `[31m                              1.23457e+07
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for line := range strings.Lines(got) {
		if len([]rune(line)) > 71 {
			t.Errorf("wider than the terminal: %q", line)
		}
	}
	if got := tableOf(t, 80, true, `{"state":"ok"}`); !strings.Contains(got, "\x1b[32mok\x1b[0m") {
		t.Errorf("without its colour: %q", got)
	}
	if got := tableOf(t, 80, true, ""); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

func TestTableIsAligned(t *testing.T) {
	var lines strings.Builder
	for i := range tableRows + 10 {
		fmt.Fprintf(&lines, `{"host":"h%d","service":"%s","metric":%d,"description":"X"}`+"\n", i, strings.Repeat("s", i%50), i)
	}
	column := -1
	for line := range strings.Lines(tableOf(t, 120, false, lines.String())) {
		at := strings.Index(line, "  X")
		if column >= 0 && !strings.HasPrefix(line, "HOST") && len([]rune(line[:at])) != column {
			t.Fatalf("the last column moves: %q", line)
		}
		if at > 0 {
			column = len([]rune(line[:at]))
		}
	}
}

func TestAge(t *testing.T) {
	table := newTable(nil, 80, false, time.Unix(1700000000, 0))
	for seconds, want := range map[float64]string{
		-5: "0s", 0: "0.0s", 9.94: "9.9s", 59.9: "59s", 61: "1m1s", 3599: "59m59s", 7260: "2h1m", 200000: "2d",
	} {
		e := engine.Event{Time: engine.TimeOf(1700000000 - seconds), Has: engine.HasTime}
		if got := table.age(&e); got != want {
			t.Errorf("%v s ago: %q, want %q", seconds, got, want)
		}
	}
}
