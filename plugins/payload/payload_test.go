package payload

import (
	"errors"
	"strings"
	"testing"

	"tocsin/engine"
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
