package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tocsin/engine"
	"tocsin/engine/store"
	"tocsin/rules"
)

// storeRules are latencyRules with state for each of the series.
const storeRules = latencyRules + `events:where 'service =~ "cpu.%"':by("host", "service"):changed("state")
`

// runStore measures what a checkpoint each second costs, and how long it takes to
// go on from one.
func runStore(rep *report) error {
	for _, series := range seriesGrid() {
		without, err := measureTCP(series, 100, kept{})
		if err != nil {
			return err
		}
		with, err := inStore(func(s *store.Store, path string) (any, error) { return measureTCP(series, 100, kept{store: s}) })
		if err != nil {
			return err
		}
		rep.add(fmt.Sprintf("%d series without a store", series), "%v", without)
		rep.add(fmt.Sprintf("%d series with a store", series), "%v", with)
	}
	_, err := inStore(func(s *store.Store, path string) (any, error) {
		if err := measureLatency(rep, storeRules, kept{store: s}); err != nil {
			return nil, err
		}
		return nil, measureRestore(rep, s, path)
	})
	return err
}

// inStore calls f with a store in a folder of its own.
func inStore(f func(s *store.Store, path string) (any, error)) (any, error) {
	dir, err := os.MkdirTemp("", "tocsin-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tocsin.db")
	s, err := store.Open(path, store.Options{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return f(s, path)
}

// measureRestore opens the store again and loads what it has.
func measureRestore(rep *report, s *store.Store, path string) error {
	if err := s.Close(); err != nil {
		return err
	}
	began := time.Now()
	s, err := store.Open(path, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	config, err := rules.LoadString("bench.lua", storeRules, ".", rules.Options{})
	if err != nil {
		return err
	}
	defer config.Close()
	config.Engine.Track()
	l := engine.NewLoading(s, config.Engine.Identities())
	if err := config.Engine.Load(l); err != nil {
		return err
	}
	config.Start()
	config.Graph.Load(l)
	rep.add(fmt.Sprintf("restore %d entries and as many groups", config.Engine.Index().Len()), "%.2f s", time.Since(began).Seconds())
	return nil
}
