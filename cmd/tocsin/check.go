package main

import (
	"fmt"
	"strings"

	"tocsin/rules"
)

// checkCommand is "tocsin check".
type checkCommand struct {
	Files []string `arg:"" name:"file" help:"Rules files."`
}

// Help is shown by "tocsin check --help".
func (*checkCommand) Help() string {
	return `Before a restart, or in CI:

  tocsin check tocsin.lua && systemctl restart tocsin

Each file is loaded as "run" would, with its options, queries and names of rules, but no port is opened, no secret is needed and nothing is sent. Mistakes are shown as FILE:LINE: what is wrong.

The exit code is 0 when all files are good, 1 otherwise.`
}

// Run checks each file.
func (c *checkCommand) Run(p *process) error {
	failed := false
	for _, file := range c.Files {
		if strings.HasSuffix(file, "_test.lua") {
			failed = true
			fmt.Fprintf(p.err, "%s: this is a file of tests; run it with \"tocsin test\"\n", file)
			continue
		}
		config, err := rules.Load(file, rules.Options{})
		if err != nil {
			failed = true
			fmt.Fprintln(p.err, err)
			continue
		}
		fmt.Fprintf(p.out, "%s: ok: %s\n", file, contents(config))
		config.Close()
	}
	if failed {
		return errFailed
	}
	return nil
}

// contents says how much a configuration has of what.
func contents(c *rules.Config) string {
	return strings.Join([]string{
		counted(len(c.Sources), "source"), counted(len(c.Sinks), "sink"),
		counted(c.Streams(), "stream"), counted(c.Rules(), "rule"),
	}, ", ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
