package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// during runs the daemon and calls f while it runs.
func (d *daemonTest) during(f func()) error {
	ready, done := make(chan struct{}), make(chan error)
	go func() { done <- d.Daemon.Run(d.ctx, func() { close(ready) }) }()
	<-ready
	synctest.Wait()
	f()
	d.stop()
	return <-done
}

// add is a source that comes while the daemon runs.
func (d *daemonTest) add(s *journalSource) error {
	s.journal = &d.journal
	return d.Change(func() error {
		if err := d.OpenSource(d.ctx, s.name, s); err != nil {
			return err
		}
		d.RunSource(RunningSource{Name: s.name, Source: s, Input: d.Runner.Input(InputOptions{Name: s.name})})
		return nil
	})
}

func TestSourcesComeAndGo(t *testing.T) {
	testDaemon(t, func(d *daemonTest) {
		last := func(name string) *journalSource {
			return &journalSource{name: name, run: func(ctx context.Context, in Input) error {
				<-ctx.Done()
				return emit(context.Background(), in, "last of "+name)
			}}
		}
		d.source(last("a"))
		d.sink(&journalSink{name: "sink"}, OutletOptions{})
		if err := d.Change(func() error { return nil }); err != ErrStopped {
			d.Errorf("changed before it runs: %v", err)
		}
		err := d.during(func() {
			if err := d.add(last("b")); err != nil {
				d.Error(err)
			}
			synctest.Wait()
			d.Change(func() error {
				if _, runs := d.Source("b"); !runs {
					d.Error("b does not run")
				}
				return d.StopSource("a")
			})
			synctest.Wait()
			d.note("a is gone")
			refused := errors.New("port in use")
			if err := d.add(&journalSource{name: "c", open: func() error { return refused }}); !errors.Is(err, refused) {
				d.Errorf("c: %v", err)
			}
			if n := len(d.Runner.inputs); n != 1 {
				d.Errorf("%d inputs are left", n)
			}
		})
		if err != nil {
			d.Error(err)
		}
		if err := d.add(last("d")); err != ErrStopped {
			d.Errorf("changed after its end: %v", err)
		}
		d.want("open sink", "open a", "run a", "open b", "run b", "end a + sink got last of a", "a is gone", "open c",
			"end b + sink got last of b", "close sink")
	})
}

func TestSourceThatDoesNotStop(t *testing.T) {
	testDaemon(t, func(d *daemonTest) {
		d.source(&journalSource{name: "stuck", run: func(context.Context, Input) error { <-d.released; return nil }})
		d.source(&journalSource{name: "ends", run: func(context.Context, Input) error { return nil }})
		err := d.during(func() {
			began := time.Now()
			err := d.Change(func() error {
				if _, runs := d.Source("ends"); runs {
					d.Error("what has ended runs")
				}
				return d.StopSource("stuck")
			})
			if err == nil || time.Since(began) != testGrace {
				d.Errorf("%v after %v", err, time.Since(began))
			}
			for range 2 { // the second time it is gone
				if err := d.Change(func() error { return d.StopSource("ends") }); err != nil {
					d.Error(err)
				}
			}
			if n := len(d.Runner.inputs); n != 1 {
				d.Errorf("%d inputs are left, want that of the stuck one", n)
			}
		})
		if err == nil {
			d.Error("the shutdown does not tell of it")
		}
	})
}

func TestOutletsComeAndGo(t *testing.T) {
	testDaemon(t, func(d *daemonTest) {
		d.sink(&journalSink{name: "old"}, OutletOptions{})
		slow := &journalSink{name: "new", journal: &d.journal}
		outlet, err := NewOutlet(OutletOptions{Name: "new", Sink: slow})
		if err != nil {
			d.Fatal(err)
		}
		in := d.Runner.Input(InputOptions{Name: "in"})
		err = d.during(func() {
			if err := emit(d.ctx, in, "before"); err != nil {
				d.Error(err)
			}
			d.Change(func() error {
				if err := d.AddOutlet(d.ctx, outlet); err != nil {
					d.Error(err)
				}
				return d.Runner.Do(d.ctx, func(e *Engine) {
					old := d.Outlets[0]
					d.Outlets, e.outputs = []*Outlet{outlet}, []Output{outlet}
					d.DropOutlet(old)
				})
			})
			if err := emit(d.ctx, in, "after"); err != nil {
				d.Error(err)
			}
			synctest.Wait()
			if i := slices.Index(d.lines, "close old"); i < 0 {
				d.Errorf("the old one is not closed: %q", d.lines)
			}
			broken := &journalSink{name: "broken", journal: &d.journal, open: errors.New("no route")}
			none, err := NewOutlet(OutletOptions{Name: "broken", Sink: broken})
			if err != nil {
				d.Fatal(err)
			}
			if err := d.Change(func() error { return d.AddOutlet(d.ctx, none) }); err == nil {
				d.Error("a sink that does not open is there")
			}
		})
		if err != nil {
			d.Error(err)
		}
		slices.Sort(d.lines)
		want := []string{"close new", "close old", "new got after", "old got before", "open broken", "open new", "open old"}
		if !slices.Equal(d.lines, want) {
			d.Errorf("got %q", d.lines)
		}
	})
}

// TestSwap: what a source sent before it stopped goes through the old engine, and
// what waits at the swap through the new one; nothing is lost when the new one is
// not taken.
func TestSwap(t *testing.T) {
	testDaemon(t, func(d *daemonTest) {
		in := d.Runner.Input(InputOptions{Name: "in"})
		d.source(&journalSource{name: "goes", run: func(ctx context.Context, in Input) error {
			<-ctx.Done()
			return emit(context.Background(), in, "last")
		}})
		var old, next []string
		d.Runner.engine.Subscribe(nil, &recorder{then: func(e *Event) { old = append(old, e.ID.Service) }})
		err := d.during(func() {
			// The engine is held up while batches and the swaps come in.
			held, goOn := make(chan struct{}), make(chan struct{})
			go d.Runner.Do(d.ctx, func(*Engine) { close(held); <-goOn })
			<-held
			stopped := make(chan error)
			go func() { stopped <- d.Change(func() error { return d.StopSource("goes") }) }()
			synctest.Wait()
			select {
			case err := <-stopped:
				d.Errorf("stopped before its last event is served: %v", err)
			default:
			}
			close(goOn)
			if err := <-stopped; err != nil || !slices.Equal(old, []string{"last"}) {
				d.Errorf("the old engine had %q: %v", old, err)
			}
			refused := errors.New("refused")
			_, err := d.Runner.Swap(d.ctx, func(*Engine) (*Engine, error) { return nil, refused })
			if err != refused {
				d.Errorf("got %v", err)
			}
			_, err = d.Runner.Swap(d.ctx, func(e *Engine) (*Engine, error) {
				if err := emit(d.ctx, in, "waits"); err != nil {
					d.Error(err)
				}
				to := New(Options{Table: e.ids}, e.now)
				to.Subscribe(nil, &recorder{then: func(e *Event) { next = append(next, e.ID.Service+e.TTL.String()) }})
				d.Runner.Revise(in, time.Minute, nil)
				return to, nil
			})
			if err != nil {
				d.Error(err)
			}
			synctest.Wait()
			if len(old) != 1 || !slices.Equal(next, []string{"waits1m0s"}) {
				d.Errorf("%q through the old engine, %q through the new one", old, next)
			}
		})
		if err != nil {
			d.Error(err)
		}
	})
}
