package graphite

import (
	"bytes"
	"errors"
	"io"

	"tocsin/plugins"
)

func init() {
	plugins.RegisterRecording(plugins.Recording{Name: "graphite", Sniff: isRecording, Read: readRecording})
}

// isRecording reports whether the first line that is not blank is one of
// plaintext. A gap (nan) is one, too.
func isRecording(head []byte) bool {
	for line := range bytes.Lines(head) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		_, err := ParseLine(line)
		return err == nil || errors.Is(err, ErrNaN)
	}
	return false
}

// readRecording makes events of recorded lines. Names mean what the templates
// of the configuration's source say.
func readRecording(in io.Reader, env plugins.RecordingEnv) error {
	naming, err := NewNaming(nil)
	if err != nil {
		return err
	}
	if s, ok := env.Source.(*Source); ok {
		naming = s.naming
	}
	r := NewReader(in, naming, env.Identities)
	for {
		e, err := r.Next()
		var bad *LineError
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &bad):
			env.Skipped(err)
		case err != nil:
			return err
		default:
			if err := env.Emit(&e); err != nil {
				return err
			}
		}
	}
}
