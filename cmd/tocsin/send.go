package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"tocsin/engine"
)

// sendCommand is "tocsin send".
type sendCommand struct {
	From string `arg:"" optional:"" placeholder:"-" help:"\"-\" reads events from the standard input, one JSON object a line."`

	Host        *string           `help:"Where the event comes from." group:"The event:"`
	Service     *string           `help:"What it is about." group:"The event:"`
	State       *string           `help:"Such as ok, warning, critical." group:"The event:"`
	Metric      *float64          `help:"A number." group:"The event:"`
	TTL         *float64          `placeholder:"SECONDS" help:"How long it counts." group:"The event:"`
	Description *string           `help:"Text for people." group:"The event:"`
	Time        *string           `help:"Seconds since 1970, or as 2026-01-31T12:00:00Z. Default: now." group:"The event:"`
	Tag         []string          `sep:"none" help:"A tag; may be given several times." group:"The event:"`
	Attr        map[string]string `mapsep:"none" placeholder:"KEY=VALUE" help:"An attribute; may be given several times." group:"The event:"`

	connection
}

// Help is shown by "tocsin send --help".
func (*sendCommand) Help() string {
	return `An event from the command line:

  tocsin send --host app3 --service http --metric 0 --ttl 60 --attr role=app
  tocsin send --service backup --state ok --description "12 GB" --tag nightly

Events from a pipe, one JSON object a line:

  echo '{"host": "app3", "service": "http", "metric": 1}' | tocsin send -
  gzip -dc events.jsonl.gz | tocsin send -

The exit code is 0 when all events were taken, 1 when one was refused or tocsin cannot be reached. When it is 0, the events have been through the rules.`
}

// Run sends the event, or those of the standard input.
func (c *sendCommand) Run(p *process) error {
	event := c.event()
	switch {
	case c.From == "-" && len(event) > 0:
		return usageError(errors.New("give flags or \"-\", not both"))
	case c.From == "-":
		return c.sendLines(p)
	case c.From != "":
		return usageError(fmt.Errorf("unexpected %s: give the event by flags, such as --host and --service, or \"-\" to read the standard input", c.From))
	case len(event) == 0:
		return usageError(errors.New("there is no event to send: give flags such as --service, or \"-\" to read the standard input"))
	}
	line, err := json.Marshal(event)
	if err != nil {
		return usageError(err) // a metric that is NaN or infinite
	}
	if _, _, err := engine.ParseJSON(line); err != nil {
		return usageError(err)
	}
	answer, err := c.post(line)
	if err != nil {
		return err
	}
	if len(answer.Errors) > 0 {
		return errors.New(plain(answer.Errors[0].Error))
	}
	return nil
}

// event is the JSON object that the flags make; empty when there are none.
func (c *sendCommand) event() map[string]any {
	e := make(map[string]any)
	for key, value := range c.Attr {
		e[key] = value
	}
	set(e, "host", c.Host)
	set(e, "service", c.Service)
	set(e, "state", c.State)
	set(e, "metric", c.Metric)
	set(e, "ttl", c.TTL)
	set(e, "description", c.Description)
	if c.Time != nil {
		e["time"] = *c.Time
		if _, err := strconv.ParseFloat(*c.Time, 64); err == nil {
			e["time"] = json.Number(*c.Time)
		}
	}
	if len(c.Tag) > 0 {
		e["tags"] = c.Tag
	}
	return e
}

func set[T any](e map[string]any, key string, value *T) {
	if value != nil {
		e[key] = *value
	}
}

// postBytes is how much of the standard input goes into one request.
const postBytes = 512 << 10

// sendLines sends the standard input in pieces of whole lines: large ones, but
// a line that comes alone does not wait for others.
func (c *sendCommand) sendLines(p *process) error {
	in := bufio.NewReaderSize(p.in, 64<<10)
	var body []byte
	var sent, before, lines, refused int
	for {
		line, err := readLine(in)
		if len(line) > 0 {
			lines++
			body = append(append(body, bytes.TrimSuffix(line, []byte("\n"))...), '\n')
		}
		if err == nil && len(body) < postBytes && lineWaits(in) {
			continue
		}
		if len(body) > 0 {
			answer, err := c.post(body)
			if err != nil {
				return fmt.Errorf("%w (%d events were taken before)", err, sent)
			}
			sent += answer.Accepted
			refused += c.report(p, answer, before)
			body, before = body[:0], lines
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("line %d of the standard input: %w", lines+1, err)
		}
	}
	if refused > 0 {
		return fmt.Errorf("%d events were taken, %d lines refused", sent, refused)
	}
	return nil
}

// lineWaits reports whether another line can be had without waiting.
func lineWaits(in *bufio.Reader) bool {
	buffered, _ := in.Peek(in.Buffered())
	return bytes.IndexByte(buffered, '\n') >= 0
}

var errLongLine = fmt.Errorf("the line has more than %d bytes", engine.MaxJSONBytes)

// readLine reads a line that may be longer than the reader's buffer. The last
// one needs no line end.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return line, err
	}
	long := slices.Clone(line)
	for err == bufio.ErrBufferFull && len(long) <= engine.MaxJSONBytes {
		line, err = in.ReadSlice('\n')
		long = append(long, line...)
	}
	if err == bufio.ErrBufferFull {
		return nil, errLongLine
	}
	return long, err
}

// report complains about the lines that were refused and returns how many.
// before is how many lines the earlier requests had.
func (c *sendCommand) report(p *process, answer *eventsAnswer, before int) int {
	for _, e := range answer.Errors {
		p.complain(fmt.Errorf("line %d: %s", before+e.Line, plain(e.Error)))
	}
	if more := answer.Refused - len(answer.Errors); more > 0 {
		p.complain(fmt.Errorf("%d more lines were refused", more))
	}
	return answer.Refused
}

func (c *sendCommand) post(body []byte) (*eventsAnswer, error) {
	answer, err := c.do(http.MethodPost, "/api/v1/events", nil, bytes.NewReader(body), http.StatusBadRequest)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var out eventsAnswer
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&out); err != nil {
		return nil, fmt.Errorf("cannot read the answer of %s: %w", c.Addr, err)
	}
	if out.Failure != "" {
		return nil, errors.New(plain(out.Failure))
	}
	return &out, nil
}
