package main

import (
	"bufio"
	"encoding/json"

	"tocsin/engine"
	"tocsin/rules"
)

// replayPrinter prints what sinks would get, as JSON lines.
type replayPrinter struct {
	out    *bufio.Writer
	failed error // of out
}

// output is what the streams put into for a sink.
func (r *replayPrinter) output(s *rules.Sink) (engine.Output, error) {
	name, err := json.Marshal(s.Name)
	if err != nil {
		return nil, err
	}
	return &replayOutput{printer: r, head: []byte(`{"sink":` + string(name) + `,`)}, nil
}

// replayOutput prints what one sink would get.
type replayOutput struct {
	printer *replayPrinter
	head    []byte
	line    []byte
}

// Put prints a message.
func (o *replayOutput) Put(m engine.Message) {
	o.line = append(appendMessage(append(o.line[:0], o.head...), m), "}\n"...)
	if _, err := o.printer.out.Write(o.line); err != nil {
		o.printer.failed = err
	}
}

// Flush implements engine.Output.
func (o *replayOutput) Flush() {}

// appendMessage appends a message as a member of a JSON object: "event", or
// "events" for a list.
func appendMessage(line []byte, m engine.Message) []byte {
	if !m.List {
		return engine.AppendJSON(append(line, `"event":`...), &m.Events[0])
	}
	line = append(line, `"events":[`...)
	for i := range m.Events {
		if i > 0 {
			line = append(line, ',')
		}
		line = engine.AppendJSON(line, &m.Events[i])
	}
	return append(line, ']')
}
