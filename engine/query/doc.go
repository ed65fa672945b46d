// Package query is the query language: one language for where, for index sets,
// for subscriptions and for the command line.
//
//	service =~ "nginx %" and metric > 5 and not (host = "web1" or tagged "staging")
//
// Parse turns a text into a Query. A Query is closures over an event's fields,
// and is split in two: what the identity alone decides (host, service, tags,
// attributes), which the engine asks once per identity, and the rest, which it
// asks for each event.
//
// Reading order: query.go is the outside; lex.go and parse.go make the tree of
// tree.go; compile.go makes closures of it, with compare.go and wildcard.go
// for the comparisons.
//
// # Grammar
//
//	query      = and { "or" and } .
//	and        = not { "and" not } .
//	not        = "not" not | condition .
//	condition  = "(" query ")" | "tagged" string | "expired"
//	           | "true" | "false" | "nil" | "null" | field
//	           | operand ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) operand
//	           | operand ( "=~" | "~=" ) string .
//	operand    = field | string | number | "true" | "false" | "nil" | "null" .
//	field      = name | "attr" string .
//
// A name is a letter or "_", followed by letters, digits, "_", and dots that
// one of these follows. An attribute whose name is anything else, such as
// "x-y" or a word of the language, is written attr "x-y". A number is decimal,
// with an optional sign, fraction and exponent. Blanks are what Unicode calls
// white space.
package query
