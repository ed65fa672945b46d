package main

import (
	"context"
	"errors"
	"time"

	"tocsin/engine"
)

const (
	// keptEvery is how often it is looked at what rules keep in variables.
	keptEvery = 5 * time.Second
	// keptShare is which part of the engine's time that may take: one in so many.
	keptShare = 100
)

// watchKept looks now and then at how much memory rules keep, until ctx is done.
func (n *node) watchKept(ctx context.Context) {
	wait := keptEvery
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		config, took := n.current.Load(), time.Duration(0)
		err := config.WatchKept(func(f func()) error {
			running := false
			err := n.runner.Do(ctx, func(e *engine.Engine) {
				if running = e == config.Engine; running {
					began := time.Now()
					f()
					took += time.Since(began)
				}
			})
			if err == nil && !running {
				return errReplaced
			}
			return err
		})
		if err != nil && !errors.Is(err, errReplaced) && ctx.Err() == nil {
			n.logger.Warn("cannot look at what rules keep in variables", "err", err)
			return
		}
		wait = max(keptEvery, keptShare*took)
	}
}
