// Package stream holds the operators of the rules language, one file per
// family, and the graph that they form.
//
// A Stream is a place in the flow from which operators branch; each method
// adds one and returns the place behind it. The operators are made once, when
// the rules are loaded. Their state is kept apart per Group: there is one group
// for what stands outside of by, and one for each combination of keys behind
// a by. So an operator is a node with a slot, and what it remembers is found
// in that slot of the group in hand.
//
// Everything here runs on the engine's goroutine. An *engine.Event that an
// operator is handed is valid only during the call: who keeps one copies it.
// In a list, an event without ID stands for "none".
package stream
