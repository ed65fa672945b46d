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
// From the end of ready to the end of its context, parts come and go by Change.
type Daemon struct {
	Runner *Runner
	// Sources and Outlets are what it starts with.
	Sources []RunningSource
	Outlets []*Outlet
	Logger  *slog.Logger
	// Grace bounds each of the three steps of the shutdown (5 s), and the
	// stopping of a part.
	Grace time.Duration
	// Restore, when not nil, brings the engine to where it was, before it runs;
	// what comes out of it meanwhile goes to the outlets. With an error nothing
	// is started; that of its context is no error.
	Restore func(ctx context.Context) error

	changes sync.Mutex      // held by Change
	base    context.Context // of what runs, which ends by its own step of the shutdown
	sources map[string]*sourceRun
	outlets []*Outlet // that run
	running bool      // parts may come and go

	sourceRuns, outletRuns, leaving sync.WaitGroup
}

// RunningSource is a source and its way into the engine.
type RunningSource struct {
	Source Source
	Input  Input
	Name   string
}

// Run starts everything, calls ready, and runs until ctx is done. Outlets are
// opened first, then the engine is restored and starts, then the sources open their ports, so
// that nothing comes in before all behind it is ready. When one part cannot
// start, those before it are stopped, and the error says which it was. When ctx is
// done before all has started, that is an end in order, too.
//
// The shutdown goes the other way, each step bounded by Grace: sources stop
// taking in, the engine serves what is queued, the outlets deliver what they
// hold. The error tells what did not end in time or was left.
func (d *Daemon) Run(ctx context.Context, ready func()) error {
	if d.Grace == 0 {
		d.Grace = 5 * time.Second
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	d.base, d.sources = context.WithoutCancel(ctx), make(map[string]*sourceRun)
	for i, o := range d.Outlets {
		if err := openOutlet(ctx, o); err != nil {
			return errors.Join(unlessDone(ctx, err), closeOutlets(d.Outlets[:i]))
		}
	}
	for _, o := range d.Outlets {
		d.runOutlet(o)
	}
	if d.Restore != nil {
		if err := d.Restore(ctx); err != nil {
			ended, cancel := context.WithCancel(d.base)
			cancel()
			d.Runner.Run(ended) // so that it has stopped
			return errors.Join(unlessDone(ctx, err), d.stopOutlets())
		}
	}
	engineCtx, stopEngine := context.WithCancel(d.base)
	defer stopEngine()
	engineDone := make(chan struct{})
	go func() { defer close(engineDone); d.Runner.Run(engineCtx) }()

	err := openSources(ctx, d.Sources)
	if err != nil {
		err = unlessDone(ctx, err)
	} else {
		for _, s := range d.Sources {
			d.runSource(s)
		}
		d.allowChanges(true, ready)
		<-ctx.Done()
		d.allowChanges(false, func() {})
	}

	for _, s := range d.sources {
		s.stop()
	}
	if !within(d.Grace, d.sourceRuns.Wait) {
		err = errors.Join(err, errors.New("a source did not stop in time"))
	}
	d.Runner.Stop()
	if !within(d.Grace, func() { <-engineDone }) {
		err = errors.Join(err, errors.New("the engine had not served all that was queued"))
		stopEngine() // which waits for a full sink, maybe
		if !within(d.Grace, func() { <-engineDone }) {
			return errors.Join(err, errors.New("the engine does not stop"))
		}
	}
	return errors.Join(err, d.stopOutlets())
}

// unlessDone returns err, unless it only says that ctx is done.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func openOutlet(ctx context.Context, o *Outlet) error {
	if err := o.Open(ctx); err != nil {
		return fmt.Errorf("cannot open sink %q: %w", o.Name(), err)
	}
	return nil
}

// runOutlet runs an outlet that is open.
func (d *Daemon) runOutlet(o *Outlet) {
	d.outlets = append(d.outlets, o)
	d.outletRuns.Go(func() { o.Run(d.base) })
}

// openSources opens all, or none.
func openSources(ctx context.Context, sources []RunningSource) error {
	for i, s := range sources {
		if err := openSource(ctx, s.Name, s.Source); err != nil {
			for _, opened := range sources[:i] {
				err = errors.Join(err, guard(opened.Source.Close))
			}
			return err
		}
	}
	return nil
}

func openSource(ctx context.Context, name string, s Source) error {
	if err := guard(func() error { return s.Open(ctx) }); err != nil {
		return fmt.Errorf("source %q: %w", name, err)
	}
	return nil
}

// sourceRun is a source that runs.
type sourceRun struct {
	RunningSource
	stop context.CancelFunc
	done chan struct{} // closed when it has ended
}

// runSource runs a source that is open.
func (d *Daemon) runSource(s RunningSource) {
	ctx, stop := context.WithCancel(d.base)
	r := &sourceRun{s, stop, make(chan struct{})}
	d.sources[s.Name] = r
	d.sourceRuns.Go(func() {
		defer close(r.done)
		defer stop()
		d.attend(ctx, s)
	})
}

// attend runs one source to its end. When it ends on its own, the others go on,
// and an event tells.
func (d *Daemon) attend(ctx context.Context, s RunningSource) {
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
func (d *Daemon) stopOutlets() error {
	ctx, cancel := context.WithTimeout(d.base, d.Grace)
	defer cancel()
	errs := make([]error, len(d.outlets))
	var stops sync.WaitGroup
	for i, o := range d.outlets {
		stops.Go(func() { errs[i] = o.Stop(ctx) })
	}
	stops.Wait()
	d.leaving.Wait()                     // each has a deadline of its own
	within(stopGrace, d.outletRuns.Wait) // a sink that hangs is left behind
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
