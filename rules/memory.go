package rules

import (
	"runtime"
	"runtime/metrics"
	"sync/atomic"

	lua "github.com/yuin/gopher-lua"
)

// largeMade is from which size on a string that a library makes is counted at
// once, in bytes; the watchdog's looks see the rest.
const largeMade = 32 << 10

// scale tells how much memory a call takes: by how much the heap of the process
// grows while it runs, garbage left aside. Other goroutines have their part in
// that; all that they can take while a call runs is bounded by their queues.
type scale struct {
	limit atomic.Uint64 // in bytes
	heap  atomic.Uint64 // at the last look
	due   atomic.Bool   // the call in hand shall weigh what it took

	// The engine's goroutine only:
	base  uint64 // the heap when the call in hand began
	next  uint64 // the heap from which on to weigh again; 0: from the limit on
	taken uint64 // by strings since the last weighing
	heavy bool   // the call in hand was cut off for its memory
	from  string // what the limit is from
}

// allow sets the limit, in bytes, and what it is from.
func (s *scale) allow(limit uint64, from string) {
	s.limit.Store(limit)
	s.from = from
}

// begin is called when a call begins.
func (s *scale) begin() { s.base, s.next, s.heavy = s.heap.Load(), 0, false }

// sample notes how large the heap is.
func (s *scale) sample() uint64 {
	now := heapBytes()
	s.heap.Store(now)
	return now
}

// heapBytes returns the size of the objects on the heap, with those that are
// garbage but not swept yet.
func heapBytes() uint64 {
	sample := [1]metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample[:])
	return sample[0].Value.Uint64()
}

// watchdogOf returns the watchdog of a thread of Lua.
func watchdogOf(L *lua.LState) *watchdog { return L.Context().(*watchdog) }

// made counts a large string that a library made, and weighs when strings alone
// may have come to the limit. A call cannot outrun the looks that way.
func (w *watchdog) made(n int) {
	if w.scale.taken += uint64(n); w.scale.taken >= w.scale.limit.Load()/2 {
		w.weigh()
	}
}

// weigh cuts off the call in hand if it took too much. Garbage does not count,
// so it is collected where it would decide; not at each look, or a call that is
// near the limit would do little else.
func (w *watchdog) weigh() {
	s := &w.scale
	s.taken = 0
	s.due.Store(false)
	most := s.limit.Load()
	if now := heapBytes(); w.depth == 0 || now <= s.base+most || now < s.next {
		return
	}
	runtime.GC()
	now := s.sample()
	s.next = now + most/2
	if now > s.base+most {
		s.heavy = true
		w.cut()
	}
}
