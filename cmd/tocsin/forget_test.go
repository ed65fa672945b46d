package main

import (
	"strings"
	"testing"
)

func TestForget(t *testing.T) {
	c, base := startRules(t, "")
	defer c.stop()
	lines := `{"host":"app1","service":"http"}
{"host":"app1","service":"cpu"}
{"host":"app2","service":"http"}
`
	if r := runLine(t, lines, "send", "--addr", base, "-"); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	for _, step := range []struct {
		query string
		code  int
		out   string
	}{
		{`host = "app1"`, exitOK, "forgot 2\n"},
		{`host = "app1"`, exitNothing, "forgot 0\n"},
		{`host == "app1"`, exitUsage, ""},
	} {
		if r := runLine(t, "", "forget", "--addr", base, step.query); r.code != step.code || r.out != step.out {
			t.Errorf("forget %s: code %d, %q; want %d, %q", step.query, r.code, r.out, step.code, step.out)
		}
	}
	if left := askFor(t, base, "true", ""); strings.Count(left, "\n") != 1 || !strings.Contains(left, "app2") {
		t.Errorf("left: %s", left)
	}
}
