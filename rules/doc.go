// Package rules loads rules files: Lua that declares sources and sinks, draws
// streams and defines rules. It also runs the tests of rules files.
//
// Load runs a file once, in a Lua state of its own, and returns a Config: an
// engine with its graph of streams, and what the file declared. Everything that
// Lua does afterwards (predicates, functions of streams, rules) happens on the
// engine's goroutine, on the engine's clock, and within settings.rule_timeout.
//
// Reading order: config.go is the outside; load.go and chunk.go read files;
// sandbox.go says what Lua can do, watchdog.go, memory.go and call.go how long
// and with how much memory, quarantine.go what becomes of what keeps failing; the
// library*.go files, pattern.go and concat.go bound what the libraries do. event.go
// and convert.go turn events into Lua values and back; predicate.go does so
// with queries and functions. The native*.go files compile plain Lua to Go:
// native.go says how, native_compile.go begins. The stream_*.go files bind the operators, one
// file per family; index.go, rule.go, tree.go, source.go and settings.go the
// rest of the language. The test_*.go files are "tocsin test", and coverage.go what
// its tests reached. replay_run.go runs recordings through a configuration,
// replay_read.go reads them ahead. warn.go and drawing.go look at a configuration
// that is not run; reference is what editors and docs/operators say of all.
package rules
