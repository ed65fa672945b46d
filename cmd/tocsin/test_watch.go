package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
)

// clearScreen empties a terminal, and what was scrolled off it.
const clearScreen = "\x1b[H\x1b[2J\x1b[3J"

// watch runs the tests, and again whenever a file has changed, until a signal.
func (c *testCommand) watch(p *process, only *regexp.Regexp) error {
	signals := p.signals()
	for first := true; ; first = false {
		files := newWatchedFiles(c.Paths)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- c.once(ctx, p, only, files.read) }()
		select {
		case <-signals:
			cancel()
			<-done
			return nil
		case err := <-done:
			cancel()
			var coded *codedError
			if first && errors.As(err, &coded) && coded.code == exitUsage {
				return err
			}
			if err != nil && err != errFailed {
				p.complain(err)
			}
		}
		fmt.Fprintln(p.err, "watching for changes; ctrl-C ends")
		changed := awaitChange(files, signals)
		if changed == "" {
			return nil
		}
		if isTerminal(p.out) && p.getenv("TERM") != "dumb" {
			fmt.Fprint(p.out, clearScreen)
		}
		fmt.Fprintf(p.out, "changed: %s\n", changed)
	}
}
