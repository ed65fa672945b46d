package engine

import (
	"context"
	"fmt"
	"slices"
)

// Change calls f, which has parts of the daemon come and go by the methods
// below. It fails with ErrStopped when the daemon does not run yet, or is about
// to stop; otherwise its shutdown waits for f. Of two calls the second waits.
func (d *Daemon) Change(f func() error) error {
	d.changes.Lock()
	defer d.changes.Unlock()
	if !d.running {
		return ErrStopped
	}
	return f()
}

// allowChanges says whether parts may come and go, once before has returned.
func (d *Daemon) allowChanges(allowed bool, before func()) {
	d.changes.Lock()
	defer d.changes.Unlock()
	d.running = allowed
	before()
}

// OpenSource opens a source that RunSource will run. In Change only.
func (d *Daemon) OpenSource(ctx context.Context, name string, s Source) error {
	return openSource(ctx, name, s)
}

// RunSource runs a source that was opened. There must be no other one of that
// name. In Change only.
func (d *Daemon) RunSource(s RunningSource) { d.runSource(s) }

// StopSource ends a source, if it has not ended on its own, and returns when the
// engine has served what it has read. It fails when that does not end in time;
// then nobody waits for it any more. In Change only.
func (d *Daemon) StopSource(name string) error {
	r := d.sources[name]
	if r == nil {
		return nil
	}
	delete(d.sources, name)
	r.stop()
	if !within(d.Grace, func() { <-r.done }) {
		return fmt.Errorf("source %q does not stop", name)
	}
	d.Runner.Remove(r.Input)
	return d.awaitServed(name, r.Input)
}

// awaitServed waits until the engine has served what came in by an input so far.
func (d *Daemon) awaitServed(name string, in Input) error {
	ctx, cancel := context.WithTimeout(d.base, d.Grace)
	defer cancel()
	served := make(chan struct{})
	last := in.Batch()
	last.Done = func(error) { close(served) }
	err := in.Send(ctx, last)
	if err == nil {
		select {
		case <-served:
			return nil
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return fmt.Errorf("cannot wait until the engine has served all of source %q: %w", name, err)
}

// Source returns the source of that name, if it runs and has not ended on its
// own. In Change only.
func (d *Daemon) Source(name string) (s RunningSource, runs bool) {
	r := d.sources[name]
	if r == nil {
		return RunningSource{}, false
	}
	select {
	case <-r.done:
		return r.RunningSource, false
	default:
		return r.RunningSource, true
	}
}

// AddOutlet opens an outlet and runs it. In Change only.
func (d *Daemon) AddOutlet(ctx context.Context, o *Outlet) error {
	if err := openOutlet(ctx, o); err != nil {
		return err
	}
	d.runOutlet(o)
	return nil
}

// DropOutlet stops an outlet that no stream has any more, in the background:
// it has Grace to deliver what it holds. In Change only.
func (d *Daemon) DropOutlet(o *Outlet) {
	d.outlets = slices.DeleteFunc(d.outlets, func(at *Outlet) bool { return at == o })
	o.disown()
	d.leaving.Go(func() {
		ctx, cancel := context.WithTimeout(d.base, d.Grace)
		defer cancel()
		if err := o.Stop(ctx); err != nil {
			d.Logger.Warn("a sink that the rules do not have any more is stopped", "err", err)
		}
	})
}
