package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/engine"
	"tocsin/engine/journal"
)

// journalRules have a source with a stream of its own.
const journalRules = `
source.graphite { through = function(s) return s:where "metric > 0":with { via = "through" } end }
local a = sink.log { name = "a" }
events:where 'service = "http"':to(a)
`

// openTestJournal opens a journal, and returns how a batch from a source is put
// into it: one event for each time, in seconds.
func openTestJournal(t *testing.T, dir string) (*journal.Journal, func(source string, position uint64, times ...float64)) {
	t.Helper()
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	runner := engine.NewRunner(engine.New(engine.Options{}, 0), nil)
	return j, func(source string, position uint64, times ...float64) {
		b := runner.Input(engine.InputOptions{Name: source}).Batch()
		for i, at := range times {
			p := engine.Parts{Tags: []string{source}}
			p.SetHost("x")
			p.SetService("http")
			e := b.Add(runner.Input(engine.InputOptions{}).Identities().Loose(p))
			e.SetTime(engine.TimeOf(at))
			e.SetMetric(float64(i))
		}
		done := make(chan error)
		b.Done = func(err error) { done <- err }
		j.Append(b, engine.Served{Position: position, Now: engine.TimeOf(times[0])})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func TestReplayOfAJournal(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", journalRules)
	dir := filepath.Join(t.TempDir(), "journal")
	_, add := openTestJournal(t, dir) // which is open all the time
	add("http", 1, 1700000000, 1700000001)
	add("graphite", 2, 1700000002, 1700000003)
	add("gone", 3, 1700000004)
	whole := `{"sink":"a","event":{"host":"x","service":"http","time":1700000000,"metric":0,"tags":["http"]}}
{"sink":"a","event":{"host":"x","service":"http","time":1700000001,"metric":1,"tags":["http"]}}
{"sink":"a","event":{"host":"x","service":"http","time":1700000003,"metric":1,"tags":["graphite"],"via":"through"}}
{"sink":"a","event":{"host":"x","service":"http","time":1700000004,"metric":0,"tags":["gone"]}}
`
	lines := strings.SplitAfter(whole, "\n")
	other := `{"sink":"a","event":{"host":"y","service":"http","time":1700000003.5}}` + "\n"
	file := writeFile(t, "events", `{"host":"y","service":"http","time":1700000003.5}`)
	for _, c := range []struct {
		name, want string
		flags      []string
	}{
		{"whole", whole, nil},
		{"again", whole, nil},
		{"since", lines[2] + lines[3], []string{"--since", "1700000002"}},
		{"until", lines[0] + lines[1], []string{"--until", "1700000003"}},
		{"between", lines[1], []string{"--since", "1700000001", "--until", "1700000003"}},
		{"with another", lines[0] + lines[1] + lines[2] + other + lines[3], []string{"--from", file}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runLine(t, "", append([]string{"replay", rulesFile, "--from", "journal:" + dir}, c.flags...)...)
			if r.code != exitOK || r.err != "" || r.out != c.want {
				t.Errorf("code %d, %s, got\n%swant\n%s", r.code, r.err, r.out, c.want)
			}
		})
	}
	t.Run("compared", func(t *testing.T) {
		r := runLine(t, "", "replay", rulesFile, "--from", "journal:"+dir, "--diff", rulesFile)
		if r.code != exitOK || r.out != "" {
			t.Errorf("code %d, %s, got\n%s", r.code, r.err, r.out)
		}
	})
}

func TestReplayOfWhatIsNoJournal(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", journalRules)
	empty := t.TempDir()
	for from, want := range map[string]string{
		rulesFile: "is a file; a journal is a folder of segments", empty: "there are no segments", filepath.Join(empty, "none"): "no such file",
	} {
		r := runLine(t, "", "replay", rulesFile, "--from", "journal:"+from)
		if r.code != exitFailed || r.out != "" || !strings.Contains(r.err, want) {
			t.Errorf("%s: code %d, %s", from, r.code, r.err)
		}
	}
}

// TestReplayOfADamagedJournal: the segment is read up to the break, and the rest is
// counted; a tail that is not whole is just the end.
func TestReplayOfADamagedJournal(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", journalRules)
	dir := t.TempDir()
	j, add := openTestJournal(t, dir)
	var sizes []int64
	for i := range 3 {
		add("http", uint64(i+1), 1700000000+float64(i))
		size, err := journal.Size(dir)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, size)
	}
	j.Close()
	path := filepath.Join(dir, "00000000000000000001.journal")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	replay := func(data []byte) result {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return runLine(t, "", "replay", rulesFile, "--from", "journal:"+dir)
	}
	if r := replay(data[:len(data)-1]); r.code != exitOK || r.err != "" || strings.Count(r.out, "\n") != 2 {
		t.Errorf("cut short: code %d, %s, %s", r.code, r.err, r.out)
	}
	data[sizes[0]+60]++
	r := replay(data)
	if r.code != exitOK || strings.Count(r.out, "\n") != 1 {
		t.Errorf("damaged: code %d, %s, %s", r.code, r.err, r.out)
	}
	matches(t, "standard error", r.err, `1 piece of the recording ".*" made no event; the first: journal segment ".*": the block at byte \d+ is damaged \(batches read before: 1; bytes left out: \d+\)`)
}
