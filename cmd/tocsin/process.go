package main

import (
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"tocsin/plugins/terminal"
)

// process is what a command has of the world around it. Tests put their own in
// its place.
type process struct {
	name     string // as the user called it
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	// screen is err, for the log and the sinks that draw.
	screen *terminal.Screen
	// signals begins to take the signals that end a command, or have it reopen
	// its files. Until then they do what they do by default.
	signals func() <-chan os.Signal
}

func systemProcess() *process {
	return &process{
		name: os.Args[0],
		in:   os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv,
		screen: terminal.New(os.Stderr, os.Getenv),
		signals: func() <-chan os.Signal {
			c := make(chan os.Signal, 8)
			signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			return c
		},
	}
}

// isTerminal reports whether someone reads w as it is written.
func isTerminal(w io.Writer) bool {
	return term.IsTerminal(terminalOf(w))
}

// colours reports whether what is written to w may carry colours.
func (p *process) colours(w io.Writer) bool {
	return isTerminal(w) && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb"
}

// terminalOf is the file descriptor of a terminal, or -1.
func terminalOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		return int(f.Fd())
	}
	return -1
}
