package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tocsin/engine"
	"tocsin/engine/journal"
	"tocsin/engine/store"
)

// state is where a node keeps what survives it: checkpoints, and what came in
// since the last one. What it was opened with holds until the end.
type state struct {
	path, journalPath string // as in the settings
	store             *store.Store
	journal           *journal.Journal          // nil: none
	restored          bool                      // it can be followed by a last checkpoint
	kept              atomic.Pointer[time.Time] // when the last checkpoint was kept, or the start
	closing           atomic.Pointer[string]    // what is being closed
}

// closeGrace bounds the last checkpoint and the closing of the files.
const closeGrace = 10 * time.Second

// openState opens the store and the journal that the settings name.
func (n *node) openState() (err error) {
	settings := n.config.Settings
	if settings.Store == "" {
		return nil
	}
	s := &state{path: settings.Store, journalPath: settings.Journal}
	if s.store, err = store.Open(s.path, store.Options{Logger: n.logger, Metrics: n.metrics.Set}); err != nil {
		return err
	}
	if s.journalPath != "" {
		s.journal, err = journal.Open(s.journalPath, journal.Options{
			Keep: settings.JournalKeep, Bytes: int64(settings.JournalSize) << 20, Logger: n.logger, Metrics: n.metrics.Set, Notify: n.runner.Notify,
		})
		if err != nil {
			return errors.Join(err, s.store.Close())
		}
	}
	n.state = s
	return nil
}

// restore brings the engine to where the program before was, and has all that
// follows be kept. It is called when the outlets run, before the engine does.
func (n *node) restore(ctx context.Context) error {
	if n.state == nil {
		n.config.Start()
		return nil
	}
	began := time.Now()
	fresh, whole, err := n.loadState()
	if err != nil {
		return err
	}
	e := n.config.Engine
	n.clock.NotBefore(e.Now())
	n.setCheckpoints(whole)
	if err := n.replayJournal(ctx); err != nil {
		// A last checkpoint has what was served until then.
		n.state.restored = ctx.Err() != nil && errors.Is(err, ctx.Err())
		return err
	}
	if j := n.state.journal; j != nil {
		n.runner.SetLog(j)
	}
	stood := e.Now()
	n.clock.NotBefore(stood)
	now := n.clock.Read().Now
	n.runner.Resume(now)
	e.Flush() // a checkpoint has what that put
	if fresh {
		// What comes in from now on follows a checkpoint.
		if err := n.runner.FirstCheckpoint(); err != nil {
			return fmt.Errorf("cannot keep a first checkpoint in store %q: %w", n.state.path, err)
		}
		n.state.restored = true
		return nil
	}
	n.state.restored = true
	n.logger.Info("restored", "entries", e.Index().Len(), "down", now.Sub(stood).Round(time.Millisecond).String(),
		"took", time.Since(began).Round(time.Millisecond).String())
	return nil
}

// loadState loads the last checkpoint. It reports whether there is none, and
// whether the next one has to have everything, as not all of it could be used.
func (n *node) loadState() (fresh, whole bool, err error) {
	c, s := n.config, n.state.store
	n.tellRecovery(s.Recovered())
	c.Engine.Track()
	l := engine.NewLoading(s, c.Engine.Identities())
	if !l.Any() {
		n.logger.Info("the store is empty: this is a fresh start", "store", n.state.path)
		c.Start()
		n.passJournal()
		return true, true, nil
	}
	if err := c.Engine.Load(l); err != nil {
		return false, false, fmt.Errorf("cannot restore from store %q: %w; move the file away to begin anew", n.state.path, err)
	}
	c.Start()
	c.Graph.Load(l)
	engine.LoadOutlets(l, c.allOutlets())
	n.runner.LoadPlaces(l)
	if skipped := l.Skipped(); skipped > 0 {
		n.logger.Warn("some of what was kept could not be used: rules have changed, or records are damaged", "pieces", skipped)
		return false, true, nil
	}
	return false, false, nil
}

// passJournal leaves what a journal has aside, when there is no checkpoint that
// it follows: to serve all of it again would page people about the past.
func (n *node) passJournal() {
	if j := n.state.journal; j != nil && j.Last() > 0 {
		n.config.Engine.SetPosition(j.Last())
		n.logger.Warn("the journal is not served again, as the store is empty; tocsin replay can read it", "journal", n.state.journalPath)
	}
}

// tellRecovery says what was lost before the store was opened.
func (n *node) tellRecovery(r store.Recovery) {
	switch {
	case r.Damaged:
		n.logger.Error(r.Lost)
		n.runner.Notify("tocsin store", r.Lost)
	case r.Lost != "":
		n.logger.Warn(r.Lost)
	}
}

// replayJournal serves again what came in after the checkpoint.
func (n *node) replayJournal(ctx context.Context) error {
	j := n.state.journal
	if j == nil {
		return nil
	}
	e := n.config.Engine
	batches, events, told := 0, 0, time.Now()
	err := j.Replay(e.Position()+1, e.Identities(), func(l *engine.Logged) error {
		batches, events = batches+1, events+len(l.Events)
		n.runner.Replay(ctx, *l)
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			n.logger.Info("replaying the journal", "events", events, "at", l.Now.Wall().Format(time.RFC3339))
		}
		return ctx.Err()
	})
	if err != nil && errors.Is(err, ctx.Err()) {
		n.logger.Info("stopped while what came in after the checkpoint was served again from the journal; the next start goes on there", "events", events)
		return err
	}
	if err != nil {
		return fmt.Errorf("cannot replay the journal %q: %w", n.state.journalPath, err)
	}
	if batches > 0 {
		n.logger.Info("what came in after the checkpoint was served again from the journal", "events", events)
	}
	return nil
}

// setCheckpoints has the runner make checkpoints.
func (n *node) setCheckpoints(whole bool) {
	now := time.Now()
	n.state.kept.Store(&now)
	n.runner.SetCheckpoints(engine.CheckpointOptions{
		Store: n.state.store, Save: n.config.save, Whole: whole, Committed: n.state.committed,
	})
}

// committed notes that a checkpoint is durable.
func (s *state) committed(position uint64) {
	now := time.Now()
	s.kept.Store(&now)
	if s.journal != nil {
		s.journal.Checkpointed(position)
	}
}

// save puts what a configuration has besides its engine into a checkpoint. It is
// called on the engine's goroutine, or when that has ended.
func (c *configuration) save(to *engine.Checkpoint) {
	c.Graph.Save(to)
	for _, o := range c.replaced {
		o.Forget(to)
	}
	c.replaced = nil
	for _, o := range c.allOutlets() {
		o.Save(to)
	}
}

// closeState keeps a last checkpoint of what was restored and ran since, and
// closes the files, unless they do not answer. It is called when nothing runs any
// more.
func (n *node) closeState() error {
	s := n.state
	if s == nil {
		return nil
	}
	s.closes("store", s.path)
	done := make(chan error, 1)
	go func() { done <- n.closeFiles() }()
	select {
	case err := <-done:
		return err
	case <-time.After(closeGrace):
		return fmt.Errorf("%s does not answer within %v: what has changed since %s is not kept, nor what sinks were given since",
			*s.closing.Load(), closeGrace, s.kept.Load().Format(time.RFC3339))
	}
}

// closeFiles does what closeState says, however long it takes.
func (n *node) closeFiles() error {
	s := n.state
	var errs []error
	if s.journal != nil {
		s.closes("journal", s.journalPath)
		errs = append(errs, s.journal.Close())
		s.closes("store", s.path)
	}
	if s.restored {
		if err := n.runner.LastCheckpoint(); err != nil {
			errs = append(errs, fmt.Errorf("cannot keep a last checkpoint in store %q: %w", s.path, err))
		}
	}
	return errors.Join(append(errs, s.store.Close())...)
}

// closes notes what is being closed.
func (s *state) closes(what, path string) {
	name := fmt.Sprintf("%s %q", what, path)
	s.closing.Store(&name)
}
