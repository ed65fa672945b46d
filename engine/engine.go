package engine

import (
	"log/slog"
	"math"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// Handler takes events: the head of a stream. It is called on the engine's
// goroutine.
type Handler interface {
	// Handle is called with an event that the handler may not keep.
	Handle(e *Event)
	// Fail is called when the predicate before the handler could not decide
	// about an event.
	Fail(e *Event, err error)
}

// Output is where streams put what is meant for a sink: an Outlet, or what
// records in tests and replay. It is called on the engine's goroutine.
type Output interface {
	// Put takes a message. Its events belong to the caller.
	Put(m Message)
	// Flush is called when a batch or a timer has been through the streams.
	Flush()
}

// Options are the settings of an engine. The zero value has the defaults.
type Options struct {
	// TTL is the ttl of events that bring none (60 s).
	TTL time.Duration
	// Forget is how long an expired entry still counts (1 h).
	Forget time.Duration
	// Skew is how far in the future an event's time may be (5 min). What is
	// beyond gets the clock's time, and is counted.
	Skew time.Duration
	// Identities bounds the identities (2 million). What rules derive finds room
	// for a sixteenth more.
	Identities int
	// Table has the identities; nil: the engine gets one of its own. An engine that
	// is to succeed another one has the same.
	Table *Identities
	// AutoIndex restricts which events from sources are indexed; nil: all.
	AutoIndex Predicate
	// Bare means that there is no index: events only pass the streams, nothing
	// expires, and groups live to the end.
	Bare bool
	// Logger takes what cannot be told by an event.
	Logger *slog.Logger
	// Metrics is where the engine's own counters go; nil: nowhere.
	Metrics *metrics.Set
}

func (o *Options) setDefaults() {
	if o.TTL == 0 {
		o.TTL = DefaultTTL
	}
	if o.Forget == 0 {
		o.Forget = time.Hour
	}
	if o.Skew == 0 {
		o.Skew = 5 * time.Minute
	}
	if o.Identities == 0 {
		o.Identities = 2_000_000
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = metrics.NewSet()
	}
}

// Engine is one partition's index, streams, clock and timers. All methods are
// for the one goroutine that runs it, unless they say otherwise.
type Engine struct {
	opts       Options
	now        Time
	wheel      *Wheel
	ids        *Identities
	index      *Index
	top        *Router[subscriber]
	meter      Meter
	auto       autoIndex
	outputs    []Output
	blockers   []*Outlet // of the outputs, those that may hold the engine up
	queue      []queued  // derived events that wait for their turn
	at         int       // next of queue
	failing    bool      // an error event is being handled
	room       int       // how many of queue may wait
	flooded    bool      // events were dropped since queue was last empty
	scopes     uint64
	position   uint64 // see Position
	stats      Stats
	rejectedAt Time // when an event last told of that
	published  published
	tracking   bool          // what changes is noted, for Save
	downtime   time.Duration // for how long the engine did not run, see Resume
	downtimes  []downPeriod  // the last ones
	firing     *Timer        // that has been taken from the wheel
	resuming   Time          // where Resume goes to; 0 at any other time
}

// New makes an engine whose clock stands at now.
func New(opts Options, now Time) *Engine {
	opts.setDefaults()
	e := &Engine{opts: opts, now: now, room: maxQueued, rejectedAt: math.MinInt64, wheel: NewWheel(now), ids: opts.Table, top: NewRouter[subscriber](), meter: newMeter()}
	if e.ids == nil {
		e.ids = NewIdentities(opts.Identities)
	}
	e.index = &Index{engine: e}
	e.index.sets = newSets(e.index, opts.Forget)
	e.published = newPublished(opts.Metrics)
	return e
}

// Now returns the engine's clock.
func (e *Engine) Now() Time { return e.now }

// TTL returns the ttl of events that bring none.
func (e *Engine) TTL() time.Duration { return e.opts.TTL }

// Bare reports whether the engine runs without an index.
func (e *Engine) Bare() bool { return e.opts.Bare }

// Wheel returns the timers.
func (e *Engine) Wheel() *Wheel { return e.wheel }

// Identities returns the table of identities, for any goroutine.
func (e *Engine) Identities() *Identities { return e.ids }

// Index returns the index.
func (e *Engine) Index() *Index { return e.index }

// NewScope returns a number for Hold.Scope that no other holder has.
func (e *Engine) NewScope() uint64 { e.scopes++; return e.scopes }

// HasScope reports whether NewScope has returned n.
func (e *Engine) HasScope(n uint64) bool { return n > 0 && n <= e.scopes }

// Subscribe adds a head of a stream, to be served with every event for which
// pred holds (nil: all) in the order of the calls. It must not be called once
// events flow. The Sampler of a Measurer counts the events whose host, service,
// tags and attributes pred allows.
func (e *Engine) Subscribe(pred Predicate, to Handler) { e.top.Add(pred, newSubscriber(to)) }

// Meter returns what measures where the engine's time goes.
func (e *Engine) Meter() *Meter { return &e.meter }

// AddOutput has out flushed whenever something may have been put.
func (e *Engine) AddOutput(out Output) {
	e.outputs = append(e.outputs, out)
	if o, ok := out.(*Outlet); ok && o.blocks {
		e.blockers = append(e.blockers, o)
	}
}

// full returns an outlet that is full and holds the engine up, or nil.
func (e *Engine) full() *Outlet {
	for _, o := range e.blockers {
		if o.full() {
			return o
		}
	}
	return nil
}

// Ingest takes an event from a source: it gets what it lacks, is indexed, and
// goes through the streams. The caller flushes the outputs when it is done.
func (e *Engine) Ingest(ev *Event) {
	e.arrive(ev)
	ev.Depth = 0
	e.take(ev, true)
	e.drain()
}

// arrive gives an event from a source its arrival, and a time if it has none
// or an impossible one.
func (e *Engine) arrive(ev *Event) {
	ev.Arrival = e.now
	if ev.Has&HasTime == 0 {
		ev.SetTime(e.now)
	} else if ev.Time > e.now.Add(e.opts.Skew) {
		ev.Time = e.now
		e.stats.Skewed++
	}
}

// take indexes an event, which may be from a source or derived, and passes it
// through the streams.
func (e *Engine) take(ev *Event, fromSource bool) {
	e.stats.Events++
	if e.opts.Bare || e.failing {
		e.pass(ev) // error events are not indexed, nor is there always room
		return
	}
	id, entry, err := e.index.adopt(ev.ID, !fromSource)
	if err != nil {
		e.reject(ev, err)
		return
	}
	ev.ID = id
	switch {
	case ev.IsExpired():
		e.takeExpired(entry, ev)
	case fromSource && !e.autoIndexed(ev):
		if entry.status == unindexed {
			e.index.touch(entry, ev)
		}
		e.pass(ev)
		entry.leaveIfGone()
	case entry.accepts(ev):
		e.index.put(entry, ev)
		e.pass(ev)
		if ev.Has&HasTTL != 0 && ev.TTL <= 0 && entry.status == live && entry.deadline <= e.now {
			e.expire(entry)
		}
	default:
		e.pass(ev)
		entry.leaveIfGone()
	}
}

// takeExpired handles an expiry that came as an event.
func (e *Engine) takeExpired(entry *Entry, ev *Event) {
	ev.Clear(HasMetric | HasDescription | HasTTL)
	if entry.status == unindexed {
		e.pass(ev)
		if entry.status == unindexed { // no stream has put it into the index
			e.index.drop(entry)
		}
		return
	}
	if p := ev.ID.Parts(); len(p.Tags) == 0 || len(p.Attrs) == 0 {
		own := entry.ID.Labels
		if len(p.Tags) == 0 {
			p.Tags = own.Tags
		}
		if len(p.Attrs) == 0 {
			p.Attrs = own.Attrs
		}
		if id, _, err := e.index.adopt(e.ids.Loose(p), false); err == nil {
			ev.ID = id
		}
	}
	if entry.status == live && ev.Time >= entry.Time {
		e.index.markExpired(entry, ev)
		e.pass(ev)
		entry.dropHolds()
		return
	}
	e.pass(ev)
	entry.leaveIfGone()
}

// expire puts an expiry in the place of an entry whose ttl has passed, and
// passes it through the streams.
func (e *Engine) expire(entry *Entry) {
	e.stats.Expired++
	ev := entry.Expiry(e.now)
	ev.Depth = 0
	e.index.markExpired(entry, &ev)
	e.pass(&ev)
	entry.dropHolds()
}

// pass serves the streams that can match.
func (e *Engine) pass(ev *Event) {
	route := ev.ID.route
	if route == nil || route.router != e.top {
		route = e.top.Route(ev.ID)
		ev.ID.route = route
	}
	for _, hop := range route.Hops {
		if hop.To.sampler.Due() {
			e.sample(hop, ev)
			continue
		}
		if hop.Rest != nil {
			if ok, err := hop.Rest.Rest(ev); err != nil {
				hop.To.Fail(ev, err)
				continue
			} else if !ok {
				continue
			}
		}
		hop.To.Handle(ev)
	}
}

// reject counts an event of an identity that there is no room for, and says so
// by an event now and then.
func (e *Engine) reject(ev *Event, err error) {
	e.stats.Rejected++
	if e.now < e.rejectedAt.Add(10*time.Second) {
		return
	}
	e.rejectedAt = e.now
	e.opts.Logger.Warn("event rejected", "host", ev.ID.Host, "service", ev.ID.Service, "err", err)
	e.notice("tocsin identities", err.Error())
}

// IndexOnly puts an event into the index, without passing it through the
// streams.
func (e *Engine) IndexOnly(ev *Event) {
	if e.opts.Bare {
		return
	}
	copied := *ev
	if copied.Has&HasTime == 0 {
		copied.SetTime(e.now)
	}
	if copied.IsExpired() && e.index.find(copied.ID) == nil {
		return // nothing there to expire
	}
	id, entry, err := e.index.adopt(copied.ID, false)
	if err != nil {
		e.reject(ev, err)
		return
	}
	copied.ID = id
	switch {
	case copied.IsExpired():
		if entry.status == live && copied.Time >= entry.Time {
			copied.Clear(HasMetric | HasDescription | HasTTL)
			e.index.markExpired(entry, &copied)
			entry.dropHolds()
		}
	case entry.accepts(&copied):
		e.index.put(entry, &copied)
	}
}

// Entry returns the entry for the identity of ev, for by groups. When it is
// not indexed, its life is prolonged by the ttl of ev. It is nil in a Bare
// engine, for an expiry of what is not known, and when there are too many
// identities.
func (e *Engine) Entry(ev *Event) *Entry {
	if entry := ev.ID.entry; entry != nil && entry.status == live {
		return entry
	}
	if e.opts.Bare {
		return nil
	}
	if ev.IsExpired() {
		return e.index.find(ev.ID) // a new entry would have no end
	}
	_, entry, err := e.index.adopt(ev.ID, false)
	if err != nil {
		e.reject(ev, err)
		return nil
	}
	if entry.status == unindexed {
		e.index.touch(entry, ev)
	}
	return entry
}

// Advance moves the clock to reading, if that is later, firing what is due on
// the way. When it returns false, its turn was used up (see turn; 0 means
// without end), more may be due, and the clock stands where the last timer
// fired.
func (e *Engine) Advance(reading Time, turn int) bool {
	if turn == 0 {
		turn = math.MaxInt
	}
	if len(e.queue) > 0 {
		e.drain() // what a panic has left
	}
	for turn > 0 {
		t := e.wheel.pop(reading, &turn)
		if t == nil {
			if turn <= 0 {
				return false
			}
			e.now = max(e.now, reading)
			return true
		}
		turn -= fireCost
		e.now = max(e.now, t.due)
		e.firing = t
		if m, ok := t.Firer.(MeasuredFirer); ok {
			m.FireMeasured(e, t)
		} else {
			t.Firer.Fire(e, t)
		}
		e.firing = nil
		if len(e.queue) > 0 {
			e.drain()
		}
	}
	return false
}

// fireCost is what firing a timer takes off a turn; moving one within the
// wheel takes 1.
const fireCost = 8

// StartAt sets a clock that still stands at 0, without firing anything: every
// timer moves along.
func (e *Engine) StartAt(t Time) {
	if e.now == 0 && t > 0 {
		e.now = t
		e.wheel.Shift(t)
		e.ids.each(func(id *Identity) {
			if entry := id.entry; entry != nil && entry.armed < t {
				d := time.Duration(t)
				entry.armed, entry.deadline = entry.armed.Add(d), entry.deadline.Add(d)
			}
		})
	}
}

// Flush flushes the outputs and publishes the counters.
func (e *Engine) Flush() {
	e.publish()
	for _, out := range e.outputs {
		out.Flush()
	}
}
