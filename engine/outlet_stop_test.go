package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStopDelivers(t *testing.T) {
	sink := &notifyRecorder{}
	sink.fail = func(_ context.Context, call int, _ []Event) error {
		if call <= 2 {
			return errors.New("away")
		}
		return nil
	}
	runOutlet(t, sink, OutletOptions{RetryMin: 20 * time.Second}, func(t *outletTest) {
		sink.start = time.Now()
		t.put("a")
		synctest.Wait()
		t.Put(Message{Events: stateEvents("b")}) // never flushed by the engine
		if err := t.stopWithin(time.Minute); err != nil {
			t.Error(err)
		}
		if want := []string{"a", "a", "a", "b"}; !slices.Equal(sink.calls, want) {
			t.Errorf("got %q, want %q", sink.calls, want)
		}
		if sink.at[1] != 0 || sink.at[2] < 15*time.Second {
			t.Errorf("called at %v; Stop cuts one wait short, not all", sink.at)
		}
		if err := t.stopWithin(time.Minute); err != nil || sink.closed != 1 {
			t.Errorf("a second Stop: %v, closed %d times", err, sink.closed)
		}
	})
}

func TestStopIsBounded(t *testing.T) {
	for name, fail := range map[string]func(context.Context) error{
		"fails":    func(context.Context) error { return errors.New("away") },
		"is slow":  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"is stuck": func(context.Context) error { time.Sleep(time.Hour); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			sink := &forwardRecorder{}
			sink.fail = func(ctx context.Context, _ int, _ []Event) error { return fail(ctx) }
			runOutlet(t, sink, OutletOptions{Queue: 10, Full: Block}, func(t *outletTest) {
				t.put("1")
				synctest.Wait()
				t.put("2", "3")
				t.Put(Message{Events: make([]Event, 20)}) // more than there is room for
				began := time.Now()
				err := t.stopWithin(5 * time.Second)
				if d := time.Since(began); d < 5*time.Second || d > 6*time.Second {
					t.Errorf("Stop took %v", d)
				}
				if err == nil || !strings.Contains(err.Error(), "23 events") {
					t.Errorf("got %v, want 23 events", err)
				}
				t.counts(map[string]int{"events": 23, "delivered": 0, `dropped,reason="shutdown"`: 23})
				if !strings.Contains(t.log.String(), "not delivered before the end") {
					t.Error("no line about it")
				}
				t.PutEvent(&Event{})
				t.Flush()
				t.counts(map[string]int{`dropped,reason="shutdown"`: 24})
			})
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	sink := &forwardRecorder{}
	sink.fail = func(ctx context.Context, _ int, _ []Event) error { <-ctx.Done(); return ctx.Err() }
	runOutlet(t, sink, OutletOptions{Full: Block}, func(t *outletTest) {
		t.put("1", "2")
		synctest.Wait()
		t.cancel()
		t.running.Wait()
		t.put("3") // must not wait for ever
		t.counts(map[string]int{`dropped,reason="shutdown"`: 3})
		if err := t.stopWithin(time.Second); err == nil || !strings.Contains(err.Error(), "3 events") {
			t.Errorf("got %v", err)
		}
	})
}
