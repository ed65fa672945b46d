package main

import (
	"errors"
	"fmt"
	"strings"

	"tocsin/rules"
)

// checkCommand is "tocsin check".
type checkCommand struct {
	Files     []string `arg:"" name:"file" help:"Rules files."`
	Strict    bool     `help:"Take warnings for mistakes."`
	Recording []string `sep:"none" placeholder:"FILE" help:"Recorded events: also warn of queries for services that nobody sends. May be given several times."`
	Verbose   bool     `short:"v" help:"Also show how each function runs."`
}

// Help is shown by "tocsin check --help".
func (*checkCommand) Help() string {
	return `Before a restart, or in CI:

  tocsin check tocsin.lua && systemctl restart tocsin

Each file is loaded as "run" would, with its options, queries and names of rules, but no port is opened, no secret is needed and nothing is sent. Mistakes are shown as FILE:LINE: what is wrong.

What is no mistake, but likely not meant, is shown as FILE:LINE: warning: a stream that goes nowhere, a query that no event can match, a "by" with a group for each event, a "changed" without "init" that pages at each start. To have these fail as well:

  tocsin check --strict tocsin.lua

A name that is mistyped, or that a sender has changed, shows when the rules meet what really comes. A recording is what "replay" reads:

  tocsin check tocsin.lua --recording last-week.jsonl.gz

Functions of plain Lua are compiled, and cost little more than a query; the others run in the virtual machine (VM). To see which, and why:

  tocsin check -v tocsin.lua

The exit code is 0 when all files are good, 1 otherwise.`
}

// Run checks each file.
func (c *checkCommand) Run(p *process) error {
	failed := false
	for _, file := range c.Files {
		if err := c.check(p, file); err != nil {
			failed = true
			fmt.Fprintln(p.err, err)
		}
	}
	if failed {
		return errFailed
	}
	return nil
}

// check checks one file, and shows its warnings.
func (c *checkCommand) check(p *process, file string) error {
	if strings.HasSuffix(file, "_test.lua") {
		return fmt.Errorf("%s: this is a file of tests; run it with \"tocsin test\"", file)
	}
	config, err := rules.Load(file, rules.Options{Secret: optionalSecret})
	if err != nil {
		return err
	}
	defer config.Close()
	warnings, err := config.Warnings()
	if err != nil {
		return err
	}
	if len(c.Recording) > 0 {
		unheard, err := c.listen(p, config)
		if err != nil {
			return err
		}
		warnings = append(warnings, unheard...)
	}
	for _, w := range warnings {
		fmt.Fprintln(p.err, w)
	}
	if c.Verbose {
		showFunctions(p, config.Functions())
	}
	if c.Strict && len(warnings) > 0 {
		return fmt.Errorf("%s: %s; without --strict they would pass", file, counted(len(warnings), "warning"))
	}
	fmt.Fprintf(p.out, "%s: ok: %s\n", file, contents(config))
	return nil
}

// listen replays the recordings, and returns the warnings about what did not
// come.
func (c *checkCommand) listen(p *process, config *rules.Config) ([]rules.Warning, error) {
	ctx, over := untilSignal(p)
	defer over()
	files, err := openRecordings(ctx, p, config, c.Recording, timeSpan{})
	if err != nil {
		return nil, err
	}
	listener, err := config.Listen()
	if err != nil {
		return nil, errors.Join(err, closeRecordings(files))
	}
	replay := rules.Replay{Config: config, Recordings: recordings(files)}
	err = replay.Run(ctx)
	reportSkipped(p, files)
	if err := errors.Join(err, brokenOff(files), closeRecordings(files)); err != nil {
		return nil, err
	}
	return listener.Warnings(), nil
}

// showFunctions shows how each function runs.
func showFunctions(p *process, functions []rules.Function) {
	for _, f := range functions {
		how := "native"
		if !f.Native {
			how = "VM: because " + f.Why
		}
		fmt.Fprintf(p.out, "%s:%d: %s\n", f.File, f.Line, how)
	}
}

// contents says how much a configuration has of what.
func contents(c *rules.Config) string {
	return strings.Join([]string{
		counted(len(c.Sources), "source"), counted(len(c.Sinks), "sink"),
		counted(c.Streams(), "stream"), counted(len(c.Rules()), "rule"),
	}, ", ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
