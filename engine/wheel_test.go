package engine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type noFirer struct{}

func (noFirer) Fire(*Engine, *Timer) {}

// TestWheelOrder holds the wheel against a sorted list: whatever is set, moved
// and cancelled, timers come out in the order of (due time, order set), and
// never before their time.
func TestWheelOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := Time(rapid.Int64Range(0, 1<<50).Draw(t, "start"))
		w, now := NewWheel(start), start
		var model []dueTimer
		timers := make([]Timer, 20)
		drop := func(timer *Timer) {
			model = slices.DeleteFunc(model, func(d dueTimer) bool { return d.t == timer })
		}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			timer := &timers[rapid.IntRange(0, len(timers)-1).Draw(t, "timer")]
			timer.Firer = noFirer{}
			span := Time(1) << rapid.IntRange(0, 60).Draw(t, "bits")
			ahead := Time(rapid.Int64Range(0, int64(span)).Draw(t, "ahead"))
			switch rapid.IntRange(0, 3).Draw(t, "do") {
			case 0, 1:
				drop(timer)
				w.Set(timer, now+ahead)
				model = append(model, dueTimer{now + ahead, timer.seq, timer})
			case 2:
				drop(timer)
				w.Cancel(timer)
			case 3:
				now += ahead
				slices.SortFunc(model, compareDue)
				for len(model) > 0 && model[0].due <= now {
					if next, ok := w.Next(); !ok || next > model[0].due {
						t.Fatalf("Next() = %d, %v, but a timer is due at %d", next, ok, model[0].due)
					}
					budget := rapid.IntRange(1, 3).Draw(t, "budget")
					got := w.pop(now, &budget)
					for got == nil && budget <= 0 {
						budget = 2
						got = w.pop(now, &budget)
					}
					if got != model[0].t {
						t.Fatalf("Pop(%d) = %v, want the timer due at %d", now, got, model[0].due)
					}
					model = model[1:]
				}
				if got := w.Pop(now); got != nil {
					t.Fatalf("Pop(%d) gave a timer due at %d", now, got.due)
				}
			}
			if w.Len() != len(model) {
				t.Fatalf("Len() = %d, want %d", w.Len(), len(model))
			}
		}
	})
}

// TestWheelSetWhileFiring sets and cancels timers of the tick that is firing.
func TestWheelSetWhileFiring(t *testing.T) {
	w := NewWheel(0)
	var a, b, c, d Timer
	w.Set(&a, 10)
	w.Set(&b, 20)
	w.Set(&c, 30)
	if got := w.Pop(40); got != &a {
		t.Fatal("a is first")
	}
	w.Set(&d, 20) // behind b, which was set before
	w.Cancel(&c)
	w.Set(&c, 5) // overdue: at once
	for i, want := range []*Timer{&c, &b, &d, nil} {
		if got := w.Pop(40); got != want {
			t.Fatalf("pop %d: got a timer due at %v", i, got)
		}
	}
}

// TestWheelPeriodicKeepsPlace: a periodic timer made first fires first at every
// instant, although the other was set before it was set again.
func TestWheelPeriodicKeepsPlace(t *testing.T) {
	w := NewWheel(0)
	var tick, once Timer
	place := w.Reserve()
	w.SetAs(&tick, 100, place)
	w.Set(&once, 200)
	if w.Pop(100) != &tick {
		t.Fatal("tick fires at 100")
	}
	w.SetAs(&tick, 200, place)
	if w.Pop(200) != &tick || w.Pop(200) != &once {
		t.Fatal("tick keeps its place before once")
	}
}

func TestWheelShift(t *testing.T) {
	w := NewWheel(0)
	var a, b Timer
	w.Set(&a, 7)
	w.Set(&b, 5e9)
	w.Shift(1e18)
	if w.Pop(1e18+6) != nil || w.Pop(1e18+7) != &a || w.Pop(1e18+5e9-1) != nil || w.Pop(1e18+5e9) != &b {
		t.Fatal("timers move along with the clock")
	}
}

func BenchmarkWheelSet(b *testing.B) {
	w := NewWheel(0)
	timers := make([]Timer, 1<<17)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.Set(&timers[i&(1<<17-1)], Time(i%60)*1e9)
	}
}
