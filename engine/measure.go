package engine

import (
	"container/heap"
	"math"
)

// measure is one thing asked about the members of a set. Each member's
// contribution is kept with the member, so that taking it back needs no look
// at the past.
type measure struct {
	key  measureKey
	used Time

	n        int     // contributions
	sum      float64 // of the finite ones, with the rounding error apart
	lost     float64
	infinite [2]int // how many are +Inf and -Inf
	changes  int    // since the sum was last added up afresh
	counts   map[Value]int
	low      numberHeap
	high     numberHeap
}

type measureKind uint8

const (
	measureCount    measureKind = iota // pred holds
	measureSum                         // of key
	measureExtremes                    // of key
	measureDistinct                    // key
	measureState                       // state
)

type measureKey struct {
	kind measureKind
	by   any // Key, or what the predicate was made from
	pred Predicate
}

// maxMeasures bounds what can be asked about one set at a time.
const maxMeasures = 64

func (s *Set) measure(kind measureKind, by any, pred Predicate) *measure {
	now := s.index.engine.now
	s.used = now
	for _, m := range s.measures {
		if m.key.kind == kind && m.key.by == by {
			m.used = now
			return m
		}
	}
	m := &measure{key: measureKey{kind, by, pred}, used: now}
	if kind == measureExtremes || kind == measureDistinct || kind == measureState {
		m.counts = make(map[Value]int)
	}
	if len(s.measures) >= maxMeasures {
		s.dropMeasure()
	}
	s.measures = append(s.measures, m)
	for _, e := range s.members {
		part := e.memberOf(s)
		v := m.value(s.index.engine, &e.Event)
		part.values = append(part.values, v)
		m.add(v)
	}
	return m
}

// dropMeasure makes room by dropping the measure that was not read for the
// longest time.
func (s *Set) dropMeasure() {
	oldest := 0
	for i, m := range s.measures {
		if m.used < s.measures[oldest].used {
			oldest = i
		}
	}
	s.measures = append(s.measures[:oldest:oldest], s.measures[oldest+1:]...)
	for _, e := range s.index.entries {
		if part := e.memberOf(s); part != nil && len(part.values) > oldest {
			part.values = append(part.values[:oldest], part.values[oldest+1:]...)
		}
	}
}

// value returns what the event contributes; Absent is nothing.
func (m *measure) value(engine *Engine, e *Event) Value {
	var v Value
	var err error
	switch m.key.kind {
	case measureCount:
		var ok bool
		if ok, err = m.key.pred.Match(e); ok {
			v = BoolValue(true)
		}
	case measureState:
		if e.Has&HasState != 0 {
			v = TextValue(e.State)
		}
	case measureSum, measureExtremes:
		v, err = m.key.by.(Key).Value(e)
		v = numeric(v)
	case measureDistinct:
		if v, err = m.key.by.(Key).Value(e); v.Num != v.Num {
			v = Value{} // a NaN is never the same again
		}
	}
	if err != nil {
		engine.Fail(e, err)
		return Value{}
	}
	return v
}

// numeric turns a text that reads as a number into one; what is no number
// becomes absent.
func numeric(v Value) Value {
	if v.Kind == Text {
		if n, ok := ParseNumber(v.Str); ok {
			return NumberValue(n)
		}
	}
	if v.Kind != Number || math.IsNaN(v.Num) {
		return Value{}
	}
	return v
}

func (m *measure) add(v Value) {
	if v.Kind == Absent {
		return
	}
	m.n++
	switch m.key.kind {
	case measureSum:
		m.plus(v.Num)
	case measureExtremes:
		if m.counts[v]++; m.counts[v] == 1 {
			m.tidy()
			heap.Push(&m.low, v.Num)
			heap.Push(&m.high, -v.Num)
		}
	case measureDistinct, measureState:
		m.counts[v]++
	}
}

func (m *measure) remove(v Value) {
	if v.Kind == Absent {
		return
	}
	m.n--
	switch m.key.kind {
	case measureSum:
		if math.IsInf(v.Num, 0) {
			m.infinite[signIndex(v.Num)]--
		} else {
			m.plus(-v.Num)
		}
	case measureExtremes, measureDistinct, measureState:
		if m.counts[v]--; m.counts[v] == 0 {
			delete(m.counts, v)
		}
	}
}

func signIndex(f float64) int {
	if f > 0 {
		return 0
	}
	return 1
}

// plus adds with Neumaier's correction, so that what came and went leaves
// next to nothing behind.
func (m *measure) plus(f float64) {
	if math.IsInf(f, 0) {
		m.infinite[signIndex(f)]++
		return
	}
	m.changes++
	t := m.sum + f
	if math.Abs(m.sum) >= math.Abs(f) {
		m.lost += (m.sum - t) + f
	} else {
		m.lost += (f - t) + m.sum
	}
	m.sum = t
}

// Count returns for how many members pred holds; query is what it was made
// from, as for Index.Set.
func (s *Set) Count(query any, pred Predicate) int { return s.measure(measureCount, query, pred).n }

// Sum returns the sum of key over the members that have it as a number, and
// how many they are.
func (s *Set) Sum(key Key) (sum float64, n int) {
	m := s.measure(measureSum, key, nil)
	if m.n == 0 {
		m.sum, m.lost, m.changes = 0, 0, 0
		return 0, 0
	}
	switch {
	case m.infinite[0] > 0 && m.infinite[1] > 0:
		return math.NaN(), m.n
	case m.infinite[0] > 0:
		return math.Inf(1), m.n
	case m.infinite[1] > 0:
		return math.Inf(-1), m.n
	}
	if bound := 1024 + 4*len(s.members); m.changes > bound || m.sum-m.sum != 0 {
		s.addUp(m)
	}
	if math.IsInf(m.sum, 0) {
		return m.sum, m.n // too large; lost is of no use
	}
	return m.sum + m.lost, m.n
}

// addUp computes the sum afresh: once in several rounds of changes, so that
// it costs little per change.
func (s *Set) addUp(m *measure) {
	at := 0
	for i := range s.measures {
		if s.measures[i] == m {
			at = i
		}
	}
	m.sum, m.lost = 0, 0
	for _, e := range s.members {
		if v := e.memberOf(s).values[at]; v.Kind == Number && !math.IsInf(v.Num, 0) {
			m.plus(v.Num)
		}
	}
	m.changes = 0
}

// Min returns the smallest key of the members that have it as a number.
func (s *Set) Min(key Key) (float64, bool) {
	m := s.measure(measureExtremes, key, nil)
	return m.extreme(&m.low, 1)
}

// Max returns the largest key of the members that have it as a number.
func (s *Set) Max(key Key) (float64, bool) {
	m := s.measure(measureExtremes, key, nil)
	return m.extreme(&m.high, -1)
}

// extreme drops what has gone from the top of the heap.
func (m *measure) extreme(h *numberHeap, sign float64) (float64, bool) {
	for len(*h) > 0 {
		top := (*h)[0] * sign
		if m.counts[NumberValue(top)] > 0 {
			return top, true
		}
		heap.Pop(h)
	}
	return 0, false
}

// tidy makes the heaps afresh when most of what they hold has gone.
func (m *measure) tidy() {
	if bound := 64 + 2*len(m.counts); len(m.low) <= bound && len(m.high) <= bound {
		return
	}
	m.low, m.high = m.low[:0], m.high[:0]
	for v := range m.counts {
		m.low, m.high = append(m.low, v.Num), append(m.high, -v.Num)
	}
	heap.Init(&m.low)
	heap.Init(&m.high)
}

// Distinct returns how many different keys the members have.
func (s *Set) Distinct(key Key) int { return len(s.measure(measureDistinct, key, nil).counts) }

// Worst returns the worst state of the members: critical (expired counts as
// that), warning, unknown (any other counts as that), ok. It is "" when no
// member has a state.
func (s *Set) Worst() string {
	worst := ""
	for v := range s.measure(measureState, nil, nil).counts {
		state := v.Str
		switch state {
		case Expired, "critical":
			return "critical"
		case "ok", "warning":
		default:
			state = "unknown"
		}
		if Severity(state) > Severity(worst) {
			worst = state
		}
	}
	return worst
}

// Severity ranks the usual states: ok 1, unknown 2, warning 3, critical 4;
// anything else is 0.
func Severity(state string) int {
	switch state {
	case "ok":
		return 1
	case "unknown":
		return 2
	case "warning":
		return 3
	case "critical":
		return 4
	}
	return 0
}

// numberHeap is a heap of numbers, the smallest on top.
type numberHeap []float64

func (h numberHeap) Len() int           { return len(h) }
func (h numberHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h numberHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *numberHeap) Push(x any)        { *h = append(*h, x.(float64)) }
func (h *numberHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
