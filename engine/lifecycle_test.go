package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// journal notes what happened, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

// journalSource notes its life; run, when not nil, is its Run.
type journalSource struct {
	*journal
	name string
	open func() error
	run  func(ctx context.Context, in Input) error
}

func (s *journalSource) Open(context.Context) error {
	s.note("open " + s.name)
	if s.open != nil {
		return s.open()
	}
	return nil
}

func (s *journalSource) Run(ctx context.Context, in Input) error {
	s.note("run " + s.name)
	defer s.note("end " + s.name)
	if s.run != nil {
		return s.run(ctx, in)
	}
	<-ctx.Done()
	return nil
}

func (s *journalSource) Close() error { s.note("close " + s.name); return nil }

// journalSink notes its life and what it was given.
type journalSink struct {
	*journal
	name    string
	open    error
	forward func(ctx context.Context) error
}

func (s *journalSink) Open(context.Context) error { s.note("open " + s.name); return s.open }
func (s *journalSink) Close() error               { s.note("close " + s.name); return nil }

func (s *journalSink) Forward(ctx context.Context, events []Event) error {
	for i := range events {
		s.note(s.name + " got " + events[i].ID.Service)
	}
	if s.forward != nil {
		return s.forward(ctx)
	}
	return nil
}

const testGrace = 2 * time.Second

// daemonTest is a daemon in a bubble, all of whose events go to all of its
// sinks.
type daemonTest struct {
	*testing.T
	journal
	Daemon
	stop     context.CancelFunc
	ctx      context.Context
	released chan struct{} // lets go what hangs
}

func testDaemon(t *testing.T, f func(*daemonTest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &daemonTest{T: t, released: make(chan struct{})}
		clock := NewWallClock(time.Now)
		e := New(Options{}, clock.Read().Now)
		d.ctx, d.stop = context.WithCancel(context.Background())
		d.Daemon = Daemon{Runner: NewRunner(e, clock), Grace: testGrace}
		e.Subscribe(nil, &recorder{then: func(e *Event) {
			for _, o := range d.Outlets {
				o.PutEvent(e)
			}
		}})
		f(d)
		close(d.released)
		synctest.Wait()
	})
}

func (d *daemonTest) source(s *journalSource) {
	s.journal = &d.journal
	d.Sources = append(d.Sources, RunningSource{Name: s.name, Source: s, Input: d.Runner.Input(InputOptions{Name: s.name})})
}

func (d *daemonTest) sink(s *journalSink, o OutletOptions) {
	s.journal = &d.journal
	o.Name, o.Sink = s.name, s
	outlet, err := NewOutlet(o)
	if err != nil {
		d.Fatal(err)
	}
	d.Runner.engine.AddOutput(outlet)
	d.Outlets = append(d.Outlets, outlet)
}

// emit sends an event of that service.
func emit(ctx context.Context, in Input, service string) error {
	id, err := in.Identities().Intern(serviceParts(service))
	if err != nil {
		return err
	}
	b := in.Batch()
	b.Add(id)
	return in.Send(ctx, b)
}

// run runs the daemon for half a minute and returns how long the shutdown took.
func (d *daemonTest) run() (took time.Duration, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = d.Daemon.Run(d.ctx, func() { d.note("ready") })
	}()
	select {
	case <-time.After(30 * time.Second):
	case <-done:
		return 0, err
	}
	began := time.Now()
	d.stop()
	<-done
	return time.Since(began), err
}

// want checks the journal; parts in one line, joined by " + ", may come in any order.
func (d *daemonTest) want(lines ...string) {
	d.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	at := 0
	for _, line := range lines {
		want := strings.Split(line, " + ")
		got := slices.Clone(d.lines[min(at, len(d.lines)):min(at+len(want), len(d.lines))])
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			d.Errorf("line %d: want %q in\n%s", at, want, strings.Join(d.lines, "\n"))
			return
		}
		at += len(want)
	}
	if at != len(d.lines) {
		d.Errorf("more than wanted: %q", d.lines[at:])
	}
}

func TestDaemonOrder(t *testing.T) {
	testDaemon(t, func(d *daemonTest) {
		d.source(&journalSource{name: "source1"})
		d.source(&journalSource{name: "source2", run: func(ctx context.Context, in Input) error {
			<-ctx.Done()
			return emit(context.Background(), in, "last")
		}})
		d.sink(&journalSink{name: "sink1"}, OutletOptions{})
		d.sink(&journalSink{name: "sink2"}, OutletOptions{})
		took, err := d.run()
		if err != nil || took != 0 {
			d.Errorf("%v after %v", err, took)
		}
		d.want("open sink1", "open sink2", "open source1", "open source2", "run source1 + run source2 + ready",
			"end source1 + end source2 + sink1 got last + sink2 got last + close sink1 + close sink2")
		for _, sink := range []string{"sink1", "sink2"} {
			closed := slices.Index(d.lines, "close "+sink)
			for _, before := range []string{"end source1", "end source2", sink + " got last"} {
				if slices.Index(d.lines, before) > closed {
					d.Errorf("%s is closed before %q", sink, before)
				}
			}
		}
	})
}

func TestDaemonRollsBack(t *testing.T) {
	t.Run("sink", func(t *testing.T) {
		testDaemon(t, func(d *daemonTest) {
			d.source(&journalSource{name: "source"})
			d.sink(&journalSink{name: "sink1"}, OutletOptions{})
			d.sink(&journalSink{name: "sink2", open: errors.New("no route")}, OutletOptions{})
			if _, err := d.run(); err == nil || err.Error() != `cannot open sink "sink2": no route` {
				d.Errorf("got %v", err)
			}
			d.want("open sink1", "open sink2", "close sink1")
		})
	})
	for name, open := range map[string]func() error{
		"source":         func() error { return errors.New("port is taken") },
		"source panics":  func() error { panic("port is taken") },
		"daemon stopped": func() error { return context.Canceled },
	} {
		t.Run(name, func(t *testing.T) {
			testDaemon(t, func(d *daemonTest) {
				d.source(&journalSource{name: "source1"})
				d.source(&journalSource{name: "source2", open: open})
				d.source(&journalSource{name: "source3"})
				d.sink(&journalSink{name: "sink"}, OutletOptions{})
				took, err := d.run()
				if err == nil || !strings.HasPrefix(err.Error(), `source "source2": `) || took != 0 {
					d.Errorf("got %v after %v", err, took)
				}
				d.want("open sink", "open source1", "open source2", "close source1", "close sink")
				if !d.Runner.hasStopped() {
					d.Error("the engine still runs")
				}
			})
		})
	}
}

func TestASourceThatHangs(t *testing.T) {
	testDaemon(t, func(d *daemonTest) {
		d.source(&journalSource{name: "stuck", run: func(ctx context.Context, in Input) error {
			err := emit(ctx, in, "before")
			<-d.released
			return errors.Join(err, emit(context.Background(), in, "after"))
		}})
		d.sink(&journalSink{name: "sink"}, OutletOptions{})
		took, err := d.run()
		if err == nil || !strings.Contains(err.Error(), "a source did not stop in time") || took != testGrace {
			d.Errorf("got %v after %v", err, took)
		}
		d.want("open sink", "open stuck", "run stuck + ready", "sink got before", "close sink")
	})
}

func TestASinkThatHangs(t *testing.T) {
	for name, c := range map[string]struct {
		options OutletOptions
		most    time.Duration
	}{
		"and drops": {OutletOptions{Queue: 2, Batch: 1}, testGrace + 2*stopGrace},
		"and holds the engine up": {OutletOptions{Queue: 2, Batch: 1, Full: Block},
			3*testGrace + 2*stopGrace},
	} {
		t.Run(name, func(t *testing.T) {
			testDaemon(t, func(d *daemonTest) {
				d.source(&journalSource{name: "source", run: func(ctx context.Context, in Input) error {
					for ctx.Err() == nil {
						if err := emit(ctx, in, "flood"); err != nil {
							return err
						}
						time.Sleep(time.Millisecond)
					}
					return nil
				}})
				d.sink(&journalSink{name: "stuck", forward: func(context.Context) error { <-d.released; return nil }}, c.options)
				d.sink(&journalSink{name: "fine"}, OutletOptions{})
				took, err := d.run()
				if err == nil || !strings.Contains(err.Error(), `to sink "stuck"`) {
					d.Errorf("got %v", err)
				}
				if took > c.most+time.Millisecond {
					d.Errorf("the shutdown took %v, want at most %v", took, c.most)
				}
				d.mu.Lock()
				defer d.mu.Unlock()
				if !slices.Contains(d.lines, "fine got flood") || !slices.Contains(d.lines, "close fine") {
					d.Errorf("the other sink suffers: %q", d.lines[len(d.lines)-5:])
				}
			})
		})
	}
}

func TestASourceThatEndsOnItsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		run  func(context.Context, Input) error
		want string
	}{
		"without error": {func(context.Context, Input) error { return nil }, "source ends has stopped: it ended"},
		"with error":    {func(context.Context, Input) error { return errors.New("token refused") }, "source ends has stopped: token refused"},
		"with a panic":  {func(context.Context, Input) error { panic("nil map") }, "source ends has stopped: panic: nil map"},
	} {
		t.Run(name, func(t *testing.T) {
			testDaemon(t, func(d *daemonTest) {
				var told []Event
				d.Runner.engine.Subscribe(nil, &recorder{then: func(e *Event) {
					if e.ID.Service == "tocsin source" {
						told = append(told, *e)
					}
				}})
				d.source(&journalSource{name: "ends", run: c.run})
				d.source(&journalSource{name: "other", run: func(ctx context.Context, in Input) error {
					time.Sleep(time.Second)
					return errors.Join(emit(ctx, in, "goes on"), func() error { <-ctx.Done(); return nil }())
				}})
				d.sink(&journalSink{name: "sink"}, OutletOptions{})
				if took, err := d.run(); err != nil || took != 0 {
					d.Errorf("%v after %v", err, took)
				}
				if len(told) != 1 || told[0].Description != c.want || told[0].State != "critical" {
					d.Fatalf("told %v", told)
				}
				if v, _ := told[0].ID.Labels.Attr("source"); v != "ends" {
					d.Errorf("of source %q", v)
				}
				if !slices.Contains(d.lines, "sink got goes on") {
					d.Errorf("the other source suffers: %q", d.lines)
				}
			})
		})
	}
}

// TestStoppedWhileItRestores: a full sink does not hold up the end of a restore.
func TestStoppedWhileItRestores(t *testing.T) {
	testDaemon(t, func(d *daemonTest) {
		d.sink(&journalSink{name: "stuck", forward: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
			OutletOptions{Queue: 2, Batch: 1, Full: Block})
		d.Restore = func(ctx context.Context) error {
			for ctx.Err() == nil {
				d.Runner.Replay(ctx, Logged{Events: []Event{{ID: &Identity{Labels: &Labels{}}}}})
			}
			return ctx.Err()
		}
		time.AfterFunc(time.Second, d.stop)
		began := time.Now()
		if err := d.Daemon.Run(d.ctx, func() {}); err == nil || errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), `to sink "stuck"`) {
			d.Errorf("got %v", err)
		}
		if took := time.Since(began); took > time.Second+testGrace+2*stopGrace {
			d.Errorf("it took %v", took)
		}
	})
}
