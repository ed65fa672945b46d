package main

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"tocsin/rules"
)

func TestShortNumbers(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{shortTime(0), "0ns"}, {shortTime(3.4e-8), "34ns"}, {shortTime(1.234e-6), "1.23µs"}, {shortTime(0.0567), "56.7ms"},
		{shortTime(1.5), "1.50s"}, {shortTime(3600), "3600s"},
		{perSecond(0), "0"}, {perSecond(0.25), "0.25"}, {perSecond(9.96), "10"}, {perSecond(123.4), "123"},
		{perSecond(12_345), "12.3k"}, {perSecond(7_100_000), "7.10M"},
		{count(12_345, 1), "12345"}, {count(50, 2), "25"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

// TestUsageTableInColour: what is wrong is red on a terminal, control characters
// do not get there, and long names are cut.
func TestUsageTableInColour(t *testing.T) {
	lines := []usageLine{
		lineOf("rule x\x1b[31m", "a.lua:1", rules.UsageCounts{In: 4, Errors: 2, Seconds: 0.5, Quarantined: true}, 10, 1),
		lineOf(strings.Repeat("long ", 20), "", rules.UsageCounts{}, 0, 1),
	}
	var out bytes.Buffer
	if err := writeUsageTable(bufio.NewWriter(&out), lines, true); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{"rule x\ufffd[31m ", " 5.00%  500ms  125ms   4    0       0       \x1b[1;31m2\x1b[0m  a.lua:1 (quarantined)\n", "…"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in %q", want, text)
		}
	}
}
