package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// reloadCommand is "tocsin reload".
type reloadCommand struct{ connection }

// Help is shown by "tocsin reload --help".
func (*reloadCommand) Help() string {
	return `Has a running tocsin load its rules file again, and says what has changed:

  tocsin reload

The new rules are loaded whole beside the old ones. If anything is wrong with them, the old ones go on untouched. State moves to what has the same place: rules by name, operators by their place in the file's streams, groups by their keys. Sources and sinks that have not changed stay as they are, with their connections and queues.

SIGHUP does the same, and "tocsin run --watch" does it whenever a file changes. settings.http needs a restart.

The exit code is 0 when the new rules run, 1 when they are wrong or tocsin cannot be reached.`
}

// Run asks for a reload, and waits for it.
func (c *reloadCommand) Run(p *process) error {
	answer, err := c.do(http.MethodPost, "/api/v1/reload", nil, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var told reloadAnswer
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil {
		return fmt.Errorf("cannot read the answer: %w", err)
	}
	for _, line := range told.Changes {
		fmt.Fprintln(p.out, plain(line))
	}
	for _, line := range told.Warnings {
		fmt.Fprintln(p.err, "warning: "+plain(line))
	}
	pause := time.Duration(told.Pause * float64(time.Second))
	fmt.Fprintf(p.out, "reloaded; events waited for %v\n", pause.Round(10*time.Microsecond))
	return nil
}
