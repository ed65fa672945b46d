package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/engine"
	"tocsin/engine/journal"
	"tocsin/plugins/terminal"
)

// benchRecording writes what the demo's shop sends, as graphite lines and as
// JSON lines, with 3600 events each second: the rules of the shop are evaluated
// once for 360 events. It returns the number of events and the files.
func benchRecording(b *testing.B) (events int, graphite, lines string) {
	const ticks = 560_000
	dir := b.TempDir()
	shop := newDemoShop()
	var plain []byte
	for tick := range ticks {
		plain = shop.lines(plain, tick, time.Unix(1700000000, 0).Add(time.Duration(tick)*time.Millisecond))
	}
	var out bytes.Buffer
	for line := range bytes.Lines(plain) {
		events++
		words := strings.Fields(string(line))
		name := strings.Split(words[0], ".")
		out.WriteString(`{"host":"` + name[2] + `","service":"` + name[3] + `","time":` + words[2] + `,"metric":` + words[1] + `,"role":"` + name[1] + "\"}\n")
	}
	graphite, lines = filepath.Join(dir, "graphite.txt"), filepath.Join(dir, "events.jsonl")
	for file, data := range map[string][]byte{graphite: plain, lines: out.Bytes()} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return events, graphite, lines
}

// benchJournal writes recorded JSON lines into a journal, as if they had come over
// HTTP, and returns its folder.
func benchJournal(b *testing.B, lines string) string {
	dir := b.TempDir()
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile(lines)
	if err != nil {
		b.Fatal(err)
	}
	in := engine.NewRunner(engine.New(engine.Options{}, 0), nil).Input(engine.InputOptions{Name: "http"})
	decoder := engine.NewJSONDecoder(in.Identities(), engine.NewNames())
	batch, position := in.Batch(), uint64(0)
	keep := func() {
		if len(batch.Events) > 0 {
			position++
			j.Append(batch, engine.Served{Position: position, Now: batch.Events[0].Time})
			batch = in.Batch()
		}
	}
	for line := range bytes.Lines(data) {
		e, err := decoder.Decode(line)
		if err != nil {
			b.Fatal(err)
		}
		*batch.Add(e.ID) = e
		if batch.Full() {
			keep()
		}
	}
	keep()
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	return dir
}

// BenchmarkReplay replays some two million events through the shop's rules.
func BenchmarkReplay(b *testing.B) {
	events, graphite, lines := benchRecording(b)
	kept := benchJournal(b, lines)
	shop := filepath.Join(root, "examples/shop/shop.lua")
	for _, c := range []struct {
		name string
		args []string
	}{
		{"graphite", []string{"replay", shop, "--from", graphite}},
		{"json", []string{"replay", shop, "--from", lines}},
		{"journal", []string{"replay", shop, "--from", "journal:" + kept}},
		{"diff", []string{"replay", shop, "--from", graphite, "--diff", shop}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p := &process{
					name: "tocsin", in: strings.NewReader(""), out: io.Discard, err: io.Discard, screen: terminal.NewPipe(io.Discard),
					getenv:  func(string) string { return "" },
					signals: func() <-chan os.Signal { return nil },
				}
				if code := run(p, c.args); code != exitOK {
					b.Fatalf("exit code %d", code)
				}
			}
			b.ReportMetric(float64(events*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
