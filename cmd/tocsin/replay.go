package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"time"

	"tocsin/engine"
	"tocsin/rules"
)

// replayCommand is "tocsin replay".
type replayCommand struct {
	File   string        `arg:"" help:"The rules file."`
	From   []string      `required:"" sep:"none" placeholder:"RECORDING" help:"Recorded events; \"-\" is the standard input, journal:DIR the journal in the folder DIR, kafka://BROKER/TOPIC what is in a topic. Several recordings are merged by time."`
	Since  string        `placeholder:"TIME" help:"Leave out events before TIME: seconds, ISO 8601, or 90s, 15m, 6h, 7d, 2w ago."`
	Until  string        `placeholder:"TIME" help:"Leave out events at TIME and after it."`
	Speed  string        `default:"max" placeholder:"N" help:"How fast time goes: 1 is as it went, 60 a minute each second, max as fast as can be (default)."`
	Diff   string        `placeholder:"OTHER" help:"Show what the rules file OTHER would do that FILE would not, and the reverse."`
	Within time.Duration `default:"5m" placeholder:"DURATION" help:"With --diff: how much earlier or later the same message may come (5m)."`
	JSON   bool          `name:"json" help:"With --diff: JSON lines, also on a terminal."`
}

// Help is shown by "tocsin replay --help".
func (*replayCommand) Help() string {
	return `What would the rules have done last week? As JSON lines, one for each thing a sink would have got:

  tocsin replay shop.lua --from last-week.jsonl.gz
  {"sink":"pagerduty","event":{"service":"shop","state":"critical",...}}

Only the pages:

  tocsin replay shop.lua --from week.jsonl | jq -c 'select(.sink == "pagerduty").event'

Two recordings of one night, a minute each second; two hours of it:

  tocsin replay shop.lua --from graphite.txt --from collectd.dgrams --speed 60
  tocsin replay shop.lua --from graphite.txt --since 1795143600 --until 1795150800

What came in an hour ago, from the journal of a tocsin that is running:

  tocsin replay shop.lua --from journal:/var/lib/tocsin/journal --since 2026-11-20T02:00:00Z

The last week of a topic of Kafka, without a group and without committing anything:

  tocsin replay shop.lua --from kafka://kafka1,kafka2/metrics --since 7d

Which pages would be new, gone, earlier or later with other rules?

  tocsin replay shop.lua --from week.jsonl --diff new.lua

docs/replay.md says what a recording may be, and what --diff compares. The same recording gives the same output each time; nothing is sent anywhere.

The exit code is 0 when all was replayed, 1 when something failed or --diff found a difference, 130 when it was interrupted; what was printed until then is whole.`
}

// Run replays the recordings.
func (c *replayCommand) Run(p *process) error {
	o, err := c.options()
	if err != nil {
		return usageError(err)
	}
	ctx, over := untilSignal(p)
	defer over()
	if c.Diff != "" {
		return c.diff(ctx, p, o)
	}
	return c.print(ctx, p, o)
}

// replayOptions are what the flags say.
type replayOptions struct {
	timeSpan
	speed float64 // 0: as fast as can be
}

// timeSpan is a range of the events' times; nil: without end.
type timeSpan struct{ since, until *engine.Time }

func (c *replayCommand) options() (o replayOptions, err error) {
	if o.timeSpan, err = spanOf(c.Since, c.Until); err != nil {
		return o, err
	}
	if c.Speed != "max" {
		o.speed, err = strconv.ParseFloat(c.Speed, 64)
		if err != nil || !(o.speed > 0) || math.IsInf(o.speed, 0) {
			return o, fmt.Errorf("--speed %q is neither a number above 0 nor max", c.Speed)
		}
	}
	if i := slices.Index(c.From, "-"); i >= 0 && slices.Contains(c.From[i+1:], "-") {
		return o, errors.New("the standard input can be read only once")
	}
	if c.Diff == "" {
		return o, nil
	}
	switch {
	case slices.Contains(c.From, "-"):
		return o, errors.New("--diff reads the recording twice, so it cannot be the standard input")
	case o.speed > 0:
		return o, errors.New("--diff and --speed do not go together")
	case c.Within < 0:
		return o, errors.New("--within must not be negative")
	}
	return o, nil
}

// spanOf reads --since and --until.
func spanOf(since, until string) (span timeSpan, err error) {
	if span.since, err = timeFlag("--since", since); err != nil {
		return span, err
	}
	span.until, err = timeFlag("--until", until)
	return span, err
}

// ago is a time before now, such as 7d.
var ago = regexp.MustCompile(`^([0-9]{1,6})(s|m|h|d|w)$`)

var agoUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}

// timeFlag reads a time as an event's is read, or one before now.
func timeFlag(flag, text string) (*engine.Time, error) {
	if text == "" {
		return nil, nil
	}
	if m := ago.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		at := engine.Time(time.Now().Add(-time.Duration(n) * agoUnits[m[2]]).UnixNano())
		return &at, nil
	}
	value := any(text)
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		value = json.Number(text)
	}
	line, err := json.Marshal(map[string]any{"time": value})
	if err != nil { // a number that JSON does not know, as 0x10
		return nil, errNoTime(flag, text)
	}
	e, _, err := engine.ParseJSON(line)
	if err != nil {
		return nil, errNoTime(flag, text)
	}
	return &e.Time, nil
}

func errNoTime(flag, text string) error {
	return fmt.Errorf("%s: cannot read time %q: expected how long ago (90s, 15m, 2h, 7d, 1w), seconds since 1970, or ISO 8601 (2026-01-31T08:00:00Z)", flag, text)
}

// untilSignal returns a context that the first signal ends; its cause has the
// exit code. A second signal ends the process. over must be called.
func untilSignal(p *process) (ctx context.Context, over func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := p.signals()
	go func() {
		select {
		case s := <-signals:
			cancel(&codedError{exitAtOnce, fmt.Errorf("ended by a signal (%v)", s)})
		case <-ctx.Done():
			return
		}
		<-signals
		os.Exit(exitAtOnce)
	}()
	return ctx, func() { cancel(nil) }
}

// print prints what each sink would get.
func (c *replayCommand) print(ctx context.Context, p *process, o replayOptions) error {
	out := &replayPrinter{out: bufio.NewWriterSize(p.out, 64<<10)}
	config, err := rules.Load(c.File, rules.Options{Secret: optionalSecret, Logger: p.logger("info"), Output: out.output})
	if err != nil {
		return err
	}
	defer config.Close()
	files, err := openRecordings(ctx, p, config, c.From, o.timeSpan)
	if err != nil {
		return err
	}
	defer closeRecordings(files)
	bar := newProgress(p, files)
	replay := c.replay(config, files, bar, o)
	shown := replay.Progress
	replay.Progress = func(events int) error {
		shown(events)
		return out.failed
	}
	if o.speed > 0 {
		replay.Wait = (&pace{engine: config.Engine, speed: o.speed, flush: out.out.Flush}).wait
	}
	err = replay.Run(ctx)
	bar.finish()
	if flushed := out.out.Flush(); err == nil {
		err = flushed
	}
	return replayed(ctx, p, files, err)
}

// replay makes a replay that moves the bar.
func (c *replayCommand) replay(config *rules.Config, files []*recordingFile, bar *progress, o replayOptions) *rules.Replay {
	before := 0
	return &rules.Replay{
		Config: config, Recordings: recordings(files), Since: o.since, Until: o.until,
		Progress: func(events int) error {
			bar.add(events - before)
			before = events
			return nil
		},
	}
}

// replayed says how the replay of files ended.
func replayed(ctx context.Context, p *process, files []*recordingFile, err error) error {
	reportSkipped(p, files)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("cannot replay: %w", err)
	}
	return brokenOff(files)
}

// pace holds a replay to the wall's clock.
type pace struct {
	engine *engine.Engine
	speed  float64
	flush  func() error // what was printed is shown before a pause
	began  time.Time
	first  engine.Time // when it began, in the recording
}

// wait is for rules.Replay.
func (c *pace) wait(ctx context.Context, t engine.Time) error {
	if c.began.IsZero() {
		c.began, c.first = time.Now(), c.engine.Now()
	}
	pause := engine.Seconds(engine.InSeconds(t.Sub(c.first))/c.speed) - time.Since(c.began)
	if pause <= 0 {
		return ctx.Err()
	}
	if err := c.flush(); err != nil {
		return err
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
