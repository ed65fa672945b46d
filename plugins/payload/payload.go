// Package payload makes events of what carries them in one piece: the value of
// a Kafka record, or the body of a request.
//
// payload.go has the table of formats. Each format has a file of its own, and
// auto.go tells them apart.
package payload

import (
	"fmt"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/carbon"
	"tocsin/plugins/valuelist"
)

// Decoder makes events of values of one format. It belongs to one goroutine.
type Decoder interface {
	// Decode calls add with the identity of each event of value, in order, and
	// fills in the event that add returns, which is valid until the next call.
	// It keeps nothing of value. What makes no event costs what is good beside
	// it nothing; the error tells of it, and is a *BadError.
	Decode(value []byte, add func(id *engine.Identity) *engine.Event) error
}

// Options are what decoders go by. The zero value is a good one.
type Options struct {
	// Names are shared by decoders of the same identities and options, so that a
	// name is kept once. When nil, a decoder has its own.
	Names *Names
	// Naming says what the names of graphite's lines mean; nil: the whole name is
	// the service.
	Naming *carbon.Naming
	// Types say what the values of collectd's lists are called that do not say it
	// themselves; nil: those that collectd comes with.
	Types *valuelist.Types
	// TTLFactor is how many of its intervals a value of collectd lives; 0: two.
	TTLFactor float64
	// Gap, when not nil, is told of each value that is well formed, but no number
	// (nan, null, U): a gap, which makes no event and is no error.
	Gap func()
}

// Names are the names that decoders have seen. They may be used on any
// goroutine.
type Names struct {
	json, graphite, collectd, riemann *engine.Names
}

// NewNames returns names for Options.
func NewNames() *Names {
	return &Names{engine.NewNames(), engine.NewNames(), engine.NewNames(), engine.NewNames()}
}

// MaxEvents is how many events one value makes at most. What comes after them is
// an error.
const MaxEvents = 100_000

// Formats lists the names of the formats.
func Formats() []string { return []string{"auto", "collectd", "graphite", "json", "riemann"} }

// New returns a decoder of one of Formats. "auto" tells the format of each value
// by how it begins. The identities of the events are
// made in ids. An event of a new identity for which ids has no room gets one of
// its own: given to the engine, that tells of it.
func New(format string, ids *engine.Identities, o Options) (Decoder, error) {
	if o.Names == nil {
		o.Names = NewNames()
	}
	if o.Gap == nil {
		o.Gap = func() {}
	}
	if o.Naming == nil {
		o.Naming = &carbon.Naming{}
	}
	if o.TTLFactor == 0 {
		o.TTLFactor = 2
	}
	if o.Types == nil && (format == "auto" || format == "collectd") {
		o.Types = valuelist.BuiltinTypes()
	}
	switch format {
	case "auto":
		return newAuto(ids, o), nil
	case "collectd":
		return newCollectd(ids, o), nil
	case "graphite":
		return newGraphite(ids, o), nil
	case "json":
		return newJSON(ids, o), nil
	case "riemann":
		return newRiemann(ids, o), nil
	}
	return nil, fmt.Errorf("no such format %q%s", format, plugins.DidYouMean(format, Formats()))
}

// intern returns the identity made of p: one that only this event has, if ids has
// no room.
func intern(ids *engine.Identities, p engine.Parts) *engine.Identity {
	if id, err := ids.Intern(p); err == nil {
		return id
	}
	return ids.Loose(p)
}

// BadError says that parts of a value made no event.
type BadError struct {
	// Bad is how many parts they are.
	Bad int
	// First names the first of them, and why.
	First error
}

func (e *BadError) Error() string {
	if e.Bad == 1 {
		return e.First.Error()
	}
	return fmt.Sprintf("%d parts make no event; the first: %v", e.Bad, e.First)
}

// Unwrap returns First.
func (e *BadError) Unwrap() error { return e.First }

// bad collects a BadError.
type bad struct {
	count  int
	first  error
	number int // of the first
}

// add counts a part, which is the number-th of its kind. They need not come in
// order.
func (b *bad) add(part string, number int, reason error) {
	if b.count++; b.count == 1 || number < b.number {
		b.first, b.number = fmt.Errorf("%s %d: %w", part, number, reason), number
	}
}

func (b *bad) err() error {
	if b.count == 0 {
		return nil
	}
	return &BadError{b.count, b.first}
}
