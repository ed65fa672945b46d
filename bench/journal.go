package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"tocsin/engine"
	"tocsin/engine/journal"
)

// runJournal measures the path over TCP with a journal and without, and how fast
// what it has kept is served again.
func runJournal(rep *report) error {
	for _, series := range seriesGrid() {
		without, err := measureTCP(series, 100, kept{})
		if err != nil {
			return err
		}
		if err := runKept(rep, series, without); err != nil {
			return err
		}
	}
	return nil
}

func runKept(rep *report, series int, without speed) error {
	dir, err := os.MkdirTemp("", "tocsin-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	j, err := journal.Open(dir, journal.Options{})
	if err != nil {
		return err
	}
	with, err := measureTCP(series, 100, kept{log: j})
	if err := j.Close(); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	size, err := journal.Size(dir)
	if err != nil {
		return err
	}
	began, events := time.Now(), 0
	e := engine.New(engine.Options{}, 1)
	runner := engine.NewRunner(e, engine.NewWallClock(time.Now))
	o := journal.ReadOptions{Identities: e.Identities(), Bad: func(bad error) { err = bad }}
	if failed := journal.Read(dir, o, func(b *engine.Logged) error {
		events += len(b.Events)
		runner.Replay(context.Background(), *b)
		return nil
	}); failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	rep.add(fmt.Sprintf("%d series without a journal", series), "%v", without)
	rep.add(fmt.Sprintf("%d series with a journal", series), "%v, %.0f bytes of disk each", with, float64(size)/float64(events))
	rep.add(fmt.Sprintf("%d series served again, index only", series), "%.2f M events/s", float64(events)/time.Since(began).Seconds()/1e6)
	return nil
}
