package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"tocsin/rules"
)

// rulesCommand is "tocsin rules".
type rulesCommand struct {
	Operators bool `short:"o" help:"Show the operators of each, too."`
	Limit     int  `placeholder:"N" help:"Show at most N rules."`
	Watch     bool `short:"w" xor:"form" help:"Show every 2 seconds what was done in them, until ctrl-C."`
	JSON      bool `name:"json" xor:"form" help:"Write what the HTTP interface answers."`
	connection
}

// Help is shown by "tocsin rules --help".
func (*rulesCommand) Help() string {
	return `Which rule takes how much time? The most expensive ones first:

  tocsin rules --limit 10
  tocsin rules --operators
  tocsin rules --watch

The columns:

  LOAD    the share of one processor since the rules were loaded; 100 % keeps
          it busy. With --watch, in the last 2 seconds
  TIME    the time that it took, without what stands behind it
  EACH    the same for one event
  IN      events that came; of a rule with "every", how often it was due. What
          host, service, tags and attributes rule out does not count
  OUT     events that it made, or handed to sinks, rules, functions and events.
          With --watch, IN and OUT are per second
  GROUPS  groups of by that there are now
  ERRORS  errors of its functions and operators

A rule has its name. A stream has the place of its first line behind events: all that hangs on that is part of it. "through" is a source's own stream, "every" a function on a schedule, "auto_index" the setting. The times of rules are measured, the others estimated from samples. docs/busy.md has more.`
}

// watchEvery is how often --watch shows.
const watchEvery = 2 * time.Second

// Run asks and prints.
func (c *rulesCommand) Run(p *process) error {
	if c.Limit < 0 {
		return usageError(fmt.Errorf("--limit is a number above 0"))
	}
	if c.Watch {
		return c.watch(p)
	}
	if c.JSON {
		answer, err := c.connection.do(http.MethodGet, "/api/v1/rules", c.parameters(), nil)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		_, err = copyLines(p.out, answer.Body)
		return err
	}
	u, err := c.usage(c.Operators)
	if err != nil {
		return err
	}
	return c.table(p, u, u.Age, 1)
}

func (c *rulesCommand) parameters() url.Values {
	if c.Operators {
		return url.Values{"operators": {"1"}}
	}
	return nil
}

// usage asks what the rules have done.
func (c *connection) usage(operators bool) (*rulesAnswer, error) {
	parameters := url.Values{}
	if operators {
		parameters.Set("operators", "1")
	}
	answer, err := c.do(http.MethodGet, "/api/v1/rules", parameters, nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	u := rulesAnswer{Usage: new(rules.Usage)}
	if err := json.NewDecoder(answer.Body).Decode(&u); err != nil {
		return nil, fmt.Errorf("cannot read the answer to the end: %w", err)
	}
	return &u, nil
}

// watch shows what was done between one reading and the next, until a signal.
func (c *rulesCommand) watch(p *process) error {
	signals := p.signals()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	before, err := c.usage(c.Operators)
	if err != nil {
		return err
	}
	for {
		select {
		case <-signals:
			return nil
		case <-tick.C:
		}
		now, err := c.usage(c.Operators)
		if err != nil {
			return err
		}
		if isTerminal(p.out) && p.getenv("TERM") != "dumb" {
			fmt.Fprint(p.out, clearScreen)
		}
		seconds := now.Age - before.Age
		if seconds <= 0 { // reloaded: the counters have begun anew
			seconds = now.Age
			before = &rulesAnswer{Usage: new(rules.Usage)}
		}
		shown := *now.Usage
		shown.Rules = now.Since(before.Usage)
		if err := c.table(p, &rulesAnswer{Usage: &shown}, seconds, seconds); err != nil {
			return err
		}
		fmt.Fprintln(p.out)
		before = now
	}
}
