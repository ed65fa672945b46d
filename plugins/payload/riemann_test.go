package payload

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/easyproto"
)

// msg makes a Msg with one Event or State in the field.
func msg(field uint32, fill func(e *easyproto.MessageMarshaler)) []byte {
	m := (&easyproto.MarshalerPool{}).Get()
	fill(m.MessageMarshaler().AppendMessage(field))
	return m.Marshal(nil)
}

func attr(e *easyproto.MessageMarshaler, key, value string) {
	a := e.AppendMessage(fieldAttributes)
	a.AppendString(1, key)
	a.AppendString(2, value)
}

func TestRiemann(t *testing.T) {
	gaps := 0
	d := newTestDecoder(t, "riemann", Options{Gap: func() { gaps++ }})
	f := func(want string, fill func(e *easyproto.MessageMarshaler)) {
		t.Helper()
		run(t, d, []decodeCase{{value: string(msg(msgEvents, fill)), events: []string{want}}})
	}
	f(`{}`, func(e *easyproto.MessageMarshaler) {})
	f(`{"host":"","service":"/"}`, func(e *easyproto.MessageMarshaler) { e.AppendString(fieldHost, ""); e.AppendString(fieldService, "/") })
	f(`{"time":7}`, func(e *easyproto.MessageMarshaler) { e.AppendInt64(fieldTime, 7) })
	f(`{"time":7.25}`, func(e *easyproto.MessageMarshaler) {
		e.AppendInt64(fieldTimeMicros, 7_250_000)
		e.AppendInt64(fieldTime, 7)
	})
	f(`{"time":9223372036}`, func(e *easyproto.MessageMarshaler) { e.AppendInt64(fieldTime, math.MaxInt64) })
	f(`{"metric":-3}`, func(e *easyproto.MessageMarshaler) {
		e.AppendFloat(fieldMetricF, 1)
		e.AppendSint64(fieldMetricInt, -3)
		e.AppendDouble(fieldMetricD, 2)
	})
	f(`{"metric":2.1}`, func(e *easyproto.MessageMarshaler) {
		e.AppendDouble(fieldMetricD, 2.1)
		e.AppendFloat(fieldMetricF, 2.1)
	})
	f(`{"metric":1.5}`, func(e *easyproto.MessageMarshaler) { e.AppendFloat(fieldMetricF, 1.5) })
	f(`{"state":"ok"}`, func(e *easyproto.MessageMarshaler) {
		e.AppendString(fieldState, "ok")
		e.AppendDouble(fieldMetricD, math.NaN())
	})
	f(`{"ttl":12.5}`, func(e *easyproto.MessageMarshaler) { e.AppendFloat(fieldTTL, 12.5) })
	f(`{}`, func(e *easyproto.MessageMarshaler) { e.AppendFloat(fieldTTL, float32(math.NaN())) })
	f(`{"host":"a","service":"s","state":"x","description":"d","tags":["t","u"],"k":"v"}`, func(e *easyproto.MessageMarshaler) {
		e.AppendString(fieldTags, "t")
		e.AppendString(fieldTags, "u")
		e.AppendString(fieldService, "s")
		for _, a := range [][2]string{{"k", "v"}, {"host", "a"}, {"state", "x"}, {"description", "d"}, {"ttl", "3"}, {"time", "3"}, {"metric", "3"}, {"tags", "3"}} {
			attr(e, a[0], a[1])
		}
		e.AppendMessage(fieldAttributes).AppendString(1, "without")
	})
	f(`{"host":"a�"}`, func(e *easyproto.MessageMarshaler) { e.AppendString(fieldHost, "a\xff") })
	if gaps != 2 {
		t.Errorf("told of %d gaps, want 2", gaps)
	}
	run(t, d, []decodeCase{{value: string(msg(msgStates, func(e *easyproto.MessageMarshaler) {
		e.AppendString(fieldHost, "a")
		e.AppendBool(6, true) // once
	})), events: []string{`{"host":"a"}`}}})
}

func TestRiemann_Failure(t *testing.T) {
	d := newTestDecoder(t, "riemann", Options{})
	host := func(e *easyproto.MessageMarshaler) { e.AppendString(fieldHost, "a") }
	good := string(msg(msgEvents, host))
	f := func(fill func(e *easyproto.MessageMarshaler), reason string) {
		t.Helper()
		run(t, d, []decodeCase{{value: string(msg(msgEvents, fill)) + good, events: []string{`{"host":"a"}`}, bad: 1, reason: "event 1: " + reason}})
	}
	f(func(e *easyproto.MessageMarshaler) { e.AppendInt64(fieldHost, 1) }, "field 4 is of another type")
	f(func(e *easyproto.MessageMarshaler) { e.AppendString(fieldTime, "x") }, "field 1 is of another type")
	f(func(e *easyproto.MessageMarshaler) { e.AppendInt64(fieldMetricD, 1) }, "field 14 is of another type")
	f(func(e *easyproto.MessageMarshaler) { e.AppendString(fieldAttributes, "\x0a\x09") }, "the protobuf message is broken")
	f(func(e *easyproto.MessageMarshaler) { e.AppendString(fieldHost, strings.Repeat("x", 1<<20)) }, "it has more than 1048576 bytes")
	f(func(e *easyproto.MessageMarshaler) {
		for range 257 {
			e.AppendString(fieldTags, "x")
		}
	}, "it has more than 256 tags")
	f(func(e *easyproto.MessageMarshaler) {
		for i := range 257 {
			attr(e, fmt.Sprint("k", i), "v")
		}
	}, "it has more than 256 attributes")
	run(t, d, []decodeCase{
		{value: good + "\x32\x7f", events: []string{`{"host":"a"}`}, bad: 1, reason: "event 2: the protobuf message is broken"},
		{value: good + "\x32", events: []string{`{"host":"a"}`}, bad: 1, reason: "event 2: the protobuf message is broken"},
		{value: "\x30\x01" + good, events: []string{`{"host":"a"}`}, bad: 1, reason: "event 1: the protobuf message is broken"},
		{value: "hello", bad: 1, reason: "broken"},
	})
}

// recordedEvent is an event as an independent decoder wrote it down.
type recordedEvent struct {
	Host, Service, State, Description *string
	Tags                              []string
	Attributes                        [][2]string
	TTL                               *float64
	TimeMicros                        *int64   `json:"time_micros"`
	MetricInt                         *int64   `json:"metric_sint64"`
	MetricD                           *float64 `json:"metric_d"`
	MetricF                           *float64 `json:"metric_f"`
}

// json is the event as docs/language.md has it.
func (r *recordedEvent) json(t *testing.T) string {
	out := map[string]any{}
	for key, value := range map[string]*string{"host": r.Host, "service": r.Service, "state": r.State, "description": r.Description} {
		if value != nil {
			out[key] = *value
		}
	}
	for _, a := range r.Attributes {
		out[a[0]] = a[1]
	}
	if len(r.Tags) > 0 {
		out["tags"] = r.Tags
	}
	if r.TTL != nil {
		out["ttl"] = *r.TTL
	}
	if r.TimeMicros != nil {
		out["time"] = json.Number(fmt.Sprintf("%d.%06d", *r.TimeMicros/1e6, *r.TimeMicros%1e6))
	}
	switch {
	case r.MetricInt != nil:
		out["metric"] = *r.MetricInt
	case r.MetricD != nil:
		out["metric"] = *r.MetricD
	case r.MetricF != nil:
		out["metric"] = *r.MetricF
	}
	return canonical(t, out)
}

// canonical is one form for one JSON object.
func canonical(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	data, _ = json.Marshal(object)
	return string(data)
}

// recordedMsgs are what collectd's write_riemann and riemann-client sent.
func recordedMsgs(t testing.TB) (msgs [][]byte) {
	for data := readTestdata(t, "riemann.msgs"); len(data) > 0; {
		n := 4 + binary.BigEndian.Uint32(data)
		msgs, data = append(msgs, data[4:n]), data[n:]
	}
	return msgs
}

func TestRiemannRecording(t *testing.T) {
	d := newTestDecoder(t, "riemann", Options{})
	truth := slices.Collect(bytes.Lines(readTestdata(t, "riemann.jsonl")))
	for i, data := range recordedMsgs(t) {
		var want struct{ Events []recordedEvent }
		if err := json.Unmarshal(truth[i], &want); err != nil {
			t.Fatal(err)
		}
		got, err := decode(d, data)
		lines := slices.Collect(strings.Lines(got))
		if err != nil || len(lines) != len(want.Events) {
			t.Fatalf("message %d: got %d events, %v; want %d", i+1, len(lines), err, len(want.Events))
		}
		for j := range lines {
			if got, want := canonical(t, json.RawMessage(lines[j])), want.Events[j].json(t); got != want {
				t.Errorf("message %d, event %d:\n got %s\nwant %s", i+1, j+1, got, want)
			}
		}
	}
}

func FuzzRiemann(f *testing.F) {
	for _, data := range recordedMsgs(f) {
		f.Add(data)
	}
	fuzzFormat(f, "riemann")
}

func TestKnownRiemannAllocatesNothing(t *testing.T) {
	wantNoAllocations(t, "riemann", recordedMsgs(t)[1])
}

func BenchmarkRiemann(b *testing.B) { benchmark(b, "riemann", recordedMsgs(b)[1]) }
