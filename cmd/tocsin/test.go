package main

import (
	"context"
	"errors"
	"os"

	"tocsin/rules"
)

// testCommand is "tocsin test".
type testCommand struct {
	Paths []string `arg:"" name:"path" help:"Files *_test.lua, or folders that hold them."`
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

Run all tests below a folder, or one file:

  tocsin test rules/
  tocsin test shop_test.lua

No port is opened, sinks only record, and the clock moves only as the test tells it to, so an hour takes no time. docs/language.md has all calls.

The exit code is 0 when all tests pass, 1 when one fails.`
}

// Run runs the tests.
func (c *testCommand) Run(p *process) error {
	passed, failed, err := rules.Test(context.Background(), c.Paths, rules.TestOptions{
		Options: rules.Options{Logger: p.logger("info")}, Out: p.out,
	})
	switch {
	case errors.Is(err, os.ErrNotExist):
		return usageError(err)
	case err != nil:
		return err
	case failed > 0:
		return errFailed
	case passed == 0:
		return errors.New("there are no tests: a test file is named *_test.lua and calls test(…)")
	}
	return nil
}
