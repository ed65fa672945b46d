package engine

import "time"

// Fields is a set of an event's optional fields. A field that is not in the
// set is absent, which is not the same as empty or zero.
type Fields uint8

// The fields that may be absent. Host and Service belong to the Identity.
const (
	HasHost Fields = 1 << iota
	HasService
	HasState
	HasDescription
	HasTime
	HasMetric
	HasTTL
)

// Expired is the state of an event whose ttl has passed.
const Expired = "expired"

// DefaultTTL is the ttl of an event that brings none, unless settings.ttl
// says otherwise.
const DefaultTTL = 60 * time.Second

// Event is one observation. Events are values: copy one to keep it. An *Event
// that a stream, a predicate or a sink is given is read-only and belongs to
// the caller; it is valid only until the call returns.
type Event struct {
	// ID holds host, service, tags and attributes. It is never nil.
	ID *Identity
	// State and Description are meaningful when Has says so.
	State       string
	Description string
	// Time is the event's own time; Arrival is the clock when it came in.
	// Time decides windows, Arrival decides expiry. A copy keeps both.
	Time    Time
	Arrival Time
	Metric  float64
	TTL     time.Duration
	// Has says which of State, Description, Time, Metric and TTL are there.
	Has Fields
	// Depth counts how often a rule derived this event from another.
	Depth uint8
}

// HasAll reports whether all the fields in f are there, host and service
// included.
func (e *Event) HasAll(f Fields) bool { return (e.Has|e.ID.Has)&f == f }

// IsExpired reports whether the event's state is "expired".
func (e *Event) IsExpired() bool { return e.Has&HasState != 0 && e.State == Expired }

// TTLOr returns the event's ttl, or def when it has none.
func (e *Event) TTLOr(def time.Duration) time.Duration {
	if e.Has&HasTTL != 0 {
		return e.TTL
	}
	return def
}

// SetState, and its kin below, set one optional field.
func (e *Event) SetState(s string) { e.State, e.Has = s, e.Has|HasState }

// SetDescription sets the description.
func (e *Event) SetDescription(s string) { e.Description, e.Has = s, e.Has|HasDescription }

// SetTime sets the event's own time.
func (e *Event) SetTime(t Time) { e.Time, e.Has = t, e.Has|HasTime }

// SetMetric sets the metric.
func (e *Event) SetMetric(m float64) { e.Metric, e.Has = m, e.Has|HasMetric }

// SetTTL sets the ttl.
func (e *Event) SetTTL(d time.Duration) { e.TTL, e.Has = d, e.Has|HasTTL }

// Expiry returns the event that says, at now, that the ttl of e has passed.
func (e *Event) Expiry(now Time) Event {
	out := Event{ID: e.ID, Arrival: now, Depth: e.Depth}
	out.SetTime(now)
	out.SetState(Expired)
	return out
}

// Clear removes the fields in f, which must not name host or service.
func (e *Event) Clear(f Fields) {
	e.Has &^= f
	if f&HasState != 0 {
		e.State = ""
	}
	if f&HasDescription != 0 {
		e.Description = ""
	}
	if f&HasTime != 0 {
		e.Time = 0
	}
	if f&HasMetric != 0 {
		e.Metric = 0
	}
	if f&HasTTL != 0 {
		e.TTL = 0
	}
}
