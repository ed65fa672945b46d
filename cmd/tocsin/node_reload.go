package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
)

// reloadTimeout is how long a reload may take to open what is new, and then to
// wait for the engine.
const reloadTimeout = 30 * time.Second

// reloadAnswer tells what a reload has changed.
type reloadAnswer struct {
	Changes  []string `json:"changes"`
	Warnings []string `json:"warnings,omitempty"`
	// Pause is for how many seconds events waited.
	Pause float64 `json:"pause"`
}

var errNotNow = errors.New("cannot reload while tocsin starts or stops")

// reloads is what is known of the reloads so far.
type reloads struct {
	wanted chan struct{} // by SIGHUP; one more than the one in hand is enough
	failed bool          // the last one; in Daemon.Change only

	success, at *metrics.Gauge
}

func newReloads(set *metrics.Set) *reloads {
	r := &reloads{
		wanted:  make(chan struct{}, 1),
		success: set.GetOrCreateGauge("tocsin_reload_success", nil),
		at:      set.GetOrCreateGauge("tocsin_reload_success_timestamp_seconds", nil),
	}
	r.count(nil)
	return r
}

func (r *reloads) count(err error) {
	if err != nil {
		r.success.Set(0)
		return
	}
	r.success.Set(1)
	r.at.Set(float64(time.Now().Unix()))
}

// want asks for a reload. It does not wait.
func (r *reloads) want() {
	select {
	case r.wanted <- struct{}{}:
	default:
	}
}

// reloadOnHangup reloads when it is wanted, until ctx is done. What is wanted
// during the start comes after it.
func (n *node) reloadOnHangup(ctx context.Context) {
	select {
	case <-n.begun:
	case <-ctx.Done():
		return
	}
	for {
		select {
		case <-n.reloads.wanted:
			n.reopen()
			n.reload(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// reloadOnChange reloads when a file has changed that the last load read, until
// ctx is done.
func (n *node) reloadOnChange(ctx context.Context) {
	n.logger.Info("watching the rules files for changes")
	for {
		files := n.files.Load()
		path := awaitChange(files, ctx.Done())
		if path == "" {
			return
		}
		if n.files.Load() != files {
			continue // somebody else has reloaded meanwhile
		}
		n.logger.Info("changed: " + path)
		n.reload(ctx)
	}
}

// reopen has sinks that write files open them again.
func (n *node) reopen() {
	err := n.daemon.Change(func() error {
		for _, o := range n.config.allOutlets() {
			o.Reopen()
		}
		return nil
	})
	if err == nil {
		n.logger.Info("files are opened again before the next event is written")
	}
}

// reload loads the rules file again and has it take the place of the
// configuration that runs, which goes on if anything is wrong. The log, an event
// and the metrics tell of it. Of several reloads one waits for the other; during
// the shutdown they are refused.
func (n *node) reload(ctx context.Context) (*reloadAnswer, error) {
	var answer *reloadAnswer
	err := n.daemon.Change(func() (err error) {
		if ctx.Err() != nil {
			return errNotNow
		}
		n.tellSystemd(reloadingState())
		answer, err = n.change(ctx)
		if ctx.Err() == nil {
			n.tellSystemd("READY=1")
		}
		n.tellReload(ctx, answer, err)
		return err
	})
	if errors.Is(err, engine.ErrStopped) {
		err = errNotNow
	}
	return answer, err
}

// tellReload tells how a reload went.
func (n *node) tellReload(ctx context.Context, answer *reloadAnswer, err error) {
	n.reloads.count(err)
	before := n.reloads.failed
	n.reloads.failed = err != nil
	state, description := "ok", "the rules are reloaded"
	if err != nil {
		n.logger.Error("cannot reload; what ran before goes on", "err", err)
		state, description = "critical", err.Error()
	} else {
		for _, warning := range answer.Warnings {
			n.logger.Warn(warning)
		}
		n.logger.Info("reloaded", "changes", strings.Join(answer.Changes, "; "), "pause", engine.Seconds(answer.Pause).Round(time.Microsecond).String())
	}
	if err == nil && !before {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stopGrace)
	defer cancel()
	n.runner.Do(ctx, func(e *engine.Engine) { e.Notice("tocsin reload", state, description) })
}

// change is one reload at work: from one configuration to another.
type change struct {
	node     *node
	from, to *configuration
	sources  sourceChange
	outlets  []*engine.Outlet // that were added
	answer   *reloadAnswer
}

// change loads the rules file beside what runs, opens what is new, and swaps.
// With an error everything is as it was before.
func (n *node) change(ctx context.Context) (*reloadAnswer, error) {
	to, err := n.load(n.config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	c := &change{node: n, from: n.config, to: to, answer: new(reloadAnswer)}
	if err = c.addOutlets(ctx); err == nil {
		if err = c.moveSources(ctx); err == nil {
			err = c.swap(ctx)
		}
	}
	if err != nil {
		c.undo(ctx)
		return nil, err
	}
	c.finish()
	return c.answer, nil
}

// addOutlets opens and runs the outlets of new and changed sinks.
func (c *change) addOutlets(ctx context.Context) error {
	for _, s := range c.to.Sinks {
		o := c.to.outlets[s.Name]
		if c.from.outlets[s.Name] == o {
			continue
		}
		if err := c.node.daemon.AddOutlet(ctx, o); err != nil {
			return fmt.Errorf("%s: %w", s.Pos, err)
		}
		c.outlets = append(c.outlets, o)
	}
	return nil
}

// stopSource stops a source, which waits until the engine has served what it has
// read. A full outlet may hold the engine up: meanwhile it takes what comes, which is
// not much more than what is queued for the engine.
func (c *change) stopSource(name string) error {
	for _, o := range c.from.allOutlets() {
		o.Yield(true)
		defer o.Yield(false)
	}
	return c.node.daemon.StopSource(name)
}

// swap has the engine go on with the new configuration.
func (c *change) swap(ctx context.Context) error {
	dropped := 0
	pause, err := c.node.runner.Swap(ctx, func(*engine.Engine) (*engine.Engine, error) {
		dropped = c.to.Succeed(c.from.Config)
		c.handOver()
		if c.node.state != nil {
			c.to.replaced = append(c.from.replaced, c.gone()...)
			c.node.runner.SaveWith(c.to.save)
		}
		for _, k := range c.sources.kept {
			input := k.source.Input()
			c.node.runner.Revise(k.running.Input, input.TTL, input.Through)
		}
		return c.to.Engine, nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the engine was busy for %v", reloadTimeout)
	}
	if err == nil {
		*c.answer = reloadAnswer{c.describe(dropped), c.warnings(), pause.Seconds()}
	}
	return err
}

// handOver gives what the outlets of changed sinks hold to the new ones.
func (c *change) handOver() {
	for _, s := range c.to.Sinks {
		old, next := c.from.outlets[s.Name], c.to.outlets[s.Name]
		if old != nil && old != next {
			old.Handover(next)
		}
	}
}

// gone returns the outlets that the new configuration does not have.
func (c *change) gone() (out []*engine.Outlet) {
	stay := c.to.allOutlets()
	for _, o := range c.from.allOutlets() {
		if !slices.Contains(stay, o) {
			out = append(out, o)
		}
	}
	return out
}

// finish ends what is gone and runs what is new.
func (c *change) finish() {
	n := c.node
	for _, o := range c.gone() {
		n.daemon.DropOutlet(o)
	}
	n.config = c.to
	n.keepPlaces()
	n.current.Store(c.to.Config)
	for _, s := range c.sources.opened {
		n.daemon.RunSource(n.running(s))
		n.tellAddresses(s)
	}
	n.metrics.show(c.to.allMetrics())
	if n.api != nil {
		n.api.show(c.to.Config)
	}
	c.from.Close()
}

// undo ends what is new and runs again what was stopped.
func (c *change) undo(ctx context.Context) {
	c.restoreSources(context.WithoutCancel(ctx))
	for _, o := range c.outlets {
		c.node.daemon.DropOutlet(o)
	}
	c.to.Close()
}
