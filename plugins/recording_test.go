package plugins

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/engine"
)

// readAll reads a recording, and returns its events as JSON lines and what was
// skipped.
func readAll(t *testing.T, text string, emit func(*engine.Event) error) (events string, skipped []string, err error) {
	t.Helper()
	format, in, err := SniffRecording(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if format.Name != "json" {
		t.Fatalf("told as %q", format.Name)
	}
	err = format.Read(in, RecordingEnv{
		Identities: engine.NewIdentities(100),
		Emit: func(e *engine.Event) error {
			events += string(engine.AppendJSON(nil, e)) + "\n"
			return emit(e)
		},
		Skipped: func(err error) { skipped = append(skipped, err.Error()) },
	})
	return events, skipped, err
}

func TestJSONRecording(t *testing.T) {
	long := `{"host":"` + strings.Repeat("x", engine.MaxJSONBytes) + `"}`
	text := "\ufeff{\"host\":\"a\",\"metric\":1}\r\n\n  {\"host\":\"b\"}\nbad\n" + long + "\n{\"host\":\"c\"}"
	events, skipped, err := readAll(t, text, func(*engine.Event) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	want := "{\"host\":\"a\",\"metric\":1}\n{\"host\":\"b\"}\n{\"host\":\"c\"}\n"
	if events != want {
		t.Errorf("got %s, want %s", events, want)
	}
	if len(skipped) != 2 || !strings.HasPrefix(skipped[0], "line 4: ") || !strings.HasPrefix(skipped[1], "line 5: longer") {
		t.Errorf("skipped %q", skipped)
	}
}

func TestRecordingEndsAtErrorOfEmit(t *testing.T) {
	stop := errors.New("stop")
	events, _, err := readAll(t, "{}\n{}\n", func(*engine.Event) error { return stop })
	if err != stop || events != "{}\n" {
		t.Errorf("got %s and %v", events, err)
	}
}

func TestUnknownRecording(t *testing.T) {
	for _, text := range []string{"\x00\x01", "hello", "[1]"} {
		if r, _, err := SniffRecording(strings.NewReader(text)); err == nil {
			t.Errorf("%q is told as %s", text, r.Name)
		}
	}
	if _, _, err := SniffRecording(io.MultiReader()); err != nil {
		t.Errorf("an empty recording: %v", err)
	}
}

// TestPackedRecording reads what "gzip", "zstd" and "bzip2" made of two events.
func TestPackedRecording(t *testing.T) {
	for _, name := range []string{"events.jsonl.gz", "events.jsonl.zst", "events.jsonl.bz2"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		events, skipped, err := readAll(t, string(data), func(*engine.Event) error { return nil })
		want := "{\"host\":\"a\",\"time\":1}\n{\"host\":\"b\",\"time\":2}\n"
		if events != want || len(skipped) > 0 || err != nil {
			t.Errorf("%s: got %s, %v, %v", name, events, skipped, err)
		}
		if _, _, err := SniffRecording(strings.NewReader(string(data[:5]) + "\xff\xff\xff\xff")); err == nil {
			t.Errorf("%s: what is broken is taken", name)
		}
	}
}
