package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"tocsin/rules"
)

// defaultRules is the rules file when none is named.
const defaultRules = "tocsin.lua"

// runCommand is "tocsin run".
type runCommand struct {
	File     string `arg:"" optional:"" default:"${rules}" help:"The rules file. Default: ${default}."`
	Watch    bool   `help:"Load the rules again whenever one of their files changes."`
	LogLevel string `enum:"debug,info,warn,error" default:"info" help:"What is logged at least: ${enum}. Default: ${default}."`
}

// Help is shown by "tocsin run --help".
func (*runCommand) Help() string {
	return `Run tocsin.lua of this folder, or another file:

  tocsin run
  tocsin run /etc/tocsin/shop.lua

The smallest file that does something:

  source.graphite { listen = "127.0.0.1:2003" }
  events:where 'metric > 100':to(sink.log {})

Secrets come from the environment, or from files in $CREDENTIALS_DIRECTORY:

  PAGERDUTY_KEY=... tocsin run shop.lua

The log goes to the standard error: text on a terminal, JSON otherwise. SIGINT or SIGTERM stops in order (sources, rules, sinks); a second one ends at once. SIGHUP loads the rules again, as "tocsin reload" does, and reopens files that sinks write.

The exit code is 0 after an orderly stop, 1 when something could not start or was not delivered in the end, 130 after a second signal.`
}

// Run loads the file and runs it until a signal.
func (c *runCommand) Run(p *process) error {
	n, err := loadNode(c.File, nodeOptions{
		process: p, logger: p.logger(c.LogLevel), watch: c.Watch,
		rules: rules.Options{Secret: rules.EnvironmentSecret},
	})
	if errors.Is(err, os.ErrNotExist) && c.File == defaultRules {
		return fmt.Errorf(`%w; name a rules file, or try "tocsin demo"`, err)
	}
	if err != nil {
		return err
	}
	return n.run(context.Background())
}
