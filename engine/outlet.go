package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// FullPolicy says what a forward outlet does with events when its queue is
// full.
type FullPolicy string

// The policies.
const (
	// DropOldest drops and counts the oldest event for each new one.
	DropOldest FullPolicy = "drop_oldest"
	// Block makes the engine serve nothing more until there is room, so that the
	// sources that can wait do: see Runner.
	Block FullPolicy = "block"
)

// Why events are dropped before a sink has seen them.
var (
	// ErrQueueFull is what OutletOptions.Dead is told about a message that
	// found the queue of its sink full.
	ErrQueueFull = errors.New("the queue of the sink is full")

	errStopped = errors.New("the sink has been stopped")
)

// OutletOptions say how to make an Outlet. A zero value means the default.
type OutletOptions struct {
	// Name is the sink's, for metrics and messages. It must not be empty.
	Name string
	// Sink must implement exactly one of Notifier, Actuator, Forwarder and
	// Transactor.
	Sink Sink
	// Logger gets a line for the first failure in a row, then at most one
	// each 10 s, and one when it is over.
	Logger *slog.Logger
	// Metrics is where tocsin_sink_… go; the default is a private set.
	Metrics *metrics.Set
	// Queue bounds what may wait: messages of a notify sink (10,000), targets
	// of an actuate sink (65,536), events of a forward sink (65,536), events of
	// a transact sink (262,144), which holds them until a checkpoint does.
	Queue int
	// Full says what is done when the queue of a forward outlet (default
	// DropOldest) or a transact outlet (default Block) is full. What is in a
	// checkpoint is not dropped any more. A notify outlet drops the new message and
	// tells Dead; an actuate outlet drops a wish for a target that is new.
	Full FullPolicy
	// Batch is how many events a forward sink is given at most (1000).
	Batch int
	// Timeout bounds one call of the sink, by its context (30 s).
	Timeout time.Duration
	// Life is how long a notify message is tried (1 h).
	Life time.Duration
	// RetryMin and RetryMax bound the wait before a retry, which doubles from
	// the one to the other (250 ms, 30 s). Up to half of it is random.
	RetryMin, RetryMax time.Duration
	// Dead, when not nil, is told of each notify message that was given up,
	// and why. It must not block. It is called on the outlet's goroutine, and
	// on the engine's when the queue was full. What is left at Stop is
	// counted and logged only.
	Dead func(Message, error)
}

func (o *OutletOptions) setDefaults(queue int) {
	setDefault(&o.Logger, slog.New(slog.DiscardHandler))
	setDefault(&o.Queue, queue)
	setDefault(&o.Full, DropOldest)
	setDefault(&o.Batch, 1000)
	setDefault(&o.Timeout, 30*time.Second)
	setDefault(&o.Life, time.Hour)
	setDefault(&o.RetryMin, 250*time.Millisecond)
	setDefault(&o.RetryMax, 30*time.Second)
	if o.Metrics == nil {
		o.Metrics = metrics.NewSet()
	}
	if o.Dead == nil {
		o.Dead = func(Message, error) {}
	}
}

func (o *OutletOptions) check() error {
	if o.Full != DropOldest && o.Full != Block {
		return fmt.Errorf("policy %q is neither %q nor %q", o.Full, DropOldest, Block)
	}
	if o.Queue < 1 || o.Batch < 1 || min(o.Timeout, o.Life, o.RetryMin, o.RetryMax) <= 0 {
		return errors.New("an option is below its least value")
	}
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Outlet is the engine's side of one sink. It queues what the rules hand to
// the sink, calls the sink on a goroutine of its own, retries, and counts, so
// that a slow or broken sink fills its own queue and nothing else.
//
// Its life: NewOutlet, Open, then Run on a goroutine of its owner's, while the
// engine's goroutine calls Put and Flush; when the engine has stopped, Stop.
// Close instead, when Run is never called.
type Outlet struct {
	options OutletOptions
	blocks  bool // holds the engine up when it is full
	metrics outletMetrics
	trouble troubleLog // of calls; Run's goroutine only
	drops   troubleLog // of the queue; the engine's goroutine only

	// Since the last Flush; the engine's goroutine only.
	pending []Event
	spans   []span // of the messages in pending

	hurried bool // a wait was cut short by Stop; Run's goroutine only

	mu        sync.Mutex
	queue     outletQueue // what waits, and what is in the sink's hands
	stopped   bool        // nothing more is taken
	yields    bool        // does not hold the engine up: see Yield
	kept      bool        // a checkpoint has what is left
	disowned  bool        // no checkpoint has it any more
	heir      *Outlet     // has what this one had; see Handover
	abandoned bool        // what was left is counted
	left      int         // events that stayed undelivered at the end

	stopOnce, abortOnce sync.Once

	wake     chan struct{} // there may be work
	room     chan struct{} // there may be room
	reopen   chan struct{} // Reopen was asked for
	stopping chan struct{} // closed by Stop
	abort    chan struct{} // closed when Stop has no time left, and by Handover
	done     chan struct{} // closed by Run
}

// span is one message in Outlet.pending.
type span struct {
	end  int
	list bool
}

// outletQueue is what differs between the kinds of sinks. All but kind,
// prepare and call are called under the outlet's lock.
type outletQueue interface {
	// kind names the kind of sink.
	kind() string
	// prepare does what add would need no lock for, on the engine's goroutine.
	prepare(events []Event, spans []span)
	// add takes what was prepared.
	add(events []Event, spans []span) added
	// next makes a piece of work out of what waits. After a retryable error
	// it makes it anew, with what has come since. False: there is nothing.
	next() bool
	// call gives the piece of work to the sink.
	call(ctx context.Context) error
	// deadline says until when the piece of work may be tried; zero: for ever.
	deadline() time.Time
	// finish ends the piece of work. It returns how many events that was, and
	// the message, if a message it was.
	finish() (events int, m Message)
	// len is what waits, in the unit of OutletOptions.Queue; events is the
	// same in events. Both count the piece of work.
	len() int
	events() int
}

// added is what became of events that were handed to a queue.
type added struct {
	full    int       // dropped for want of room
	aimless int       // dropped because they name no target
	dead    []Message // messages among the dropped
}

var _ Output = (*Outlet)(nil)

// NewOutlet makes the outlet of a sink. It fails when the sink is not of
// exactly one kind, or an option is out of range. It touches nothing else.
func NewOutlet(options OutletOptions) (*Outlet, error) {
	if options.Name == "" || options.Sink == nil {
		return nil, errors.New("cannot make an outlet without a name and a sink")
	}
	o := &Outlet{
		wake:     make(chan struct{}, 1),
		room:     make(chan struct{}, 1),
		reopen:   make(chan struct{}, 1),
		stopping: make(chan struct{}),
		abort:    make(chan struct{}),
		done:     make(chan struct{}),
	}
	notifier, isNotifier := options.Sink.(Notifier)
	actuator, isActuator := options.Sink.(Actuator)
	forwarder, isForwarder := options.Sink.(Forwarder)
	transactor, isTransactor := options.Sink.(Transactor)
	switch {
	case isNotifier:
		options.setDefaults(10_000)
	case isTransactor:
		setDefault(&options.Full, Block)
		options.setDefaults(262_144)
	default:
		options.setDefaults(65_536)
	}
	if err := options.check(); err != nil {
		return nil, fmt.Errorf("cannot make an outlet of sink %q: %w", options.Name, err)
	}
	o.options = options
	o.blocks = options.Full == Block && (isForwarder || isTransactor)
	o.metrics = newOutletMetrics(options.Metrics, options.Name)
	o.trouble.logger, o.drops.logger = options.Logger, options.Logger
	switch [4]bool{isNotifier, isActuator, isForwarder, isTransactor} {
	case [4]bool{true, false, false, false}:
		o.queue = newNotifyQueue(notifier, options)
	case [4]bool{false, true, false, false}:
		o.queue = newActuateQueue(actuator, options, o.metrics.superseded)
	case [4]bool{false, false, true, false}:
		o.queue = newForwardQueue(forwarder, options)
	case [4]bool{false, false, false, true}:
		o.queue = newTransactQueue(transactor, options)
	default:
		return nil, fmt.Errorf("cannot make an outlet of sink %q: %T is not exactly one of Notifier, Actuator, Forwarder, Transactor", options.Name, options.Sink)
	}
	return o, nil
}

// Name returns the sink's name.
func (o *Outlet) Name() string { return o.options.Name }

// Kind returns "notify", "actuate", "forward" or "transact".
func (o *Outlet) Kind() string { return o.queue.kind() }

// NeedsCheckpoints reports whether nothing is delivered unless checkpoints are
// made.
func (o *Outlet) NeedsCheckpoints() bool { return o.Kind() == "transact" }

// Open opens the sink.
func (o *Outlet) Open(ctx context.Context) error {
	return guard(func() error { return o.options.Sink.Open(ctx) })
}

// Close closes the sink, when Run is never called.
func (o *Outlet) Close() error { return guard(o.options.Sink.Close) }

// Put takes what a rule hands to the sink. It copies m's events, which belong
// to the caller, and does no more until Flush. Engine's goroutine only.
func (o *Outlet) Put(m Message) {
	o.pending = append(o.pending, m.Events...)
	o.spans = append(o.spans, span{len(o.pending), m.List})
}

// PutEvent is Put for a single event, without a list. It copies e.
func (o *Outlet) PutEvent(e *Event) {
	o.pending = append(o.pending, *e)
	o.spans = append(o.spans, span{len(o.pending), false})
}

// The most that pending may keep allocated from one Flush to the next.
const pendingKept = 16 * BatchSize

// Flush moves what was Put into the queue and wakes the outlet. It does not
// wait, whatever the policy. Engine's goroutine only.
func (o *Outlet) Flush() {
	if len(o.spans) == 0 {
		return
	}
	o.metrics.events.Add(len(o.pending))
	o.queue.prepare(o.pending, o.spans)
	o.add()
	clear(o.pending)
	o.pending, o.spans = o.pending[:0], o.spans[:0]
	if cap(o.pending) > pendingKept {
		o.pending, o.spans = nil, nil
	}
}

// add hands the pending events on to the queue.
func (o *Outlet) add() {
	o.mu.Lock()
	if o.stopped {
		n := len(o.pending)
		o.left += n
		o.mu.Unlock()
		o.metrics.dropShutdown.Add(n)
		o.drops.add("sink is stopped and drops events", errStopped, n)
		return
	}
	a := o.queue.add(o.pending, o.spans)
	o.metrics.queue.Set(float64(o.queue.len()))
	o.mu.Unlock()
	signal(o.wake)
	o.count(a)
}

// count tells of what was dropped.
func (o *Outlet) count(a added) {
	o.metrics.dropFull.Add(a.full)
	o.metrics.dropTarget.Add(a.aimless)
	if a.full > 0 {
		o.drops.add("sink is behind and drops events", ErrQueueFull, a.full)
	}
	for _, m := range a.dead {
		o.options.Dead(m, ErrQueueFull)
	}
}

// full reports whether the engine has to wait until room tells that there may be
// room. Engine's goroutine only.
func (o *Outlet) full() bool {
	if !o.blocks {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.stopped && !o.yields && o.queue.len()+len(o.pending) >= o.options.Queue
}

// awaitsCheckpoint reports whether it has what goes nowhere before a checkpoint
// has it.
func (o *Outlet) awaitsCheckpoint() bool {
	q, ok := o.queue.(*transactQueue)
	if !ok {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(q.open) > 0
}

// Yield says whether the outlet holds the engine up no longer when it is full, but
// takes all that comes: while a reload waits for what the engine has still to
// serve. Any goroutine.
func (o *Outlet) Yield(yields bool) {
	o.mu.Lock()
	o.yields = yields
	o.mu.Unlock()
	signal(o.room)
}

// Reopen asks the outlet's goroutine to reopen the sink, if it is a Reopener,
// and to try at once what it was about to retry. It does not wait.
func (o *Outlet) Reopen() {
	if _, ok := o.options.Sink.(Reopener); ok {
		signal(o.reopen)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
