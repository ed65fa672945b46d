package main

import (
	"strings"
	"testing"
)

// TestTransactionsNeedCheckpoints: without a store nothing would ever be written.
func TestTransactionsNeedCheckpoints(t *testing.T) {
	sink := `sink.kafka { brokers = { "127.0.0.1:1" }, topic = "out", transactional = true }`
	want := `:1: sink.kafka: transactions need checkpoints: set settings.store`
	file := writeFile(t, "rules.lua", "events:to("+sink+") settings { http = '' }")
	if line := runLine(t, "", "run", file); line.code == exitOK || !strings.Contains(line.err, want) {
		t.Errorf("exit code %d: %s", line.code, line.err)
	}
	r := startReloadable(t, "")
	defer r.stop()
	r.write("events:to(" + sink + ")")
	if _, wrong := r.reload(""); !strings.Contains(wrong, "transactions need checkpoints") {
		t.Errorf("wrong: %s", wrong)
	}
}
