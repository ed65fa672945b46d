package graphite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/carbon"
)

// readAll reads a recording as a source of that naming would, and returns its
// events as JSON lines and what was skipped.
func readAll(t *testing.T, recording string, templates ...string) (events string, skipped []string, err error) {
	t.Helper()
	naming, err := carbon.NewNaming(templates)
	if err != nil {
		t.Fatal(err)
	}
	format, in, err := plugins.SniffRecording(strings.NewReader(recording))
	if err != nil || format.Name != "graphite" {
		t.Fatalf("told as %q, %v", format.Name, err)
	}
	err = format.Read(in, plugins.RecordingEnv{
		Identities: engine.NewIdentities(10000), Source: &Source{decoder: decoder{naming: naming}},
		Skipped: func(err error) { skipped = append(skipped, err.Error()) },
		Emit: func(e *engine.Event) error {
			events += string(engine.AppendJSON(nil, e)) + "\n"
			return nil
		},
	})
	return events, skipped, err
}

func TestRecordedLines(t *testing.T) {
	events, skipped, err := readAll(t, "\na.cpu 1 10\r\na.cpu nan 11\nnonsense\na.cpu 2 12", "host.service*")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"host":"a","service":"cpu","time":10,"metric":1}
{"host":"a","service":"cpu","time":12,"metric":2}
`
	if events != want || len(skipped) != 2 {
		t.Errorf("got %s and %q skipped, want %s and 2", events, skipped, want)
	}
}

// framed puts the length before each pickle, as carbon wants it.
func framed(pickles ...string) (out string) {
	for _, p := range pickles {
		out += string(binary.BigEndian.AppendUint32(nil, uint32(len(p)))) + p
	}
	return out
}

func TestRecordedPickles(t *testing.T) {
	want := ""
	for protocol := range 6 {
		data, err := os.ReadFile(fmt.Sprintf("testdata/points.%d.pickle", protocol))
		if err != nil {
			t.Fatal(err)
		}
		events, skipped, err := readAll(t, framed(string(data), "", "no pickle", string(data)))
		if err != nil || len(events) == 0 {
			t.Fatalf("protocol %d: got %q, %v", protocol, events, err)
		}
		if want == "" {
			want = events
		}
		if events != want || events[:len(events)/2] != events[len(events)/2:] {
			t.Errorf("protocol %d: got %s, want %s", protocol, events, want)
		}
		if !slices.ContainsFunc(skipped, func(s string) bool { return strings.HasPrefix(s, "pickle 3: ") }) {
			t.Errorf("skipped %q", skipped)
		}
		if _, _, err := readAll(t, framed(string(data))[:len(data)]); err == nil || !strings.Contains(err.Error(), "pickle 1: cannot read its") {
			t.Errorf("cut off: %v", err)
		}
	}
	if _, _, err := readAll(t, framed("(l.")+"\xff\xff\xff\xff"); err == nil || !strings.Contains(err.Error(), "pickle 2: cannot read a frame of 4294967295 bytes") {
		t.Errorf("too long: %v", err)
	}
}

func TestIsRecording(t *testing.T) {
	for text, want := range map[string]bool{
		"a.b 1 2\n": true, "a.b nan 2\n": true, "\n\na 1": true,
		"": false, "a b c": false, "{\"host\":\"a\"}": false, "\x00\x00\x00\x05hello": false,
		"\x00\x00\x00\x09(lp0\n": true, "\x00\x00\x00\x09\x80\x02]q\x01": true, "\x00\x00\x00\x09\x80\x09]q\x01": false,
		"\x00\x00\x00\x00\x80\x02": false, "\x00\x00\x00\x20\x00\x00\x00\x08abc": false,
	} {
		if got := (isLines([]byte(text)) || isFrames([]byte(text))); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

// FuzzRecording reads any bytes as recorded pickles: each event counts, what is
// left is told.
func FuzzRecording(f *testing.F) {
	for protocol := range 6 {
		data, err := os.ReadFile(fmt.Sprintf("testdata/points.%d.pickle", protocol))
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(framed(string(data), "")))
	}
	f.Add([]byte(framed("(l.", "no pickle")))
	f.Fuzz(func(t *testing.T, data []byte) {
		naming, err := carbon.NewNaming(nil)
		if err != nil {
			t.Fatal(err)
		}
		env := plugins.RecordingEnv{
			Identities: engine.NewIdentities(100), Skipped: func(err error) {
				if err == nil {
					t.Error("skipped for no reason")
				}
			},
			Emit: func(e *engine.Event) error {
				if e.ID == nil || !e.HasAll(engine.HasMetric) {
					t.Errorf("got %+v", e)
				}
				return nil
			},
		}
		r := NewReader(bytes.NewReader(data), naming, env.Identities)
		if err := r.readFrames(env); err == nil && len(data) > 0 && len(data) < 4 {
			t.Error("a length that is cut off is taken")
		}
	})
}
