package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds on one event as JSON.
const (
	MaxJSONBytes      = 1 << 20
	MaxJSONAttributes = 256
	MaxJSONTags       = 256
)

// ParseJSON reads one event from a JSON object. The event has no identity yet:
// the caller makes one of the Parts, by Identities.Intern or Loose. Neither
// keeps data.
//
// A field that is null is absent. time is a number of seconds or an ISO 8601
// string, taken as UTC when it names no zone. Any key that is not one of an
// event's own fields is an attribute: a string, or a number or boolean, which
// is kept as its text. Of a key given twice the last counts. Errors name the
// key.
func ParseJSON(data []byte) (Event, Parts, error) {
	var r jsonReader
	if len(data) > MaxJSONBytes {
		return Event{}, Parts{}, fmt.Errorf("cannot read event: %d bytes are more than %d", len(data), MaxJSONBytes)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		return Event{}, Parts{}, jsonError(data, err)
	}
	if object == nil {
		return Event{}, Parts{}, errors.New("cannot read event: expected an object, got null")
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		value := object[key]
		if string(value) == "null" {
			continue
		}
		if err := r.field(key, value); err != nil {
			return Event{}, Parts{}, fmt.Errorf("cannot read event: key %s: %w", clipText(key), err)
		}
	}
	return r.event, r.parts, nil
}

func jsonError(data []byte, err error) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("cannot read event: %w (at byte %d)", err, syntax.Offset)
	case errors.As(err, &mismatch):
		return fmt.Errorf("cannot read event: expected an object, got %s", jsonKind(bytes.TrimSpace(data)))
	}
	return fmt.Errorf("cannot read event: %w", err)
}

type jsonReader struct {
	event Event
	parts Parts
}

// field takes one key, whose value is valid JSON and not null. Keys come
// sorted, which keeps the attributes so.
func (r *jsonReader) field(key string, value json.RawMessage) (err error) {
	e, p := &r.event, &r.parts
	switch key {
	case "host":
		p.Host, err = jsonText(value)
		p.Has |= HasHost
	case "service":
		p.Service, err = jsonText(value)
		p.Has |= HasService
	case "state":
		e.State, err = jsonText(value)
		e.Has |= HasState
	case "description":
		e.Description, err = jsonText(value)
		e.Has |= HasDescription
	case "time":
		e.Time, err = jsonTime(value)
		e.Has |= HasTime
	case "metric":
		e.Metric, err = jsonNumber(value)
		e.Has |= HasMetric
	case "ttl":
		var n int64
		n, err = jsonNanos(value)
		e.TTL = time.Duration(n)
		e.Has |= HasTTL
	case "tags":
		p.Tags, err = jsonTags(value)
	default:
		err = r.attribute(key, value)
	}
	return err
}

func (r *jsonReader) attribute(key string, value json.RawMessage) error {
	if len(r.parts.Attrs) >= MaxJSONAttributes {
		return fmt.Errorf("more than %d attributes", MaxJSONAttributes)
	}
	text := string(value)
	switch value[0] {
	case '{', '[':
		return errors.New("an attribute is a string, a number or a boolean, not a table")
	case '"':
		text, _ = jsonText(value)
	}
	r.parts.Attrs = append(r.parts.Attrs, Attr{key, text})
	return nil
}

func jsonText(value json.RawMessage) (s string, err error) {
	if value[0] != '"' {
		return "", fmt.Errorf("expected a string, got %s", jsonKind(value))
	}
	return s, json.Unmarshal(value, &s)
}

func isJSONNumber(value json.RawMessage) bool {
	return value[0] == '-' || '0' <= value[0] && value[0] <= '9'
}

func jsonNumber(value json.RawMessage) (float64, error) {
	if !isJSONNumber(value) {
		return 0, fmt.Errorf("expected a number, got %s", jsonKind(value))
	}
	n, err := strconv.ParseFloat(string(value), 64)
	if err != nil {
		return 0, fmt.Errorf("%s does not fit a float64", jsonKind(value))
	}
	return n, nil
}

func jsonTags(value json.RawMessage) ([]string, error) {
	if value[0] != '[' {
		return nil, fmt.Errorf("expected a list of strings, got %s", jsonKind(value))
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(value, &raw); err != nil {
		return nil, err
	}
	if len(raw) > MaxJSONTags {
		return nil, fmt.Errorf("more than %d tags", MaxJSONTags)
	}
	tags := make([]string, len(raw))
	for i := range raw {
		var err error
		if tags[i], err = jsonText(raw[i]); err != nil {
			return nil, fmt.Errorf("element %d: %w", i+1, err)
		}
	}
	return tags, nil
}

// The forms of ISO 8601 that are read; each also with a fraction of a second.
var jsonTimeLayouts = [...]string{
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05",
}

func jsonTime(value json.RawMessage) (Time, error) {
	if value[0] != '"' {
		n, err := jsonNanos(value)
		return Time(n), err
	}
	s, err := jsonText(value)
	if err != nil {
		return 0, err
	}
	for _, layout := range jsonTimeLayouts {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if y := t.Year(); y < 1678 || y > 2261 {
			return 0, fmt.Errorf("%s is not between the years 1678 and 2261", clipText(s))
		}
		return Time(t.UnixNano()), nil
	}
	return 0, fmt.Errorf("expected seconds or an ISO 8601 time, got %s", clipText(s))
}

// jsonNanos reads a number of seconds. One without an exponent is read digit
// by digit, because a float64 of today's time has no room for nanoseconds.
func jsonNanos(value json.RawMessage) (int64, error) {
	n, err := jsonNumber(value)
	if err != nil {
		return 0, err
	}
	if math.Abs(n) >= 9.2e9 {
		return 0, fmt.Errorf("%s is out of range for seconds (are they milliseconds?)", jsonKind(value))
	}
	whole, fraction, _ := strings.Cut(string(value), ".")
	if strings.ContainsAny(string(value), "eE") || len(fraction) > 9 {
		return secondsToNanos(n), nil
	}
	fraction += "000000000"[len(fraction):]
	nanos, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is out of range for seconds", jsonKind(value))
	}
	return nanos, nil
}

// jsonKind names a valid JSON value in an error.
func jsonKind(value json.RawMessage) string {
	switch {
	case value[0] == '"':
		s, _ := jsonText(value)
		return "the string " + clipText(s)
	case isJSONNumber(value):
		return "the number " + string(value[:min(len(value), 60)])
	case value[0] == '{' || value[0] == '[':
		return "a table"
	}
	return string(value)
}

// clipText quotes foreign text for an error, cut to a readable length.
func clipText(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
