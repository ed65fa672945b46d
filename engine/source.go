package engine

import "context"

// Source decodes events and hands them to the engine.
//
// The life of a source: it is built and checked while the rules are loaded,
// without touching the world; Open is called once everything behind it is
// ready; then Run, on a goroutine of its own, until its context is done. A
// source of a configuration that is only checked or tested is never opened.
type Source interface {
	// Open opens the ports (or connections) that Run will read from. An error
	// stops the start of the whole program, so it must say which address and why.
	// Open is followed by exactly one Run, or by Close when another part failed.
	Open(ctx context.Context) error
	// Run reads until ctx is done, and closes what Open opened. It returns
	// when every goroutine that it started has ended and no batch of its own
	// is on the way. It returns an error only if it cannot go on at all; bad
	// input is counted and logged instead.
	Run(ctx context.Context, in Input) error
	// Close closes what Open opened when Run is never called.
	Close() error
}

// Addresser is an optional ability of a Source: the addresses that it listens
// on, valid after Open, such as "tcp 127.0.0.1:2003". Ports given as 0 are
// shown as the system chose them.
type Addresser interface {
	Addresses() []string
}

// Readier is an optional ability of a Source that reads from a server: whether it
// reaches it. The program is not ready while a source is not. Ready may be called
// at any time, from any goroutine; before Open and after Run it returns nil.
type Readier interface {
	// Ready returns nil, or why nothing comes in.
	Ready() error
}
