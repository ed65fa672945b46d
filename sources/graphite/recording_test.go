package graphite

import (
	"strings"
	"testing"

	"tocsin/engine"
	"tocsin/plugins"
)

func TestRecording(t *testing.T) {
	naming, err := NewNaming([]string{"host.service*"})
	if err != nil {
		t.Fatal(err)
	}
	source := &Source{decoder: decoder{naming: naming}}
	format, in, err := plugins.SniffRecording(strings.NewReader("\na.cpu 1 10\r\na.cpu nan 11\nnonsense\na.cpu 2 12"))
	if err != nil || format.Name != "graphite" {
		t.Fatalf("told as %q, %v", format.Name, err)
	}
	events, skipped := "", 0
	env := plugins.RecordingEnv{
		Identities: engine.NewIdentities(10), Source: source, Skipped: func(error) { skipped++ },
		Emit: func(e *engine.Event) error {
			events += string(engine.AppendJSON(nil, e)) + "\n"
			return nil
		},
	}
	if err := format.Read(in, env); err != nil {
		t.Fatal(err)
	}
	want := `{"host":"a","service":"cpu","time":10,"metric":1}
{"host":"a","service":"cpu","time":12,"metric":2}
`
	if events != want || skipped != 2 {
		t.Errorf("got %s and %d skipped, want %s and 2", events, skipped, want)
	}
}

func TestIsRecording(t *testing.T) {
	for text, want := range map[string]bool{
		"a.b 1 2\n": true, "a.b nan 2\n": true, "\n\na 1": true,
		"": false, "a b c": false, "{\"host\":\"a\"}": false, "\x00\x00\x00\x05hello": false,
	} {
		if got := isRecording([]byte(text)); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
