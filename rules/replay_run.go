package rules

import (
	"context"
	"io"
	"slices"
	"sync"

	"tocsin/engine"
	"tocsin/plugins"
)

// Recording is one of the recordings of a Replay.
type Recording struct {
	// In is read on a goroutine of its own.
	In io.Reader
	// Read, when not nil, is called instead, for what is not one stream of bytes.
	// Its events come from Source, which may be nil, until it tells of others.
	Read   func(plugins.RecordingEnv) error
	Source *Source
	// Skipped is how many pieces made no event, and FirstSkipped why the first
	// one did not. Err is why the recording could not be read to its end. They
	// are set when Run returns.
	Skipped      int
	FirstSkipped error
	Err          error
}

// Replay runs a configuration on recorded events, with a clock that follows
// their times. What comes out depends on nothing but the configuration and the
// recordings.
type Replay struct {
	Config *Config
	// Recordings are merged: of the events that are next in each, the one with
	// the earliest time comes first; of those at one time, that of the earlier
	// recording. Within a recording the order stays. An event without a time
	// counts as one at the time of that before it.
	Recordings []*Recording
	// Since and Until, when not nil, leave out events before Since, and at or
	// after Until.
	Since, Until *engine.Time
	// Wait, when not nil, is called before the clock moves to t, to hold the
	// replay back. Its error ends the replay.
	Wait func(ctx context.Context, t engine.Time) error
	// Take, when not nil, is given each event in the place of the configuration,
	// which is not started. Its error ends the replay.
	Take func(*engine.Event) error
	// Progress, when not nil, is called now and then with how many events were
	// taken. Its error ends the replay.
	Progress func(events int) error

	events  int
	readers []*recordingReader
	own     *engine.Deriver
}

// Bounds of a replay.
const (
	// aheadBatches is how many batches a recording is read ahead.
	aheadBatches = 16
	// progressEvents is after how many events Progress is called.
	progressEvents = 4096
	// turnSteps is how much of the timers is served before the replay looks
	// whether it shall end.
	turnSteps = 1 << 16
	// recordedIdentities bounds the identities of one recording. What the engine
	// keeps of them is bounded by settings.identities.
	recordedIdentities = 4_000_000
)

// Run replays to the end, on the caller's goroutine, which becomes the
// engine's. A recording that breaks off costs what comes after the break; the
// others go on (see Recording.Err). The error is that of ctx, Wait or Progress.
//
// In the end the clock stands at the last event, or at Until, if the recordings
// go on so far.
func (r *Replay) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	ids := r.Config.Engine.Identities()
	r.own = engine.NewDeriver(func(id *engine.Identity) *engine.Identity { return ids.Loose(id.Parts()) })
	if r.Take == nil {
		r.Config.Start()
	}
	for _, recording := range r.Recordings {
		reader := newRecordingReader(r, recording)
		r.readers = append(r.readers, reader)
		wg.Go(func() { reader.run(ctx) })
	}
	if err := r.merge(ctx); err != nil {
		return err
	}
	return r.finish(ctx)
}

// merge hands in the events of all recordings, in order.
func (r *Replay) merge(ctx context.Context) error {
	for {
		next, err := r.next(ctx)
		if next == nil || err != nil {
			return err
		}
		e := &next.events[next.at]
		next.at++
		if err := r.serve(ctx, next.from, e); err != nil {
			return err
		}
		if r.events++; r.events%progressEvents == 0 {
			if err := r.progress(ctx); err != nil {
				return err
			}
		}
	}
}

// serve hands in one event.
func (r *Replay) serve(ctx context.Context, from *Source, e *engine.Event) error {
	if r.Take != nil {
		from.setTTL(e)
		return r.Take(e)
	}
	if err := r.moveTo(ctx, e); err != nil {
		return err
	}
	// The identity is the recording's; the engine has its own.
	e.ID = r.own.Of(e.ID)
	r.Config.ingestFrom(from, e)
	return nil
}

// next returns the recording whose next event comes first, or nil at the end.
func (r *Replay) next(ctx context.Context) (first *recordingReader, err error) {
	for _, reader := range r.readers {
		if reader.at == len(reader.events) && !reader.ended {
			if err := reader.fill(ctx); err != nil {
				return nil, err
			}
		}
		if reader.ended {
			continue
		}
		if e := &reader.events[reader.at]; e.Has&engine.HasTime != 0 {
			reader.time = e.Time
		}
		if first == nil || reader.time < first.time {
			first = reader
		}
	}
	return first, nil
}

// moveTo moves the clock to the time of an event, if it has one.
func (r *Replay) moveTo(ctx context.Context, ev *engine.Event) error {
	if ev.Has&engine.HasTime == 0 {
		return nil
	}
	e := r.Config.Engine
	e.StartAt(ev.Time)
	return r.advance(ctx, ev.Time)
}

// advance moves the clock to t, and by way of each timer if Wait wants to know.
func (r *Replay) advance(ctx context.Context, t engine.Time) error {
	e := r.Config.Engine
	for r.Wait != nil && t > e.Now() {
		step := t
		if due, ok := e.Wheel().Next(); ok && e.Now() < due && due < t {
			step = due
		}
		if err := r.Wait(ctx, step); err != nil {
			return err
		}
		e.Advance(step, 0)
	}
	for !e.Advance(t, turnSteps) {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Replay) progress(ctx context.Context) error {
	r.Config.Engine.Flush()
	if r.Progress != nil {
		if err := r.Progress(r.events); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// finish moves the clock to Until, if there are events beyond.
func (r *Replay) finish(ctx context.Context) error {
	beyond := slices.ContainsFunc(r.readers, func(reader *recordingReader) bool { return reader.beyond })
	if beyond && r.events > 0 && r.Take == nil {
		if err := r.advance(ctx, *r.Until); err != nil {
			return err
		}
	}
	return r.progress(ctx)
}
