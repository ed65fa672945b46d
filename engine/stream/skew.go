package stream

import (
	"maps"
	"math"
	"slices"

	"tocsin/engine"
)

// ClockSkew replaces the metric by how many seconds the event's time is ahead
// of the median of the hosts' clocks, of an even number the upper one. A
// host's clock is the time of its last event, and goes on from there until
// that event has expired. Expired events, and those without host or time, pass
// unchanged.
func (s *Stream) ClockSkew() *Stream { return s.addWithState(&clockSkew{}, "clock_skew") }

type clockSkew struct {
	node
	made engine.Event
}

// skewState has the hosts' clocks, as what they are ahead of the engine's.
// That stays the same while the clocks go on.
type skewState struct {
	untimed
	hosts  map[string]hostClock
	sorted []int64 // the ahead of all hosts
	first  engine.Time
}

type hostClock struct {
	ahead   int64 // nanoseconds
	expires engine.Time
}

func (s *skewState) save(w *engine.RecordWriter) {
	w.Int(len(s.hosts))
	for _, host := range slices.Sorted(maps.Keys(s.hosts)) {
		w.Text(host)
		w.Varint(s.hosts[host].ahead)
		w.Time(s.hosts[host].expires)
	}
}

func (c *clockSkew) load(g *Group, r *engine.RecordReader) {
	s := c.makeState(g)
	for range r.Len() {
		s.set(r.Text(), hostClock{r.Varint(), r.Time()})
	}
}

func (c *clockSkew) makeState(g *Group) *skewState {
	s := &skewState{hosts: make(map[string]hostClock), first: math.MaxInt64}
	g.states[c.slot] = s
	return s
}

func (c *clockSkew) event(g *Group, e *engine.Event) {
	s := stateOf[skewState](g, &c.node)
	if s == nil {
		s = c.makeState(g)
	}
	if e.IsExpired() {
		s.remove(e.ID.Host)
	}
	if e.IsExpired() || !e.HasAll(engine.HasHost|engine.HasTime) {
		c.out.event(g, e)
		return
	}
	s.expire(c.now())
	clock := hostClock{int64(e.Time - c.now()), e.Arrival.Add(e.TTLOr(c.graph.engine.TTL()))}
	s.set(e.ID.Host, clock)
	c.made = *e
	c.made.SetMetric(float64(clock.ahead-s.sorted[len(s.sorted)/2]) / 1e9)
	c.out.event(g, &c.made)
}

func (s *skewState) set(host string, clock hostClock) {
	s.remove(host)
	s.hosts[host] = clock
	i, _ := slices.BinarySearch(s.sorted, clock.ahead)
	s.sorted = slices.Insert(s.sorted, i, clock.ahead)
	s.first = min(s.first, clock.expires)
}

func (s *skewState) remove(host string) {
	clock, ok := s.hosts[host]
	if !ok {
		return
	}
	delete(s.hosts, host)
	i, _ := slices.BinarySearch(s.sorted, clock.ahead)
	s.sorted = slices.Delete(s.sorted, i, i+1)
}

// expire removes the hosts whose last event has expired. It looks at them only
// when the first may have.
func (s *skewState) expire(now engine.Time) {
	if now < s.first {
		return
	}
	s.first = math.MaxInt64
	for host, clock := range s.hosts {
		if now >= clock.expires {
			s.remove(host)
		} else {
			s.first = min(s.first, clock.expires)
		}
	}
}
