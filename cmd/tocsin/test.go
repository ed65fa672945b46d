package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"tocsin/plugins/terminal"
	"tocsin/rules"
)

// testCommand is "tocsin test".
type testCommand struct {
	Paths    []string `arg:"" name:"path" help:"Files *_test.lua, or folders that hold them."`
	Only     string   `name:"run" placeholder:"REGEX" help:"Run only the tests whose names match."`
	JUnit    string   `name:"junit" placeholder:"FILE" help:"Write the results to a file as JUnit XML, which CI servers read."`
	Coverage bool     `help:"Show which lines and which operators the tests reached."`
	Listing  bool     `help:"As --coverage, with the files whole, each line marked."`
	Watch    bool     `help:"Run again whenever a file changes, until ctrl-C."`
}

// Help is shown by "tocsin test --help".
func (*testCommand) Help() string {
	return `A rules file shop.lua is tested by a file shop_test.lua beside it:

  local shop = config "shop.lua"

  test("pages when a server goes dark", function(t)
    t:send { host = "app1", service = "http", role = "app", metric = 1, ttl = 60 }
    t:advance(61)
    t:match(t:received "pagerduty", { { service = "shop", state = "critical" } })
  end)

Run all tests below a folder, or one file, or some of its tests:

  tocsin test rules/
  tocsin test shop_test.lua
  tocsin test shop_test.lua --run 'dark|slow'

While writing rules, run them again at each change:

  tocsin test . --watch

Find out what the tests leave out:

  tocsin test . --coverage
  tocsin test . --listing

In CI:

  tocsin test rules/ --junit results.xml

No port is opened, sinks only record, and the clock moves only as the test tells it to, so an hour takes no time. docs/testing.md tells more, docs/language.md has all calls.

The exit code is 0 when all tests pass, 1 when one fails. With --watch it is 0.`
}

// Run runs the tests.
func (c *testCommand) Run(p *process) error {
	var only *regexp.Regexp
	if c.Only != "" {
		var err error
		if only, err = regexp.Compile(c.Only); err != nil {
			return usageError(fmt.Errorf("--run %q: %w", c.Only, err))
		}
	}
	if c.Watch {
		return c.watch(p, only)
	}
	return c.once(context.Background(), p, only, nil)
}

// once runs the tests and writes what was asked for. reads is told of each file
// that is read; nil: nobody is.
func (c *testCommand) once(ctx context.Context, p *process, only *regexp.Regexp, reads func(path string)) error {
	progress := newTestProgress(p)
	var report junitReport
	o := rules.TestOptions{
		Options: rules.Options{Logger: p.logger("info"), Reads: reads},
		Out:     testOutput(p), Colors: terminal.ColorsOf(isTerminal(p.out), p.getenv),
		Run: only, Listing: c.Listing,
		Done: func(r rules.TestResult) {
			report.add(r)
			progress.add(r)
		},
	}
	if c.Coverage || c.Listing {
		o.Coverage = rules.NewCoverage()
	}
	passed, failed, err := rules.Test(ctx, c.Paths, o)
	progress.close()
	switch {
	case errors.Is(err, os.ErrNotExist):
		return usageError(err)
	case err != nil:
		return err
	}
	if c.JUnit != "" {
		if err := report.writeFile(c.JUnit); err != nil {
			return err
		}
	}
	switch {
	case failed > 0:
		return errFailed
	case passed == 0 && only != nil:
		return fmt.Errorf("no test matches --run %q", c.Only)
	case passed == 0:
		return errors.New("there are no tests: a test file is named *_test.lua and calls test(…)")
	}
	return nil
}

// testOutput is where failures go. On a terminal they scroll above the
// progress, so the screen writes them.
func testOutput(p *process) io.Writer {
	if isTerminal(p.out) && p.screen.IsTerminal() {
		return p.screen
	}
	return p.out
}
