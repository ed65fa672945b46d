//go:build real

package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestRealKept: a table that only grows is told of, and so is that a reload has
// ended it.
func TestRealKept(t *testing.T) {
	const rules = `
settings { http = "127.0.0.1:0", rule_memory = 1 }
events:where 'service = "tocsin memory"':to(sink.log {})
local seen = {}
rule "grow" { every = 0.1, eval = function()
  for i = 1, 1000 do seen[#seen + 1] = "something to keep " .. #seen end
end }
`
	file := writeFile(t, "rules.lua", rules)
	cmd, out := tocsin(t, nil, "run", file)
	out.await(t, `"tocsin memory".*"critical".*of it in the variable \\"seen\\" of the function at rules.lua:5`)
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(rules, "1000", "0")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	out.await(t, `"tocsin memory".*"ok".*rules keep less than 1 MiB in variables again`)
}
