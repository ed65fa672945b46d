package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestTransactionsNeedCheckpoints: without a store nothing would ever be written. The
// check tells, as the start and a reload do.
func TestTransactionsNeedCheckpoints(t *testing.T) {
	sink := `sink.kafka { brokers = { "127.0.0.1:1" }, topic = "out", transactional = true }`
	want := `:1: sink.kafka: transactions need checkpoints: set settings.store`
	file := writeFile(t, "rules.lua", "events:to("+sink+") settings { http = '' }")
	for _, command := range []string{"check", "run"} {
		if line := runLine(t, "", command, file); line.code != exitFailed || !strings.Contains(line.err, file+want) {
			t.Errorf("%s: exit code %d: %s", command, line.code, line.err)
		}
	}
	r := startReloadable(t, "")
	defer r.stop()
	if _, wrong := r.reload("events:to(" + sink + ")"); !strings.Contains(wrong, "rules.lua:2: sink.kafka: transactions need checkpoints") {
		t.Errorf("wrong: %s", wrong)
	}
	store := filepath.Join(t.TempDir(), "tocsin.db")
	r.writeWhole(fmt.Sprintf("settings { http = '127.0.0.1:0', store = %q }\nevents:to(%s)", store, sink))
	if _, wrong := r.reload(""); !strings.Contains(wrong, "rules.lua:2: sink.kafka: transactions need checkpoints: settings.store takes a restart") {
		t.Errorf("wrong: %s", wrong)
	}
}

// TestJournalNeedsAStore: the check tells.
func TestJournalNeedsAStore(t *testing.T) {
	file := writeFile(t, "rules.lua", "\nsettings { journal = 'journal' }")
	if line := runLine(t, "", "check", file); line.code != exitFailed || !strings.Contains(line.err, file+`:2: settings: option "journal" needs "store"`) {
		t.Errorf("exit code %d: %s", line.code, line.err)
	}
}
