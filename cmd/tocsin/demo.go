package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"

	"tocsin/engine"
	"tocsin/examples/shop"
	"tocsin/plugins"
	"tocsin/rules"
)

// demoCommand is "tocsin demo".
type demoCommand struct {
	For time.Duration `placeholder:"TIME" help:"End by itself after this time, such as 10s."`
}

// Help is shown by "tocsin demo --help".
func (*demoCommand) Help() string {
	return `Runs the rules files of examples/shop as they are, and plays the shop's machines: ten app servers and five places that look at the front page, over graphite, and their cpus, over collectd. Some servers die each minute, the shop becomes critical, and recovers when they are back.

On a terminal the strip of LEDs at the foot has one pixel for the shop and one for each server. Pages go to a pager in this process, which shows them in the log. Nothing is written to the disk, and nothing leaves this machine.

While it runs, in another terminal:

  tocsin query 'role = "app" and service = "http"'
  tocsin send --host me --service hello --state critical
  curl -s http://127.0.0.1:5580/metrics | grep tocsin_sink

ctrl-C ends it.`
}

const (
	demoFolder = "examples/shop"
	// demoPages is the sink that is replaced, since there is no account.
	demoPages = "pagerduty"
)

// The addresses of the shop's files, as they stand there.
const (
	demoGraphite = "127.0.0.1:2003"
	demoCollectd = "127.0.0.1:25826"
	demoHTTP     = rules.DefaultHTTP
)

// Run runs the shop until a signal, or for the time that was asked for.
func (c *demoCommand) Run(p *process) error {
	logger := p.logger("info")
	ctx := context.Background()
	if c.For > 0 {
		limited, cancel := context.WithTimeout(ctx, c.For)
		defer cancel()
		ctx = limited
	}
	pager, err := startPager(logger)
	if err != nil {
		return fmt.Errorf("cannot start the pager of the demo: %w", err)
	}
	defer pager.close()
	ports, err := freePorts(logger)
	if err != nil {
		return err
	}

	feeding, stopFeeding := context.WithCancel(ctx)
	f := &feeder{shop: newDemoShop(), graphite: ports[demoGraphite], collectd: ports[demoCollectd], logger: logger}
	var feeders sync.WaitGroup
	defer func() {
		stopFeeding()
		feeders.Wait()
	}()
	n, err := loadNode(path.Join(demoFolder, "demo.lua"), nodeOptions{
		process: p, logger: logger,
		rules: rules.Options{
			ReadFile: ports.readFile,
			Secret:   func(string) (string, bool) { return "demo", true },
		},
		replace: func(s *rules.Sink) (engine.Sink, error) { return pager.replace(p, logger, s) },
		ready: func() {
			p.greet(logger, ports)
			feeders.Go(func() { f.run(feeding) })
		},
		stopping: stopFeeding,
	})
	if err != nil {
		return err
	}
	return n.run(ctx)
}

// replace puts a sink that pages this pager in the place of one that pages
// PagerDuty.
func (d *demoPager) replace(p *process, logger *slog.Logger, s *rules.Sink) (engine.Sink, error) {
	if s.Kind != demoPages {
		return nil, nil
	}
	env := plugins.Env{Name: s.Name, Logger: logger.With("sink", s.Name), Terminal: p.screen}
	return plugins.NewSink(s.Kind, env, &plugins.Table{Pos: s.Pos, Fields: map[string]any{
		"routing_key": "demo", "url": d.url(),
	}})
}

// greet says what there is to do.
func (p *process) greet(logger *slog.Logger, ports demoPorts) {
	addr := ""
	if at := ports[demoHTTP]; at != demoHTTP {
		addr = " --addr " + at
	}
	logger.Info("the shop is open; ctrl-C closes it")
	logger.Info("send an event of your own: " + p.name + " send" + addr + " --host me --service hello --state critical")
}

// demoPorts maps each address in the shop's files to the one that is used.
type demoPorts map[string]string

// freePorts finds a free port in the place of each that is in use.
func freePorts(logger *slog.Logger) (demoPorts, error) {
	ports := make(demoPorts)
	for _, a := range []struct{ network, address string }{
		{"tcp", demoGraphite}, {"udp", demoCollectd}, {"tcp", demoHTTP},
	} {
		used, err := tryPort(a.network, a.address)
		if errors.Is(err, syscall.EADDRINUSE) {
			if used, err = tryPort(a.network, "127.0.0.1:0"); err == nil {
				logger.Warn(fmt.Sprintf("%s %s is in use; the demo takes %s instead", a.network, a.address, used))
			}
		}
		if err != nil {
			return nil, fmt.Errorf("cannot listen on %s %q: %w", a.network, a.address, err)
		}
		ports[a.address] = used
	}
	return ports, nil
}

// tryPort opens a port and closes it again.
func tryPort(network, address string) (string, error) {
	if network == "udp" {
		conn, err := net.ListenPacket(network, address)
		if err != nil {
			return "", err
		}
		defer conn.Close()
		return conn.LocalAddr().String(), nil
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// readFile reads a file of the shop from the binary, with the addresses that
// are used.
func (d demoPorts) readFile(name string) ([]byte, error) {
	inside, ok := strings.CutPrefix(name, demoFolder+"/")
	if !ok {
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	text, err := shop.Files.ReadFile(inside)
	if err != nil {
		return nil, err
	}
	out := string(text)
	for from, to := range d {
		out = strings.ReplaceAll(out, `"`+from+`"`, `"`+to+`"`)
	}
	return []byte(out), nil
}
