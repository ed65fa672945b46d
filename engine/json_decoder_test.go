package engine

import (
	"errors"
	"math"
	"testing"
)

// decodedSame wants a decoder to read what ParseJSON reads: at first sight, and
// when the engine has come to know the identity.
func decodedSame(t *testing.T, d *JSONDecoder, data []byte) {
	t.Helper()
	want, parts, wantErr := ParseJSON(data)
	for range 2 {
		got, err := d.Decode(data)
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("%.80q: got %v, want %v", data, err, wantErr)
		}
		if err != nil {
			return
		}
		if want.ID, err = d.ids.Intern(parts); err != nil {
			t.Fatal(err)
		}
		if got != want || math.Signbit(got.Metric) != math.Signbit(want.Metric) {
			t.Fatalf("%.80q:\n got %+v\nwant %+v", data, got, want)
		}
	}
}

// decoderCases are objects plain and unusual, valid and not.
var decoderCases = []string{
	`{}`, ` { } `, `{"host":"a","service":"b","state":"ok","time":1700000000.5,"metric":-1e-9,"ttl":60,"tags":["x","y"],"k":"v"}`,
	`{"time":1700000000.123456789,"metric":0.1,"ttl":0.1}`, `{"time":"2023-11-14T23:13:20.25+01:00"}`, `{"time":-0.5,"metric":-0}`,
	`{"metric":-0.0}`, `{"metric":123456789.12345678}`, `{"metric":12345678901234567890}`, `{"metric":9007199254740993}`, `{"metric":1e309}`,
	`{"metric":01}`, `{"metric":1.}`, `{"metric":.5}`, `{"metric":+1}`, `{"metric":-}`, `{"metric":1e}`, `{"metric":"1"}`, `{"metric":0x1}`,
	`{"metric":1,"metric":null}`, `{"metric":null}`, `{"metric":1,"metric":"x"}`, `{"state":"a","state":"b"}`, `{"host":"a","host":"b"}`,
	`{"host":null,"x":null,"tags":null}`, `{"x":1.50,"y":true,"z":nul}`, `{"x":[1]}`, `{"x":{"y":1}}`, `{"tags":["a",1]}`, `{"tags":[]}`, `{"tags":["a","a"]}`,
	`{"st\u0061te":"hidden"}`, `{"host":"a\n","description":"caf\u00e9"}`, `{"description":"café","host":"ü"}`, "{\"host\":\"\xff\"}", "{\"host\":\"a\tb\"}",
	`{"z":"1","a":"2","z":"3"}`, `{"time":9199999999.999999999}`, `{"time":9099999999.999999999}`, `{"ttl":1e3}`, `{"ttl":1.0000000001}`, `{"ttl":true}`,
	`{"a":1}x`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a" : 1 , "b" : "2" }`, `{"a":}`, `{"a":1`, `[]`, `null`, ``, `{"time":1700000000000}`, `{"x":01}`, `{"x":tru}`,
}

func TestJSONDecoder(t *testing.T) {
	d := NewJSONDecoder(NewIdentities(1000), NewNames())
	for range 2 {
		for _, text := range decoderCases {
			decodedSame(t, d, []byte(text))
		}
	}
}

// FuzzJSONDecoder holds the decoder against ParseJSON.
func FuzzJSONDecoder(f *testing.F) {
	for _, text := range decoderCases {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		decodedSame(t, NewJSONDecoder(NewIdentities(10), NewNames()), data)
	})
}

// TestJSONDecoderOfTooManyIdentities wants events that can still be told of.
func TestJSONDecoderOfTooManyIdentities(t *testing.T) {
	ids := NewIdentities(1)
	if _, err := ids.adopt(mustDecode(t, NewJSONDecoder(ids, NewNames()), `{"host":"a"}`).ID, false); err != nil {
		t.Fatal(err)
	}
	d := NewJSONDecoder(ids, NewNames())
	for range 2 {
		e, err := d.Decode([]byte(`{"host":"b"}`))
		if !errors.Is(err, ErrTooManyIdentities) || e.ID.Host != "b" || e.ID.Known() {
			t.Errorf("got %+v, %v", e.ID, err)
		}
	}
}

func mustDecode(t *testing.T, d *JSONDecoder, text string) Event {
	t.Helper()
	e, err := d.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestJSONDecoderAllocatesNothing(t *testing.T) {
	d := NewJSONDecoder(NewIdentities(10), NewNames())
	line := []byte(`{"host":"app3","service":"http","state":"ok","time":1700000000.5,"metric":87.5,"ttl":60,"tags":["prod"],"role":"app"}`)
	decodedSame(t, d, line)
	if n := testing.AllocsPerRun(100, func() { d.Decode(line) }); n > 0 {
		t.Errorf("%v allocations per event", n)
	}
}

func BenchmarkJSONDecoder(b *testing.B) {
	d := NewJSONDecoder(NewIdentities(10), NewNames())
	data := []byte(benchmarkEvent)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if e, err := d.Decode(data); err != nil || e.Metric != 87.5 {
			b.Fatal(e, err)
		}
	}
}
