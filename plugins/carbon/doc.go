// Package carbon reads and writes what graphite's carbon takes: plaintext lines,
// and the names in them. It knows bytes only; sources, sinks and formats that are
// made of such lines share it.
//
// line.go and number.go parse lines, template.go and name.go say what a name
// means, chunk.go finds the identities of many at once. write.go makes lines of
// events.
package carbon
