package engine

import (
	"strconv"
	"strings"
)

// Kind tells what a Value holds.
type Kind uint8

// The kinds of Value.
const (
	Absent Kind = iota
	Bool
	Number
	Text
)

// Value is what a field of an event, or a key function over one, yields. Two
// Values are the same exactly when they are == (for a NaN: never).
type Value struct {
	Kind Kind
	Num  float64 // Number: itself; Bool: 0 or 1
	Str  string  // Text
}

// NumberValue, and its kin below, make a Value.
func NumberValue(n float64) Value { return Value{Kind: Number, Num: n} }

// TextValue makes a Value of a string.
func TextValue(s string) Value { return Value{Kind: Text, Str: s} }

// BoolValue makes a Value of a truth value.
func BoolValue(b bool) Value {
	if b {
		return Value{Kind: Bool, Num: 1}
	}
	return Value{Kind: Bool}
}

// String shows the value as a person would write it; an absent one is "nil".
func (v Value) String() string {
	switch v.Kind {
	case Bool:
		return strconv.FormatBool(v.Num != 0)
	case Number:
		return string(appendJSONNumber(nil, v.Num))
	case Text:
		return v.Str
	}
	return "nil"
}

type fieldKind uint8

const (
	fieldAttr fieldKind = iota
	fieldHost
	fieldService
	fieldState
	fieldDescription
	fieldTime
	fieldMetric
	fieldTTL
	fieldTags
)

// Field reads one named field of events. Make it once with FieldNamed, then
// use it for each event: it does not look the name up again.
type Field struct {
	kind fieldKind
	name string
}

// FieldNamed returns the field of that name. A name that is not one of an
// event's own fields is that of an attribute.
func FieldNamed(name string) Field {
	f := Field{name: name}
	switch name {
	case "host":
		f.kind = fieldHost
	case "service":
		f.kind = fieldService
	case "state":
		f.kind = fieldState
	case "description":
		f.kind = fieldDescription
	case "time":
		f.kind = fieldTime
	case "metric":
		f.kind = fieldMetric
	case "ttl":
		f.kind = fieldTTL
	case "tags":
		f.kind = fieldTags
	}
	return f
}

// AttrField returns the attribute of that name, even when the name is also
// that of an event's own field.
func AttrField(name string) Field { return Field{kind: fieldAttr, name: name} }

// Name returns the name that the field was made with.
func (f Field) Name() string { return f.name }

// IsStatic reports whether the identity alone decides the field.
func (f Field) IsStatic() bool {
	return f.kind == fieldHost || f.kind == fieldService || f.kind == fieldTags || f.kind == fieldAttr
}

// IsAttr reports whether the field is an attribute.
func (f Field) IsAttr() bool { return f.kind == fieldAttr }

// IsMetric reports whether the field is the metric.
func (f Field) IsMetric() bool { return f.kind == fieldMetric }

// Of returns the field of e. Times and ttls are in seconds. Tags are one text,
// joined by ",", and absent when there are none.
func (f Field) Of(e *Event) Value {
	switch f.kind {
	case fieldMetric:
		if e.Has&HasMetric != 0 {
			return NumberValue(e.Metric)
		}
	case fieldState:
		if e.Has&HasState != 0 {
			return TextValue(e.State)
		}
	case fieldDescription:
		if e.Has&HasDescription != 0 {
			return TextValue(e.Description)
		}
	case fieldTime:
		if e.Has&HasTime != 0 {
			return NumberValue(e.Time.Seconds())
		}
	case fieldTTL:
		if e.Has&HasTTL != 0 {
			return NumberValue(InSeconds(e.TTL))
		}
	default:
		return f.OfIdentity(e.ID)
	}
	return Value{}
}

// OfIdentity is Of for the fields that IsStatic holds for; it gives an absent
// Value for the others.
func (f Field) OfIdentity(id *Identity) Value {
	switch f.kind {
	case fieldHost:
		if id.Has&HasHost != 0 {
			return TextValue(id.Host)
		}
	case fieldService:
		if id.Has&HasService != 0 {
			return TextValue(id.Service)
		}
	case fieldTags:
		if len(id.Labels.Tags) > 0 {
			return TextValue(strings.Join(id.Labels.Tags, ","))
		}
	case fieldAttr:
		if s, ok := id.Labels.Attr(f.name); ok {
			return TextValue(s)
		}
	}
	return Value{}
}

// Key yields a value of each event: a Field, or a function of a rules file.
// Keys are comparable, and equal ones yield the same. An error (only a function
// can fail) means that the event has no usable key.
type Key interface {
	Value(e *Event) (Value, error)
}

// Value implements Key.
func (f Field) Value(e *Event) (Value, error) { return f.Of(e), nil }
