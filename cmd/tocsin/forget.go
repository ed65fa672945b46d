package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"tocsin/engine/query"
)

// forgetCommand is "tocsin forget".
type forgetCommand struct {
	Query string `arg:"" help:"Which events, such as 'host = \"app7\"'."`
	connection
}

// Help is shown by "tocsin forget --help".
func (*forgetCommand) Help() string {
	return `What has gone dark still counts for an hour, so that a share of servers falls when one dies. A server that was taken down on purpose need not count:

  tocsin forget 'host = "app7"'

Everything that has expired:

  tocsin forget 'expired'

No event tells of it, and a service that is still sending comes back with its next event. Look first, with "tocsin query".

The exit code is 0 when something was forgotten, 3 when nothing matches, 2 when the query is wrong, 1 when tocsin cannot be reached.`
}

// Run asks to forget, and says how many were.
func (c *forgetCommand) Run(p *process) error {
	if _, err := query.Parse(c.Query); err != nil {
		return usageError(err)
	}
	if err := missingQuotes(c.Query); err != nil {
		return usageError(err)
	}
	answer, err := c.do(http.MethodPost, "/api/v1/forget", url.Values{"q": {c.Query}}, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var told forgetAnswer
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil {
		return fmt.Errorf("cannot read the answer: %w", err)
	}
	fmt.Fprintf(p.out, "forgot %d\n", told.Forgotten)
	if told.Forgotten == 0 {
		return &codedError{code: exitNothing}
	}
	return nil
}
