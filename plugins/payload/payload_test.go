package payload

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tocsin/engine"
	"tocsin/plugins/valuelist"
)

// decode returns the events of a value as JSON lines.
func decode(d Decoder, value []byte) (events string, err error) {
	var out strings.Builder
	var e *engine.Event
	flush := func() {
		if e != nil {
			out.Write(engine.AppendJSON(nil, e))
			out.WriteByte('\n')
		}
	}
	err = d.Decode(value, func(id *engine.Identity) *engine.Event {
		flush()
		e = &engine.Event{ID: id}
		return e
	})
	flush()
	return out.String(), err
}

func newTestDecoder(t testing.TB, format string, o Options) Decoder {
	t.Helper()
	d, err := New(format, engine.NewIdentities(10_000), o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// badCount is how many parts an error is about.
func badCount(t *testing.T, err error) int {
	t.Helper()
	var b *BadError
	if err != nil && !errors.As(err, &b) {
		t.Fatalf("%v is no *BadError", err)
	}
	if b == nil {
		return 0
	}
	return b.Bad
}

// A decodeCase says what a value gives: events, and how many parts are bad, of
// which the first has reason.
type decodeCase struct {
	value  string
	events []string
	bad    int
	reason string
}

// run decodes each value twice, by one decoder: names are new, then known.
func run(t *testing.T, d Decoder, cases []decodeCase) {
	t.Helper()
	for _, c := range cases {
		want := strings.Join(append(c.events, ""), "\n")
		for range 2 {
			got, err := decode(d, []byte(c.value))
			if got != want {
				t.Errorf("%.200q:\n got %s\nwant %s", c.value, got, want)
			}
			if n := badCount(t, err); n != c.bad || n > 0 && !strings.Contains(err.Error(), c.reason) {
				t.Errorf("%.200q: got %d bad, %v; want %d, %q", c.value, n, err, c.bad, c.reason)
			}
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	_, err := New("jsom", engine.NewIdentities(1), Options{})
	if err == nil || !strings.Contains(err.Error(), `no such format "jsom"; did you mean "json"?`) {
		t.Error(err)
	}
}

// fuzzFormat wants events that are whole, and the same ones when the names are
// known.
func fuzzFormat(f *testing.F, format string) {
	types := valuelist.BuiltinTypes()
	f.Fuzz(func(t *testing.T, value []byte) {
		d := newTestDecoder(t, format, Options{Types: types})
		events, err := decode(d, value)
		again, errAgain := decode(d, value)
		if events != again || fmt.Sprint(err) != fmt.Sprint(errAgain) {
			t.Errorf("%q: got %s, %v, then %s, %v", value, events, err, again, errAgain)
		}
		badCount(t, err)
		for line := range strings.Lines(events) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%q: made %s", value, line)
			}
		}
	})
}

// discard takes events.
func discard(events *int) func(*engine.Identity) *engine.Event {
	var e engine.Event
	return func(id *engine.Identity) *engine.Event {
		*events++
		e = engine.Event{ID: id}
		return &e
	}
}

func wantNoAllocations(t *testing.T, format string, value []byte) {
	t.Helper()
	d, events := newTestDecoder(t, format, Options{}), 0
	add := discard(&events)
	if n := testing.AllocsPerRun(10, func() { d.Decode(value, add) }); n > 0 {
		t.Errorf("%.60q: %v allocations for %d events", value, n, events/11)
	}
}

// benchmark decodes the values round and round. One turn is one value.
func benchmark(b *testing.B, format string, values ...[]byte) {
	d, events, i := newTestDecoder(b, format, Options{}), 0, 0
	add := discard(&events)
	for _, value := range values {
		if err := d.Decode(value, add); err != nil {
			b.Fatal(err)
		}
	}
	events = 0
	b.ReportAllocs()
	b.SetBytes(int64(len(values[0])))
	for b.Loop() {
		if err := d.Decode(values[i], add); err != nil {
			b.Fatal(err)
		}
		if i++; i == len(values) {
			i = 0
		}
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
