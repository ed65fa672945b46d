package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/engine"
	"tocsin/plugins/terminal"
)

// TestStoppedDuringTheReplay: a signal while a journal is served again is an end in
// order. The next start goes on there, and nothing counts twice or not at all.
func TestStoppedDuringTheReplay(t *testing.T) {
	t.Parallel()
	const all = 200
	dir := t.TempDir()
	store, saved, rules := filepath.Join(dir, "tocsin.db"), filepath.Join(dir, "saved.db"), filepath.Join(dir, "rules.lua")
	copyFile := func(from, to string) {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	start := func(more string) *running {
		text := fmt.Sprintf(crashRules, store, filepath.Join(dir, "journal")) + more
		if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return startLine(t, nil, "run", rules)
	}
	base := func(r *running) string { return "http://" + r.listening("http") }

	r := start("")
	base(r)
	r.stop()
	copyFile(store, saved)
	r = start("")
	at := base(r)
	for n := range all {
		if status, _ := postEvents(t, at, strings.NewReader(fmt.Sprintf(`{"service": "k-%d", "metric": 1}`, n))); status != 200 {
			t.Fatalf("status %d", status)
		}
	}
	r.stop()
	copyFile(saved, store) // as if it had been killed

	r = start(`events:where 'service =~ "k-%"':each(function(e) for i = 1, 2e5 do end print("served " .. e.service) end)`)
	r.err.await(t, "served k-3")
	r.stop()
	first := r.err.await(t, `stopped while .*"events":(\d+)`)[1]
	r = start("")
	at = base(r)
	second := r.err.await(t, `was served again from the journal".*"events":(\d+)`)[1]
	total, counts := countsOf(t, at)
	if total != all || len(counts) != all {
		t.Errorf("%v events are counted, %d services; want %d", total, len(counts), all)
	}
	r.stop()
	n, _ := strconv.Atoi(first)
	m, _ := strconv.Atoi(second)
	if n < 3 || n >= all || n+m != all {
		t.Errorf("%d events were served, and then %d; want %d in all", n, m, all)
	}
}

// hangingStore never answers.
type hangingStore struct{ released chan struct{} }

func (s hangingStore) Commit(*engine.Checkpoint) error {
	<-s.released
	return errors.New("stale file handle")
}

// TestEndWithAStoreThatHangs: it is bounded, whether a checkpoint was on its way or
// not, and what is lost is told.
func TestEndWithAStoreThatHangs(t *testing.T) {
	for name, before := range map[string]time.Duration{"in a commit": time.Minute, "at the end": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &process{
					screen: terminal.NewPipe(newOutput()), getenv: func(string) string { return "" },
					signals: func() <-chan os.Signal { return nil },
				}
				file := writeFile(t, "rules.lua", fmt.Sprintf(`settings { http = "", store = %q }`, filepath.Join(t.TempDir(), "tocsin.db")))
				ready := make(chan struct{})
				n, err := loadNode(file, nodeOptions{process: p, logger: p.logger("error"), ready: func() { close(ready) }})
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- n.run(ctx) }()
				<-ready
				hangs := hangingStore{make(chan struct{})}
				if err := n.runner.Do(ctx, func(*engine.Engine) {
					n.runner.SetCheckpoints(engine.CheckpointOptions{Store: hangs, Save: func(*engine.Checkpoint) {}})
				}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(before)
				began := time.Now()
				stop()
				err = <-done
				if took := time.Since(began); took != closeGrace {
					t.Errorf("it took %v", took)
				}
				if err == nil || !strings.Contains(err.Error(), "does not answer within 10s: what has changed since 2000-01-01T00:00:0") {
					t.Errorf("got %v", err)
				}
				close(hangs.released)
				time.Sleep(2 * time.Second) // buntdb looks once a second whether it is closed
			})
		})
	}
}
