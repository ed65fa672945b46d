// Package plugins is the table of the kinds of sources and sinks, and the
// strict decoding of the options that a rules file gives them.
//
// A source or sink registers its kind in an init function, by RegisterSource
// or RegisterSink, with a struct of options that holds the defaults. The table
// is sealed when it is first read.
package plugins
