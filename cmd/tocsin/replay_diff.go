package main

import (
	"bufio"
	"context"
	"errors"

	"tocsin/engine"
	"tocsin/rules"
)

// act is one thing that a configuration would do: hand a message to a sink.
type act struct {
	at   engine.Time // the clock
	sink *actSink
	// key is what makes it the same as an act of the other configuration: sink,
	// host, service and state, of its first event if it is a list.
	key     string
	message []byte // as a member of a JSON object
}

// actSink is a sink, as far as acts go.
type actSink struct {
	name string
	page bool // it notifies someone
	both bool // the other configuration has one of that name, too
}

// actBatch is how many acts go from a replay to the comparison at once.
const actBatch = 256

// diffSide replays one of two configurations.
type diffSide struct {
	config *rules.Config
	files  []*recordingFile
	sinks  []*actSink
	acts   chan []act
	batch  []act
	err    error // of the replay; to be read when acts is closed
}

// diff replays two configurations side by side and prints what differs.
func (c *replayCommand) diff(ctx context.Context, p *process, o replayOptions) error {
	var sides [2]*diffSide
	var files []*recordingFile
	for i, file := range []string{c.File, c.Diff} {
		s := &diffSide{acts: make(chan []act, 16)}
		var err error
		if s.config, err = rules.Load(file, rules.Options{Secret: optionalSecret, Logger: p.logger("info"), Output: s.output}); err != nil {
			return err
		}
		defer s.config.Close()
		if s.files, err = openRecordings(ctx, p, s.config, c.From, o.timeSpan); err != nil {
			return err
		}
		defer closeRecordings(s.files)
		files = append(files, s.files...)
		sides[i] = s
	}
	pairSinks(sides)
	bar := newProgress(p, files)
	for _, s := range sides {
		go s.run(ctx, c.replay(s.config, s.files, bar, o)) // ended when acts is closed
	}
	out := bufio.NewWriterSize(p.out, 64<<10)
	report := newDiffReport(out, c.JSON || !isTerminal(p.out))
	matcher := newActMatcher(c.Within, report.add)
	matcher.compare(sides[0].acts, sides[1].acts)
	bar.finish()
	err := errors.Join(sides[0].err, sides[1].err)
	if err == nil {
		matcher.end()
	}
	report.end()
	err = errors.Join(err, out.Flush())
	if err := replayed(ctx, p, sides[0].files, err); err != nil {
		return err
	}
	if report.differ {
		return errFailed
	}
	return nil
}

// pairSinks tells each sink whether the other side has it.
func pairSinks(sides [2]*diffSide) {
	for _, a := range sides[0].sinks {
		for _, b := range sides[1].sinks {
			if a.name == b.name {
				a.both, b.both = true, true
			}
		}
	}
}

// run replays, on a goroutine of its own. In the end it closes acts.
func (s *diffSide) run(ctx context.Context, replay *rules.Replay) {
	defer close(s.acts)
	shown := replay.Progress
	replay.Progress = func(events int) error {
		s.send()
		return shown(events)
	}
	s.err = replay.Run(ctx)
	s.send()
}

// send hands over what there is. The comparison takes all until acts is closed.
func (s *diffSide) send() {
	if len(s.batch) > 0 {
		s.acts <- s.batch
		s.batch = nil
	}
}

// output is what the streams put into for a sink.
func (s *diffSide) output(to *rules.Sink) (engine.Output, error) {
	_, page := to.Sink.(engine.Notifier)
	sink := &actSink{name: to.Name, page: page}
	s.sinks = append(s.sinks, sink)
	return &actOutput{side: s, sink: sink}, nil
}

// actOutput makes acts of what one sink would get.
type actOutput struct {
	side *diffSide
	sink *actSink
	key  []byte
}

// Put implements engine.Output.
func (o *actOutput) Put(m engine.Message) {
	o.key = append(o.key[:0], o.sink.name...)
	if len(m.Events) > 0 {
		e := &m.Events[0]
		for _, part := range [...]string{e.ID.Host, e.ID.Service, e.State} {
			o.key = append(append(o.key, 0), part...)
		}
	}
	if m.List {
		o.key = append(o.key, 0)
	}
	s := o.side
	s.batch = append(s.batch, act{at: s.config.Engine.Now(), sink: o.sink, key: string(o.key), message: appendMessage(nil, m)})
	if len(s.batch) >= actBatch {
		s.send()
	}
}

// Flush implements engine.Output.
func (o *actOutput) Flush() {}
