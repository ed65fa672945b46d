package engine

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// binaryCases are events with all that the binary form has to carry.
func binaryCases(ids *Identities) []Event {
	bare := Event{ID: ids.Loose(Parts{})}
	full := Event{ID: ids.Loose(Parts{Host: "web1", Service: "http", Has: HasHost | HasService, Tags: []string{"b", "a"}, Attrs: []Attr{{"dc", "x"}, {"rack", ""}}})}
	full.SetState("ok")
	full.SetDescription("café\x00\xff")
	full.SetTime(1_700_000_000_123_456_789)
	full.SetMetric(math.Copysign(0, -1))
	full.SetTTL(90 * time.Second)
	empty := Event{ID: ids.Loose(Parts{Has: HasHost})}
	empty.SetState("")
	empty.SetDescription("")
	empty.SetMetric(math.Inf(-1))
	empty.SetTTL(-1)
	empty.SetTime(math.MinInt64)
	long := Event{ID: ids.Loose(Parts{Service: strings.Repeat("long", 1000), Has: HasService})}
	long.SetState(strings.Repeat("s", 1000))
	long.SetTime(math.MaxInt64)
	return []Event{bare, full, empty, long}
}

func TestBinaryEvents(t *testing.T) {
	ids := NewIdentities(100)
	for _, base := range []Time{0, 1_700_000_000_000_000_000, math.MinInt64, math.MaxInt64} {
		want := binaryCases(ids)
		var data []byte
		for i := range want {
			data = AppendEvent(data, &want[i], base)
		}
		decoder := NewEventDecoder(ids)
		for range 2 { // unknown, then known
			rest := data
			for i := range want {
				var got Event
				var err error
				if rest, err = decoder.Decode(rest, base, &got); err != nil {
					t.Fatal(err)
				}
				id, _ := ids.Intern(want[i].ID.Parts())
				if got.ID != id || math.Float64bits(got.Metric) != math.Float64bits(want[i].Metric) {
					t.Errorf("got %+v, want %+v", got, want[i])
				}
				got.ID = want[i].ID
				if got != want[i] {
					t.Errorf("got %+v, want %+v", got, want[i])
				}
			}
			if len(rest) > 0 {
				t.Errorf("%d bytes are left", len(rest))
			}
		}
	}
}

func TestBinaryEventCutShort(t *testing.T) {
	ids := NewIdentities(100)
	for _, e := range binaryCases(ids) {
		data := AppendEvent(nil, &e, 0)
		for n := range data {
			if _, err := NewEventDecoder(ids).Decode(data[:n], 0, &Event{}); err == nil {
				t.Fatalf("%d of %d bytes make an event", n, len(data))
			}
		}
	}
}

func TestBinaryEventOfTooManyIdentities(t *testing.T) {
	e := Event{ID: NewIdentities(1).Loose(serviceParts("b"))}
	full := NewIdentities(1)
	first, err := full.Intern(serviceParts("a"))
	if err != nil {
		t.Fatal(err)
	}
	first.flags.Or(identityAdopted)
	full.adopted++
	var got Event
	if _, err := NewEventDecoder(full).Decode(AppendEvent(nil, &e, 0), 0, &got); err != nil {
		t.Fatal(err)
	}
	if got.ID.Service != "b" || got.ID.Known() {
		t.Errorf("got %+v", got.ID)
	}
}

func FuzzEventDecoder(f *testing.F) {
	ids := NewIdentities(100)
	for _, e := range binaryCases(ids) {
		f.Add(AppendEvent(nil, &e, 5))
	}
	f.Add([]byte("\x05\x01\x01a\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ids := NewIdentities(10)
		decoder := NewEventDecoder(ids)
		var first, known, again Event
		rest, err := decoder.Decode(data, 5, &first)
		if err != nil {
			return
		}
		if _, err := decoder.Decode(data, 5, &known); err != nil || !sameEvent(&known, &first) {
			t.Fatalf("got %+v, then %+v (%v)", first, known, err)
		}
		written := AppendEvent(nil, &first, 5)
		if _, err := decoder.Decode(written, 5, &again); err != nil || !sameEvent(&again, &first) {
			t.Fatalf("got %+v, after writing it %+v (%v)", first, again, err)
		}
		if len(rest) > len(data) {
			t.Fatal("more is left than there was")
		}
	})
}

// sameEvent compares bit by bit, since a NaN is not equal to itself.
func sameEvent(a, b *Event) bool {
	x, y := *a, *b
	sameMetric := math.Float64bits(x.Metric) == math.Float64bits(y.Metric)
	x.Metric, y.Metric = 0, 0
	return sameMetric && x == y
}

func BenchmarkBinaryEvents(b *testing.B) {
	ids := NewIdentities(1000)
	var events []Event
	for i := range BatchSize {
		e := Event{ID: ids.Loose(serviceParts("cpu."+string(rune('a'+i%26)), "dc", "x"))}
		e.SetTime(Time(i))
		e.SetMetric(float64(i))
		e.SetTTL(time.Minute)
		e.SetState("ok")
		events = append(events, e)
	}
	var data []byte
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			data = data[:0]
			for i := range events {
				data = AppendEvent(data, &events[i], 0)
			}
		}
		b.SetBytes(int64(len(data)))
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		data = slices.Clip(data)
		decoder := NewEventDecoder(ids)
		var e Event
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			for rest := data; len(rest) > 0; {
				var err error
				if rest, err = decoder.Decode(rest, 0, &e); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
	})
}
