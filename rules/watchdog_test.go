package rules

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestWatchdog cuts off a call that runs for longer than the limit, and only
// that one.
func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatchdog(time.Second)
		defer w.close()
		call := func(d time.Duration) (closed, cut bool) {
			w.begin()
			w.begin() // a call within the call
			time.Sleep(d)
			synctest.Wait()
			select {
			case <-w.Done():
				closed = true
			default:
			}
			if w.end() {
				t.Error("an inner call does not end the cut")
			}
			return closed, w.end()
		}
		for _, step := range []struct {
			took time.Duration
			cut  bool
		}{{0, false}, {900 * time.Millisecond, false}, {1300 * time.Millisecond, true}, {time.Millisecond, false}, {time.Hour, true}, {0, false}} {
			if closed, cut := call(step.took); closed != step.cut || cut != step.cut {
				t.Errorf("a call of %v: done is closed %v, end says cut %v; want %v", step.took, closed, cut, step.cut)
			}
		}
	})
}

// TestWatchdogSuspended gives calls within a suspended one a time of their own.
func TestWatchdogSuspended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatchdog(time.Second)
		defer w.close()
		w.begin()
		for range 3 {
			resume := w.suspend()
			for range 3 {
				w.begin()
				time.Sleep(800 * time.Millisecond)
				synctest.Wait()
				if w.end() {
					t.Error("an inner call was cut off")
				}
			}
			resume()
		}
		w.cut()
		if _, open := <-w.Done(); open || !w.end() {
			t.Error("the outer call was not cut off")
		}
	})
}
