// Package engine holds what Tocsin is made of: the event and its identity, the
// index of the latest events, the clock and its timers, the contracts of
// sources and sinks, the outlets around the sinks, and the engine that one
// goroutine runs.
//
// Reading order: event.go and identity.go say what flows; source.go, sink.go
// and predicate.go are the contracts of the parts around; clock.go, wheel.go,
// index.go, set.go and router.go are the parts inside; engine.go puts them
// together, outlet.go and runner.go tie them to the world.
//
// What survives the program is in checkpoints: checkpoint.go and checkpointer.go.
// Sources that can read again (place.go) and sinks that write in transactions
// (outlet_transact.go, where the invariant is) are tied to them, so that what comes
// in counts once and what goes out is there once.
//
// Everything that a rule can see happens on the engine's goroutine and on the
// engine's clock, so the index and the streams have no locks, and the same
// input gives the same output.
package engine
