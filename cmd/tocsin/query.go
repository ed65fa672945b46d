package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/term"

	"tocsin/engine"
	"tocsin/engine/query"
)

// queryCommand is "tocsin query".
type queryCommand struct {
	Query string `arg:"" help:"Which events, such as 'state = \"critical\"'. 'true' means all."`
	Limit int    `placeholder:"N" help:"Show at most N events."`
	JSON  bool   `name:"json" help:"JSON lines, also on a terminal."`
	connection
}

// Help is shown by "tocsin query --help".
func (*queryCommand) Help() string {
	return `Everything that is not well:

  tocsin query 'state = "warning" or state = "critical"'

App servers that have gone dark, as names for a script:

  tocsin query 'role = "app" and expired' | jq -r .host

Disks that fill up:

  tocsin query 'service =~ "df/%/percent-used" and metric > 90'

On a terminal the events come as a table, in a pipe as JSON lines; sorted by host and service up to 10000 of them. docs/query.md has the language.

The exit code is 0 when an event matches, 3 when none does, 2 when the query is wrong, 1 when tocsin cannot be reached.`
}

// Run asks and prints.
func (c *queryCommand) Run(p *process) error {
	if _, err := query.Parse(c.Query); err != nil {
		return usageError(err)
	}
	if c.Limit < 0 {
		return usageError(errors.New("--limit is a number above 0"))
	}
	if err := missingQuotes(c.Query); err != nil {
		p.complain(err)
	}
	parameters := url.Values{"q": {c.Query}}
	if c.Limit > 0 {
		parameters.Set("limit", strconv.Itoa(c.Limit))
	}
	answer, err := c.do(http.MethodGet, "/api/v1/query", parameters, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	count := 0
	if c.JSON || !isTerminal(p.out) {
		count, err = copyLines(p.out, answer.Body)
	} else {
		count, err = p.showTable(answer.Body)
	}
	if err != nil {
		return fmt.Errorf("cannot read the answer to the end: %w", err)
	}
	if count == 0 {
		if isTerminal(p.out) {
			fmt.Fprintln(p.err, "no event matches")
		}
		return &codedError{code: exitNothing}
	}
	return nil
}

// missingQuotes says which quotes likely lack: host=web1 is what a shell leaves of
// host="web1", and asks for what has neither a host nor an attribute web1.
func missingQuotes(text string) error {
	if written, meant := query.Unquoted(text); written != "" {
		return fmt.Errorf("%s compares two fields; for a text write '%s'", written, meant)
	}
	return nil
}

// copyLines copies and counts lines.
func copyLines(to io.Writer, from io.Reader) (lines int, err error) {
	counter := lineCounter{to: to}
	_, err = io.Copy(&counter, from)
	return counter.lines, err
}

type lineCounter struct {
	to    io.Writer
	lines int
}

func (c *lineCounter) Write(p []byte) (int, error) {
	c.lines += bytes.Count(p, []byte("\n"))
	return c.to.Write(p)
}

// tableRows is how many rows decide how wide the columns are.
const tableRows = 1000

// showTable shows JSON lines as a table.
func (p *process) showTable(from io.Reader) (count int, err error) {
	width, _, err := term.GetSize(terminalOf(p.out))
	if err != nil {
		width = 80
	}
	t := newTable(p.out, width, p.colours(p.out), time.Now())
	in := bufio.NewReaderSize(from, 64<<10)
	for {
		line, err := readLine(in)
		if len(line) > 0 {
			e, parts, err := engine.ParseJSON(line)
			if err != nil {
				return count, err
			}
			count++
			t.add(&e, parts)
		}
		if err == io.EOF {
			return count, t.flush()
		}
		if err != nil {
			return count, err
		}
	}
}
