package main

import (
	"fmt"

	"tocsin/engine"
	"tocsin/engine/journal"
	"tocsin/plugins"
)

// journalPrefix is before the name of a folder that is a journal.
const journalPrefix = "journal:"

// openJournal opens the journal in dir as a recording, of which only what is in
// span is wanted. A program that is writing it is not disturbed.
func openJournal(name, dir string, span timeSpan) (*recordingFile, error) {
	size, err := journal.Size(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open recording %q: %w", name, err)
	}
	r := &recordingFile{name: name, size: size, close: func() error { return nil }}
	r.recording.Read = func(env plugins.RecordingEnv) error {
		o := journal.ReadOptions{
			Identities: env.Identities, Since: span.since, Until: span.until, Bad: env.Skipped,
			Passed: func(bytes int64) { r.read.Add(bytes) },
		}
		return journal.Read(dir, o, func(b *engine.Logged) error {
			env.From(b.Source)
			for i := range b.Events {
				if err := env.Emit(&b.Events[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return r, nil
}
