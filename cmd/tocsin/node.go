package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tocsin/engine"
	"tocsin/rules"
)

const (
	// gcPercent is the garbage collector's target (GOGC) unless the environment
	// says otherwise. The heap is mostly the index, which changes little.
	gcPercent = 50
	// stopGrace bounds each step of the shutdown.
	stopGrace = 5 * time.Second
)

// nodeOptions are what a node is made with.
type nodeOptions struct {
	process *process
	logger  *slog.Logger
	rules   rules.Options // Logger, Metrics, Now and Output are filled in
	// replace puts another sink in the place of one that the file declared; nil
	// leaves all as they are.
	replace func(*rules.Sink) (engine.Sink, error)
	// watch has the rules loaded again when one of their files changes.
	watch bool
	// ready is called when everything runs, stopping when the shutdown begins;
	// either may be nil.
	ready    func()
	stopping func()
}

// node is a configuration with everything that runs it.
type node struct {
	nodeOptions
	path    string         // of the rules file
	config  *configuration // in Daemon.Change, and while nothing runs
	current atomic.Pointer[rules.Config]
	metrics *exposition
	clock   *engine.WallClock
	runner  *engine.Runner
	daemon  *engine.Daemon
	api     *api // nil: off

	launched map[string]string // settings that hold to the end
	state    *state            // nil: nothing is kept
	reloads  *reloads
	begun    chan struct{}                // closed when everything runs
	files    atomic.Pointer[watchedFiles] // of the last load, good or not
}

// loadNode loads a rules file and makes what runs it, without touching the
// world.
func loadNode(path string, o nodeOptions) (*node, error) {
	n := &node{nodeOptions: o, path: path, metrics: newExposition(), begun: make(chan struct{})}
	var err error
	if n.config, err = n.load(nil); err != nil {
		return nil, err
	}
	n.current.Store(n.config.Config)
	n.launched, n.reloads = forRestart(&n.config.Settings), newReloads(n.metrics.Set)
	n.clock = engine.NewWallClock(time.Now)
	n.runner = engine.NewRunner(n.config.Engine, n.clock)
	n.daemon = &engine.Daemon{Runner: n.runner, Outlets: n.config.allOutlets(), Logger: n.logger, Grace: stopGrace, Restore: n.restore}
	for _, s := range n.config.Sources {
		n.daemon.Sources = append(n.daemon.Sources, n.running(s))
	}
	n.metrics.show(n.config.allMetrics())
	if n.config.Settings.HTTP != "" {
		n.api = newAPI(n.runner, n.metrics, o.logger)
		n.api.show(n.config.Config)
	}
	return n, nil
}

// running gives a source its way into the engine.
func (n *node) running(s *rules.Source) engine.RunningSource {
	return engine.RunningSource{Name: s.Name, Source: s.Source, Input: n.runner.Input(s.Input())}
}

// oneSignal is how soon after the first one a signal of the same kind is no second
// one: timeout, and others who end a whole process group, send it twice.
const oneSignal = 500 * time.Millisecond

// run runs everything until a signal, or until ctx is done.
func (n *node) run(ctx context.Context) error {
	if n.process.getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	var beside sync.WaitGroup // not waited for when a second signal ends all
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := n.openAPI(ctx)
	if err == nil {
		err = n.openState()
	}
	if err != nil {
		n.closeAPI()
		n.config.Close()
		return err
	}
	signals := n.process.signals()
	beside.Go(func() { n.reloadOnHangup(ctx) })
	beside.Go(func() { n.watchKept(ctx) })
	if n.watch {
		beside.Go(func() { n.reloadOnChange(ctx) })
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	done := make(chan error, 1)
	go func() { done <- n.daemon.Run(life, n.started) }()

	begin, stopping := ctx.Done(), false
	var first os.Signal
	var since time.Time
	for {
		select {
		case err := <-done:
			cancel()
			beside.Wait()
			n.closeAPI()
			err = errors.Join(err, n.closeState())
			n.config.Close()
			if err == nil {
				n.logger.Info("stopped")
			}
			return err
		case <-begin:
			begin, stopping = nil, true
			go func() { n.refuse(); end() }()
		case s := <-signals:
			switch {
			case s == syscall.SIGHUP && !n.process.screen.IsTerminal():
				n.reloads.want()
			case s == first && time.Since(since) < oneSignal:
			case stopping:
				return &codedError{exitAtOnce, errors.New("ended at once by a second signal; what was queued is lost")}
			default: // on a terminal, SIGHUP says that it was closed
				stopping, first, since = true, s, time.Now()
				n.logger.Info("stopping; a second signal ends at once", "signal", s.String())
				cancel()
			}
		}
	}
}

func (n *node) openAPI(ctx context.Context) error {
	if n.api == nil {
		return nil
	}
	if err := n.api.listen(ctx, n.config.Settings.HTTP); err != nil {
		return err
	}
	n.api.reload = func() (*reloadAnswer, error) { return n.reload(ctx) }
	n.api.serve()
	return nil
}

// started is called when everything is open.
func (n *node) started() {
	n.keepPlaces()
	for _, s := range n.config.Sources {
		n.tellAddresses(s)
	}
	if n.api != nil {
		n.api.ready()
		n.logger.Info(fmt.Sprintf("listening on tcp %s (http)", n.api.address()))
	}
	n.tellSystemd("READY=1")
	close(n.begun)
	if n.ready != nil {
		n.ready()
	}
}

// keepPlaces has places be forgotten of sources that the configuration which runs
// does not have.
func (n *node) keepPlaces() {
	var names []string
	for _, s := range n.config.Sources {
		names = append(names, s.Name)
	}
	n.runner.KeepPlaces(names)
}

// tellAddresses says where a source listens.
func (n *node) tellAddresses(s *rules.Source) {
	if a, ok := s.Source.(engine.Addresser); ok {
		for _, address := range a.Addresses() {
			n.logger.Info(fmt.Sprintf("listening on %s (source %s)", address, s.Name))
		}
	}
}

// refuse ends the taking in of events over HTTP, before the sources end.
func (n *node) refuse() {
	n.tellSystemd("STOPPING=1")
	if n.stopping != nil {
		n.stopping()
	}
	if n.api == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	n.api.refuse(ctx)
}

func (n *node) closeAPI() {
	if n.api == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	n.api.close(ctx)
}

func (n *node) tellSystemd(state string) {
	if err := notifySystemd(n.process.getenv("NOTIFY_SOCKET"), state); err != nil {
		n.logger.Warn("cannot tell systemd", "state", state, "err", err)
	}
}
