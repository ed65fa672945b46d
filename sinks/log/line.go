package log

import (
	"strconv"
	"time"
	"unicode/utf8"

	"tocsin/engine"
	"tocsin/plugins/terminal"
)

// The columns that are kept free for each part. A longer one pushes the rest
// of its line to the right.
const (
	stateWidth   = 8
	hostWidth    = 12
	serviceWidth = 24
	metricWidth  = 8
)

// appendLine writes an event as one line for people: local time, state, host,
// service, metric, description. "-" is for what is not there.
func appendLine(dst []byte, e *engine.Event, colors terminal.Colors) []byte {
	at := e.Arrival
	if e.Has&engine.HasTime != 0 {
		at = e.Time
	}
	dst = at.Wall().In(time.Local).AppendFormat(dst, "15:04:05.000")
	dst = append(dst, "  "...)

	state := "-"
	if e.Has&engine.HasState != 0 {
		state = e.State
	}
	dst = terminal.StateColor(e.State).Append(dst, colors)
	start := len(dst)
	dst = appendSafe(dst, state)
	width := utf8.RuneCount(dst[start:])
	dst = terminal.AppendReset(dst, colors)
	dst = pad(dst, stateWidth-width)

	dst = appendColumn(dst, e.ID.Host, hostWidth)
	dst = appendColumn(dst, e.ID.Service, serviceWidth)
	metric := "-"
	if e.Has&engine.HasMetric != 0 {
		metric = strconv.FormatFloat(e.Metric, 'g', 6, 64)
	}
	dst = pad(append(dst, "  "...), metricWidth-len(metric))
	dst = append(dst, metric...)
	if e.Description != "" {
		dst = append(dst, "  "...)
		dst = appendSafe(dst, e.Description)
	}
	return append(dst, '\n')
}

func appendColumn(dst []byte, s string, width int) []byte {
	if s == "" {
		s = "-"
	}
	dst = append(dst, "  "...)
	start := len(dst)
	dst = appendSafe(dst, s)
	return pad(dst, width-utf8.RuneCount(dst[start:]))
}

func pad(dst []byte, n int) []byte {
	for ; n > 0; n-- {
		dst = append(dst, ' ')
	}
	return dst
}

// appendSafe writes text that came from outside. What could steer a terminal,
// or break the line, is written as an escape.
func appendSafe(dst []byte, s string) []byte {
	for _, r := range s {
		if r == utf8.RuneError || strconv.IsPrint(r) {
			dst = utf8.AppendRune(dst, r)
			continue
		}
		quoted := strconv.AppendQuoteRune(nil, r)
		dst = append(dst, quoted[1:len(quoted)-1]...)
	}
	return dst
}
