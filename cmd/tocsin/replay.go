package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"tocsin/engine"
	"tocsin/rules"
)

// replayCommand is "tocsin replay".
type replayCommand struct {
	File string `arg:"" help:"The rules file."`
	From string `required:"" placeholder:"RECORDING" help:"The recorded events; \"-\" is the standard input."`
}

// Help is shown by "tocsin replay --help".
func (*replayCommand) Help() string {
	return `What would the rules have done last week? As JSON lines, one for each thing a sink would have got:

  tocsin replay shop.lua --from last-week.jsonl.gz
  {"sink":"pagerduty","event":{"service":"shop","state":"critical",...}}

Only the pages:

  tocsin replay shop.lua --from week.jsonl | jq -c 'select(.sink == "pagerduty").event'

Does a change of the rules change what they do?

  diff <(tocsin replay old.lua --from week.jsonl) <(tocsin replay new.lua --from week.jsonl)

A recording is told by its content: JSON lines (as "tocsin query" and sink.file write them), graphite lines, or collectd's datagrams; any of them may be gzipped. The clock follows the events' times, from the first to the last; nothing is sent anywhere, and the same recording gives the same output each time.

What makes no event is skipped, and counted on the standard error.`
}

// Run replays the recording.
func (c *replayCommand) Run(p *process) error {
	in, err := openRecording(p, c.From)
	if err != nil {
		return err
	}
	defer in.Close()
	out := bufio.NewWriterSize(p.out, 64<<10)
	r := &replay{out: out}
	if r.config, err = rules.Load(c.File, rules.Options{Logger: p.logger("info"), Output: r.output}); err != nil {
		return err
	}
	defer r.config.Close()
	r.bar = newProgress(p, in)
	err = r.run(in)
	r.bar.finish(r.events)
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	if r.skipped > 0 {
		p.complain(fmt.Errorf("%s of the recording made no event; the first: %w", counted(r.skipped, "piece"), r.firstSkipped))
	}
	if err != nil {
		return fmt.Errorf("cannot replay %q to the end: %w", c.From, err)
	}
	return nil
}

// recordingFile is a recording that is read.
type recordingFile struct {
	io.Reader
	file io.Closer
	size int64 // in bytes, as it is on disk; 0: not known
	read *countingReader
}

// openRecording opens a recording, unpacked if need be.
func openRecording(p *process, name string) (*recordingFile, error) {
	r := &recordingFile{file: io.NopCloser(nil)}
	raw := p.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("cannot open recording: %w", err)
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			r.size = info.Size()
		}
		r.file, raw = f, f
	}
	r.read = &countingReader{r: raw}
	buffered := bufio.NewReaderSize(r.read, 256<<10)
	r.Reader = buffered
	if head, _ := buffered.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cannot unpack recording %q: %w", name, err), r.Close())
		}
		r.Reader = unpacked
	}
	return r, nil
}

// Close closes the file.
func (r *recordingFile) Close() error { return r.file.Close() }

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// replay runs a configuration on recorded events, with a clock that follows
// them.
type replay struct {
	config *rules.Config
	out    *bufio.Writer
	failed error // of out
	bar    *progress

	events       int
	skipped      int
	firstSkipped error
}

// run replays to the end. After the last event the clock stands.
func (r *replay) run(in io.Reader) error {
	r.config.Start()
	if err := r.config.Replay(in, r.next, r.skip); err != nil {
		return err
	}
	return r.failed
}

// next moves the clock to the event that is about to be handed in.
func (r *replay) next(ev *engine.Event) error {
	e := r.config.Engine
	if ev.Has&engine.HasTime != 0 {
		e.StartAt(ev.Time)
		e.Advance(ev.Time, 0)
	}
	if r.events++; r.events%progressEvents == 0 {
		e.Flush()
		r.bar.show(r.events)
	}
	return r.failed
}

func (r *replay) skip(err error) {
	if r.skipped++; r.skipped == 1 {
		r.firstSkipped = err
	}
}

// output is what the streams put into for a sink.
func (r *replay) output(s *rules.Sink) (engine.Output, error) {
	name, err := json.Marshal(s.Name)
	if err != nil {
		return nil, err
	}
	return &replayOutput{replay: r, head: []byte(`{"sink":` + string(name) + `,"event`)}, nil
}

// replayOutput prints what one sink would have got.
type replayOutput struct {
	replay *replay
	head   []byte
	line   []byte
}

// Put prints a message.
func (o *replayOutput) Put(m engine.Message) {
	line := append(o.line[:0], o.head...)
	if m.List {
		line = append(line, `s":[`...)
		for i := range m.Events {
			if i > 0 {
				line = append(line, ',')
			}
			line = engine.AppendJSON(line, &m.Events[i])
		}
		line = append(line, "]}\n"...)
	} else {
		line = append(engine.AppendJSON(append(line, `":`...), &m.Events[0]), "}\n"...)
	}
	o.line = line
	if _, err := o.replay.out.Write(line); err != nil {
		o.replay.failed = err
	}
}

// Flush implements engine.Output.
func (o *replayOutput) Flush() {}
