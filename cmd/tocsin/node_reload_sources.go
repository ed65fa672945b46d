package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"tocsin/engine"
	"tocsin/rules"
)

// sourceChange is what a reload does with sources.
type sourceChange struct {
	kept    []keptSource
	opened  []*rules.Source // new or changed ones, which do not run yet
	stopped []*rules.Source // of the old configuration
}

// keptSource is a source that runs on.
type keptSource struct {
	source  *rules.Source // as the new configuration has it
	running engine.RunningSource
}

// moveSources opens the sources that are new or have changed, and stops those
// that go. Where both want one port, the old one has to end first.
func (c *change) moveSources(ctx context.Context) error {
	coming, going := c.compareSources()
	var later []*rules.Source
	for _, s := range coming {
		err := c.openSource(ctx, s)
		if len(going) > 0 && errors.Is(err, syscall.EADDRINUSE) {
			later = append(later, s)
		} else if err != nil {
			return err
		}
	}
	for _, s := range going {
		c.sources.stopped = append(c.sources.stopped, s)
		if err := c.stopSource(s.Name); err != nil {
			return err
		}
	}
	for _, s := range later {
		if err := s.Again(); err != nil {
			return err
		}
		if err := c.openSource(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// compareSources finds which sources stay, come and go.
func (c *change) compareSources() (coming, going []*rules.Source) {
	old := make(map[string]*rules.Source)
	for _, s := range c.from.Sources {
		old[s.Name] = s
	}
	for _, s := range c.to.Sources {
		running, runs := c.node.daemon.Source(s.Name)
		if before := old[s.Name]; runs && s.Same(before) {
			s.Keep(before)
			c.sources.kept = append(c.sources.kept, keptSource{s, running})
			delete(old, s.Name)
		} else {
			coming = append(coming, s)
		}
	}
	for _, s := range c.from.Sources {
		if old[s.Name] != nil {
			going = append(going, s)
		}
	}
	return coming, going
}

func (c *change) openSource(ctx context.Context, s *rules.Source) error {
	if err := c.node.daemon.OpenSource(ctx, s.Name, s.Source); err != nil {
		return fmt.Errorf("%s: %w", s.Pos, err)
	}
	c.sources.opened = append(c.sources.opened, s)
	return nil
}

// restoreSources closes what was opened, and runs again what was stopped.
func (c *change) restoreSources(ctx context.Context) {
	n := c.node
	for _, s := range c.sources.opened {
		if err := s.Source.Close(); err != nil {
			n.logger.Warn("cannot close source", "source", s.Name, "err", err)
		}
	}
	for _, s := range c.sources.stopped {
		err := s.Again()
		if err == nil {
			err = n.daemon.OpenSource(ctx, s.Name, s.Source)
		}
		if err != nil {
			n.logger.Error("a source that a failed reload has stopped does not come back", "source", s.Name, "err", err)
			n.runner.Notify("tocsin source", fmt.Sprintf("source %s has stopped: %v", s.Name, err), engine.Attr{Key: "source", Value: s.Name})
			continue
		}
		n.daemon.RunSource(n.running(s))
	}
}
