package engine

import (
	"errors"
	"fmt"
)

// RuleError is an error with the place in a rules file that it comes from.
type RuleError struct {
	// Rule is the name of the rule; "" outside rules.
	Rule string
	// Err's text begins with FILE:LINE.
	Err error
}

func (e *RuleError) Error() string { return e.Err.Error() }

func (e *RuleError) Unwrap() error { return e.Err }

// ErrorEvent makes the event that tells of an error in a function or operator:
// ev is the event in hand, or nil.
func (e *Engine) ErrorEvent(ev *Event, err error) Event {
	var attrs []Attr
	var re *RuleError
	if errors.As(err, &re) && re.Rule != "" {
		attrs = append(attrs, Attr{"rule", re.Rule})
	}
	var depth uint8
	if ev != nil {
		if ev.ID.Has&HasHost != 0 {
			attrs = append(attrs, Attr{"event_host", ev.ID.Host})
		}
		if ev.ID.Has&HasService != 0 {
			attrs = append(attrs, Attr{"event_service", ev.ID.Service})
		}
		depth = min(ev.Depth+1, MaxDepth)
	}
	return e.trouble("tocsin error", err.Error(), depth, attrs)
}

// trouble makes an event by which Tocsin tells of itself.
func (e *Engine) trouble(service, description string, depth uint8, attrs []Attr) Event {
	p := Parts{Tags: []string{"tocsin", "error"}, Attrs: attrs}
	p.SetService(service)
	ev := Event{ID: e.ids.Loose(p), Arrival: e.now, Depth: depth}
	ev.SetTime(e.now)
	ev.SetState("critical")
	ev.SetDescription(description)
	return ev
}

// Fail turns an error into an event that goes through the streams without
// being indexed. An error while an error event is handled is only logged.
func (e *Engine) Fail(ev *Event, err error) {
	e.stats.Errors++
	if e.failing {
		e.opts.Logger.Error("error while an error event was handled", "err", err)
		return
	}
	if e.opts.Bare {
		e.opts.Logger.Error("error in a stream", "err", err)
		return
	}
	e.enqueue(queued{e.ErrorEvent(ev, err), true})
}

// Failing reports whether the event in hand is an error event.
func (e *Engine) Failing() bool { return e.failing }

// HasExpired reports whether the event's state is "expired", or its ttl has
// passed since it arrived. At the instant of its arrival no event has expired
// by its ttl: with a ttl of 0 the streams see it first.
func (e *Engine) HasExpired(ev *Event) bool {
	return ev.IsExpired() || e.now > ev.Arrival && e.now >= e.After(ev.Arrival, ev.TTLOr(e.opts.TTL))
}

// Caught hands the event that tells of an error to handle, instead of letting
// it go through the streams. Errors of what handle does are only logged.
func (e *Engine) Caught(ev *Event, err error, handle func(*Event)) {
	e.stats.Errors++
	failure := e.ErrorEvent(ev, err)
	before := e.failing
	e.failing = true
	handle(&failure)
	e.failing = before
}

// notice queues an event by which the engine tells of trouble of its own.
func (e *Engine) notice(service, description string, attrs ...Attr) {
	e.enqueue(queued{e.trouble(service, description, MaxDepth, attrs), true})
}

// panicked puts the engine right after a panic in a stream, which the event in
// hand does not outlive, and tells of it.
func (e *Engine) panicked(value any) {
	e.Fail(nil, fmt.Errorf("panic: %v", value))
	e.failing = false
}
