package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"tocsin/plugins/terminal"
)

// logger returns the program's log: lines for people on a terminal, JSON
// otherwise. Where the terminal has a foot, lines scroll above it.
func (p *process) logger(level string) *slog.Logger {
	var least slog.Level
	least.UnmarshalText([]byte(level)) // one of four that are known to be good
	if !p.screen.IsTerminal() {
		return slog.New(slog.NewJSONHandler(p.screen, &slog.HandlerOptions{Level: least}))
	}
	return slog.New(&lineHandler{out: p.screen, mu: new(sync.Mutex), least: least, colors: p.screen.Colors()})
}

// lineHandler writes log records as lines for people:
//
//	15:04:05.000  warn      bad input  source=graphite  reason="no value"
//
// The columns are those of sink.log.
type lineHandler struct {
	out    io.Writer
	mu     *sync.Mutex
	least  slog.Level
	colors terminal.Colors
	attrs  string // of With, written already
	group  string
}

var levelColors = map[slog.Level]terminal.Color{
	slog.LevelDebug: {R: 128, G: 128, B: 128, Ansi: 8},
	slog.LevelInfo:  {R: 95, G: 175, B: 255, Ansi: 12},
	slog.LevelWarn:  {R: 255, G: 175, B: 0, Ansi: 11},
	slog.LevelError: {R: 255, G: 80, B: 80, Ansi: 9},
}

// Enabled implements slog.Handler.
func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.least }

// Handle implements slog.Handler.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	line := r.Time.AppendFormat(nil, "15:04:05.000  ")
	name := strings.ToLower(r.Level.String())
	color, coloured := levelColors[r.Level]
	if coloured {
		line = color.Append(line, h.colors)
	}
	line = append(line, name...)
	if coloured {
		line = terminal.AppendReset(line, h.colors)
	}
	line = append(line, strings.Repeat(" ", max(1, 10-len(name)))...)
	line = append(line, plain(r.Message)...)
	line = append(line, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		line = appendAttr(line, h.group, a)
		return true
	})
	line = append(line, '\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.out.Write(line)
	return err
}

// appendAttr appends " key=value", quoted where it would not be clear.
func appendAttr(dst []byte, group string, a slog.Attr) []byte {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		for _, inner := range value.Group() {
			dst = appendAttr(dst, group+a.Key+".", inner)
		}
		return dst
	}
	if a.Key == "" {
		return dst
	}
	dst = append(append(dst, "  "...), group+a.Key+"="...)
	text := value.String()
	if text == "" || strings.ContainsAny(text, " =\"\n\t") || plain(text) != text {
		return strconv.AppendQuote(dst, text)
	}
	return append(dst, text...)
}

// WithAttrs implements slog.Handler.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b bytes.Buffer
	for _, a := range attrs {
		b.Write(appendAttr(nil, h.group, a))
	}
	with := *h
	with.attrs += b.String()
	return &with
}

// WithGroup implements slog.Handler.
func (h *lineHandler) WithGroup(name string) slog.Handler {
	with := *h
	if name != "" {
		with.group += name + "."
	}
	return &with
}
