package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"tocsin/plugins/terminal"
)

func TestLogLines(t *testing.T) {
	for _, c := range []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"info", func(l *slog.Logger) { l.Info("listening on tcp 127.0.0.1:2003 (source graphite)") },
			"info      listening on tcp 127.0.0.1:2003 (source graphite)\n"},
		{"attributes", func(l *slog.Logger) {
			l.With("source", "g").Warn("bad", "err", errors.New("no value"), "n", 3, "empty", "")
		},
			"warn      bad  source=g  err=\"no value\"  n=3  empty=\"\"\n"},
		{"groups", func(l *slog.Logger) { l.WithGroup("a").Error("x", slog.Group("b", "c", 1), "d", `"`) },
			"error     x  a.b.c=1  a.d=\"\\\"\"\n"},
		{"control characters", func(l *slog.Logger) { l.Info("a\x1b[31mb\nc", "k", "\x1b]0;title\a") },
			"info      a\ufffd[31mb c  k=\"\\x1b]0;title\\a\"\n"},
		{"below the level", func(l *slog.Logger) { l.Debug("x") }, ""},
		{"another level", func(l *slog.Logger) { l.Log(t.Context(), slog.LevelError+4, "x") }, "error+4   x\n"},
	} {
		var out bytes.Buffer
		c.log(slog.New(&lineHandler{out: &out, mu: new(sync.Mutex), least: slog.LevelInfo}))
		got := out.String()
		if got != "" {
			got = got[len("15:04:05.000  "):]
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	var out bytes.Buffer
	slog.New(&lineHandler{out: &out, mu: new(sync.Mutex), colors: terminal.Ansi16}).Warn("x")
	if !strings.Contains(out.String(), "\x1b[93mwarn\x1b[0m      x") {
		t.Errorf("in colour: %q", out.String())
	}
}
