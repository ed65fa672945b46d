package main

import (
	"context"
	"embed"
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
	shopkafka "tocsin/examples/shop-kafka"
	"tocsin/plugins"
	"tocsin/rules"
)

// demoCommand is "tocsin demo".
type demoCommand struct {
	For    time.Duration `placeholder:"TIME" help:"End by itself after this time, such as 10s."`
	Kafka  bool          `help:"Run the shop with Kafka between its machines and Tocsin; the broker is in this process."`
	Broker string        `placeholder:"HOST:PORT" help:"With --kafka: a broker that is running. The topics shop-lines, shop-collectd and shop-states are made there."`
}

// Help is shown by "tocsin demo --help".
func (*demoCommand) Help() string {
	return `Runs the rules files of examples/shop as they are, and plays the shop's machines: ten app servers and five places that look at the front page, over graphite, and their cpus, over collectd. Some servers die each minute, the shop becomes critical, and recovers when they are back.

On a terminal the strip of LEDs at the foot has one pixel for the shop and one for each server. Pages go to a pager in this process, which shows them in the log. Nothing is written to the disk, and nothing leaves this machine.

While it runs, in another terminal:

  tocsin query 'role = "app" and service = "http"'
  tocsin send --host me --service hello --state critical
  curl -s http://127.0.0.1:5580/metrics | grep tocsin_sink

With Kafka, which needs no broker for it, or with one that is running (its topics stay):

  tocsin demo --kafka
  tocsin demo --kafka --broker 127.0.0.1:9092

ctrl-C ends it.`
}

// demoPages is the sink that is replaced, since there is no account.
const demoPages = "pagerduty"

// demoExample is one of the example shops.
type demoExample struct {
	folder, file string
	files        embed.FS
	ports        demoPorts
	way          shopWay
}

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
	e, end, err := c.example(ctx, logger)
	if err != nil {
		return err
	}
	defer end()

	feeding, stopFeeding := context.WithCancel(ctx)
	f := &feeder{shop: newDemoShop(), way: e.way, logger: logger}
	var feeders sync.WaitGroup
	defer func() {
		stopFeeding()
		feeders.Wait()
	}()
	n, err := loadNode(path.Join(e.folder, e.file), nodeOptions{
		process: p, logger: logger,
		rules: rules.Options{
			ReadFile: e.readFile,
			Secret:   func(string) (string, bool) { return "demo", true },
		},
		replace: func(s *rules.Sink) (engine.Sink, error) { return pager.replace(p, logger, s) },
		ready: func() {
			p.greet(logger, e.ports)
			feeders.Go(func() { f.run(feeding) })
		},
		stopping: stopFeeding,
	})
	if err != nil {
		return err
	}
	return n.run(ctx)
}

// example makes ready one of the shops. end must be called.
func (c *demoCommand) example(ctx context.Context, logger *slog.Logger) (e *demoExample, end func(), err error) {
	if !c.Kafka {
		if c.Broker != "" {
			return nil, nil, usageError(errors.New("--broker is for --kafka"))
		}
		e = &demoExample{folder: "examples/shop", file: "demo.lua", files: shop.Files}
		e.ports, err = freePorts(logger, demoAddress{"tcp", demoGraphite}, demoAddress{"udp", demoCollectd}, demoAddress{"tcp", demoHTTP})
		e.way = &shopSockets{graphite: e.ports[demoGraphite], collectd: e.ports[demoCollectd]}
		return e, func() {}, err
	}
	e = &demoExample{folder: "examples/shop-kafka", file: "shop.lua", files: shopkafka.Files}
	if e.ports, err = freePorts(logger, demoAddress{"tcp", demoHTTP}); err != nil {
		return nil, nil, err
	}
	topics, err := openTopics(ctx, c.Broker, logger)
	if err != nil {
		return nil, nil, err
	}
	e.ports[demoBroker], e.way = topics.broker, topics
	logger.Info("the shop's machines write to topics of the broker at " + topics.broker)
	return e, topics.end, nil
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

type demoAddress struct{ network, address string }

// freePorts finds a free port in the place of each that is in use.
func freePorts(logger *slog.Logger, addresses ...demoAddress) (demoPorts, error) {
	ports := make(demoPorts)
	for _, a := range addresses {
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
func (e *demoExample) readFile(name string) ([]byte, error) {
	inside, ok := strings.CutPrefix(name, e.folder+"/")
	if !ok {
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	text, err := e.files.ReadFile(inside)
	if err != nil {
		return nil, err
	}
	out := string(text)
	for from, to := range e.ports {
		out = strings.ReplaceAll(out, `"`+from+`"`, `"`+to+`"`)
	}
	return []byte(out), nil
}
