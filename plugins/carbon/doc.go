// Package carbon reads what senders for graphite's carbon write: plaintext lines,
// and the names in them. It knows bytes only; sources and formats that are made
// of such lines share it.
//
// line.go and number.go parse lines, template.go and name.go say what a name
// means, chunk.go finds the identities of many at once.
package carbon
