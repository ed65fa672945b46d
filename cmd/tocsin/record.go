package main

import (
	"context"
	"errors"
	"fmt"

	"tocsin/rules"
)

// recordCommand is "tocsin record".
type recordCommand struct {
	From  []string `required:"" sep:"none" placeholder:"RECORDING" help:"What to take along: all that \"tocsin replay\" reads. Several are merged by time."`
	To    string   `required:"" placeholder:"FILE" help:"The file to write, as JSON lines; packed when it ends in .gz or .zst."`
	Rules string   `placeholder:"FILE" help:"A rules file whose sources say what names mean, and how Kafka is reached."`
	Since string   `placeholder:"TIME" help:"Leave out events before TIME: seconds, ISO 8601, or 90s, 15m, 6h, 7d, 2w ago."`
	Until string   `placeholder:"TIME" help:"Leave out events at TIME and after it."`
	Force bool     `help:"Overwrite FILE."`
}

// Help is shown by "tocsin record --help".
func (*recordCommand) Help() string {
	return `Takes a piece of the past along, for tests and for "tocsin replay":

  tocsin record --from kafka://kafka1/metrics --since 6h --to night.jsonl.zst

What a tocsin that is running has served in the last hour, from its journal:

  tocsin record --from journal:DIR --since 1h --to hour.jsonl.gz

Datagrams, with the names that the sources of shop.lua give them:

  tocsin record --rules shop.lua --from collectd.dgrams --to cpus.jsonl

FILE has one event a line, in order of time, as they came out of the decoders: a replay of it gives what a replay of the original gives, but for "through" of a source. The same past gives the same bytes. FILE appears when it is whole.

The exit code is 0 when all was written, 1 when something failed: then there is no FILE; 130 when it was interrupted.`
}

// Run writes the recording.
func (c *recordCommand) Run(p *process) error {
	span, err := spanOf(c.Since, c.Until)
	if err != nil {
		return usageError(err)
	}
	ctx, over := untilSignal(p)
	defer over()
	config, err := c.config(p)
	if err != nil {
		return err
	}
	defer config.Close()
	out, err := createRecording(c.To, c.Force)
	if err != nil {
		return err
	}
	defer out.discard()
	files, err := openRecordings(ctx, p, config, c.From, span)
	if err != nil {
		return err
	}
	defer closeRecordings(files)
	if err := c.record(ctx, p, config, files, span, out); err != nil {
		return err
	}
	if err := out.keep(); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s: %s%s\n", c.To, counted(out.events, "event"), out.between())
	return nil
}

// config loads the rules file, or an empty one.
func (c *recordCommand) config(p *process) (*rules.Config, error) {
	o := rules.Options{Secret: optionalSecret, Logger: p.logger("info")}
	if c.Rules == "" {
		return rules.LoadString("none", "", ".", o)
	}
	return rules.Load(c.Rules, o)
}

// record writes what files have.
func (c *recordCommand) record(ctx context.Context, p *process, config *rules.Config, files []*recordingFile, span timeSpan, out *recordingWriter) error {
	bar, before := newProgress(p, files), 0
	replay := &rules.Replay{
		Config: config, Recordings: recordings(files), Since: span.since, Until: span.until,
		Take: out.write,
		Progress: func(events int) error {
			bar.add(events - before)
			before = events
			return nil
		},
	}
	err := replay.Run(ctx)
	bar.finish()
	reportSkipped(p, files)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(err, brokenOff(files))
}
