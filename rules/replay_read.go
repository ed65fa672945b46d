package rules

import (
	"context"

	"tocsin/engine"
	"tocsin/plugins"
)

// recordingReader reads one recording ahead of the engine. Its identities are
// in a table of its own: what a decoder knows of a name must not depend on how
// far behind the engine is.
type recordingReader struct {
	replay    *Replay
	recording *Recording
	full      chan recordedBatch
	free      chan []engine.Event

	// These belong to run until full is closed.
	batch  recordedBatch
	last   engine.Time // of the events so far
	timed  bool        // there is a last
	beyond bool        // an event was at or after Until

	// These belong to the engine's goroutine.
	recordedBatch             // that is being served
	at            int         // next of events
	time          engine.Time // what the next event counts as
	ended         bool
}

// recordedBatch are events of one source.
type recordedBatch struct {
	events []engine.Event
	from   *Source // nil: the configuration has none
}

func newRecordingReader(r *Replay, recording *Recording) *recordingReader {
	return &recordingReader{
		replay: r, recording: recording,
		full: make(chan recordedBatch, aheadBatches), free: make(chan []engine.Event, aheadBatches),
	}
}

// run reads to the end.
func (r *recordingReader) run(ctx context.Context) {
	defer close(r.full)
	r.batch.events = r.empty()
	config := r.replay.Config
	env := plugins.RecordingEnv{
		Identities: engine.NewIdentities(recordedIdentities),
		Emit:       func(e *engine.Event) error { return r.emit(ctx, e) },
		Skipped: func(err error) {
			if r.recording.Skipped++; r.recording.Skipped == 1 {
				r.recording.FirstSkipped = err
			}
		},
		From: func(source string) { r.comesFrom(ctx, config.sourceNamed(source)) },
	}
	var err error
	if r.recording.Read != nil {
		if from := r.recording.Source; from != nil {
			r.batch.from = from
			env.Source, env.Identities = from.Source, env.Identities.Tagged(from.Tags)
		}
		err = r.recording.Read(env)
	} else {
		err = config.readRecording(r.recording.In, env, func(s *Source) { r.batch.from = s })
	}
	if sent := r.send(ctx); err == nil {
		err = sent
	}
	r.recording.Err = err
}

// emit takes an event that was read.
func (r *recordingReader) emit(ctx context.Context, e *engine.Event) error {
	if e.Has&engine.HasTime != 0 {
		r.last, r.timed = e.Time, true
	}
	if !r.wanted() {
		return nil
	}
	r.batch.events = append(r.batch.events, *e)
	if len(r.batch.events) < engine.BatchSize {
		return nil
	}
	return r.send(ctx)
}

// comesFrom ends the batch at hand when another source follows.
func (r *recordingReader) comesFrom(ctx context.Context, from *Source) {
	if from != r.batch.from {
		_ = r.send(ctx) // once ctx is done, emit says so
		r.batch.from = from
	}
}

// wanted reports whether what comes at the time of last is in the range that is
// asked for.
func (r *recordingReader) wanted() bool {
	since, until := r.replay.Since, r.replay.Until
	if since != nil && (!r.timed || r.last < *since) {
		return false
	}
	if until != nil && r.timed && r.last >= *until {
		r.beyond = true
		return false
	}
	return true
}

func (r *recordingReader) empty() []engine.Event {
	select {
	case b := <-r.free:
		return b[:0]
	default:
		return make([]engine.Event, 0, engine.BatchSize)
	}
}

// send hands the batch at hand to the engine's goroutine.
func (r *recordingReader) send(ctx context.Context) error {
	if len(r.batch.events) == 0 {
		return nil
	}
	select {
	case r.full <- r.batch:
		r.batch.events = r.empty()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fill waits for the next batch, on the engine's goroutine.
func (r *recordingReader) fill(ctx context.Context) error {
	if r.events != nil {
		select {
		case r.free <- r.events:
		default:
		}
	}
	r.recordedBatch, r.at = recordedBatch{}, 0
	select {
	case b, ok := <-r.full:
		r.recordedBatch, r.ended = b, !ok
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
