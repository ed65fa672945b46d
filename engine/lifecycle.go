package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Daemon is what runs together: an engine, what feeds it, and what it feeds.
type Daemon struct {
	Runner  *Runner
	Sources []RunningSource
	Outlets []*Outlet
	Logger  *slog.Logger
	// Grace bounds each of the three steps of the shutdown (5 s).
	Grace time.Duration
}

// RunningSource is a source and its way into the engine.
type RunningSource struct {
	Source Source
	Input  Input
	Name   string
}

// Run starts everything, calls ready, and runs until ctx is done. Outlets are
// opened first, then the engine starts, then the sources open their ports, so
// that nothing comes in before all behind it is ready. When one part cannot
// start, those before it are stopped, and the error says which it was.
//
// The shutdown goes the other way, each step bounded by Grace: sources stop
// taking in, the engine serves what is queued, the outlets deliver what they
// hold. The error tells what did not end in time or was left.
func (d Daemon) Run(ctx context.Context, ready func()) error {
	if d.Grace == 0 {
		d.Grace = 5 * time.Second
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	// What runs ends by its own step of the shutdown, not by ctx.
	base := context.WithoutCancel(ctx)
	for i, o := range d.Outlets {
		if err := o.Open(ctx); err != nil {
			return errors.Join(fmt.Errorf("cannot open sink %q: %w", o.Name(), err), closeOutlets(d.Outlets[:i]))
		}
	}
	var outlets sync.WaitGroup
	for _, o := range d.Outlets {
		outlets.Go(func() { o.Run(base) })
	}
	engineCtx, stopEngine := context.WithCancel(base)
	defer stopEngine()
	engineDone := make(chan struct{})
	go func() { defer close(engineDone); d.Runner.Run(engineCtx) }()

	sourceCtx, stopSources := context.WithCancel(base)
	defer stopSources()
	var sources sync.WaitGroup
	err := d.openSources(ctx)
	if err == nil {
		for _, s := range d.Sources {
			sources.Go(func() { d.runSource(sourceCtx, s) })
		}
		ready()
		<-ctx.Done()
	}

	stopSources()
	if !within(d.Grace, sources.Wait) {
		err = errors.Join(err, errors.New("a source did not stop in time"))
	}
	d.Runner.Stop()
	if !within(d.Grace, func() { <-engineDone }) {
		err = errors.Join(err, errors.New("the engine had not served all that was queued"))
		for _, o := range d.Outlets {
			o.Release() // it may be one that holds the engine up
		}
		stopEngine()
		if !within(d.Grace, func() { <-engineDone }) {
			return errors.Join(err, errors.New("the engine does not stop"))
		}
	}
	return errors.Join(err, d.stopOutlets(base, &outlets))
}

func (d Daemon) openSources(ctx context.Context) error {
	for i, s := range d.Sources {
		if err := guard(func() error { return s.Source.Open(ctx) }); err != nil {
			for _, opened := range d.Sources[:i] {
				err = errors.Join(err, guard(opened.Source.Close))
			}
			return fmt.Errorf("source %q: %w", s.Name, err)
		}
	}
	return nil
}

// runSource runs one source. When it ends on its own, the others go on, and an
// event tells.
func (d Daemon) runSource(ctx context.Context, s RunningSource) {
	err := guard(func() error { return s.Source.Run(ctx, s.Input) })
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		err = errors.New("it ended")
	}
	d.Logger.Error("source has stopped", "source", s.Name, "err", err)
	d.Runner.Notify("tocsin source", fmt.Sprintf("source %s has stopped: %v", s.Name, err), Attr{Key: "source", Value: s.Name})
}

// stopOutlets stops them side by side: each has all of the time.
func (d Daemon) stopOutlets(base context.Context, running *sync.WaitGroup) error {
	ctx, cancel := context.WithTimeout(base, d.Grace)
	defer cancel()
	errs := make([]error, len(d.Outlets))
	var stops sync.WaitGroup
	for i, o := range d.Outlets {
		stops.Go(func() { errs[i] = o.Stop(ctx) })
	}
	stops.Wait()
	within(stopGrace, running.Wait) // a sink that hangs is left behind
	return errors.Join(errs...)
}

func closeOutlets(outlets []*Outlet) error {
	var errs []error
	for _, o := range outlets {
		errs = append(errs, o.Close())
	}
	return errors.Join(errs...)
}

// within reports whether wait returned in time.
func within(d time.Duration, wait func()) bool {
	done := make(chan struct{})
	go func() { defer close(done); wait() }()
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}
