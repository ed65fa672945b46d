// Command tocsin takes in events, keeps the latest of each (host, service) in
// an index, runs rules written in Lua over them, and acts.
//
// Reading order: main.go parses the command line; one file per subcommand
// follows it (run.go, check.go, test.go, replay.go, record.go, graph.go, types.go,
// send.go, query.go, reload.go, demo.go, version.go). replay_diff.go compares two replays:
// replay_match.go finds what differs, replay_report.go shows it. The graph_*.go
// files lay out and write a drawing. node.go puts together what run and demo run;
// node_reload*.go have another configuration take its place.
// The http*.go files are the HTTP interface, client.go is its client.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	_ "tocsin/plugins/standard"
)

// The exit codes, as the manual has them.
const (
	exitOK      = 0
	exitFailed  = 1   // a check, a test, a start or a request failed
	exitUsage   = 2   // the command line, or a query on it, is wrong
	exitNothing = 3   // a query that matches nothing
	exitAtOnce  = 130 // ended by a second signal, or a replay by the first
)

// commands is the command line. The comment of each field's type is in its own
// file.
type commands struct {
	Help helpFlag `short:"h" help:"Show help, with examples."`

	Run     runCommand     `cmd:"" help:"Run a rules file."`
	Check   checkCommand   `cmd:"" help:"Check rules files without running them."`
	Test    testCommand    `cmd:"" help:"Run the tests of rules files."`
	Replay  replayCommand  `cmd:"" help:"Show what each sink would get from recorded events."`
	Record  recordCommand  `cmd:"" help:"Write a piece of recorded events to a file, for tests and replays."`
	Send    sendCommand    `cmd:"" help:"Send events to a running tocsin."`
	Query   queryCommand   `cmd:"" help:"Ask a running tocsin what its index holds."`
	Forget  forgetCommand  `cmd:"" help:"Have a running tocsin forget what was taken down on purpose."`
	Reload  reloadCommand  `cmd:"" help:"Have a running tocsin load its rules again."`
	Rules   rulesCommand   `cmd:"" help:"Show which rules of a running tocsin are busy."`
	Graph   graphCommand   `cmd:"" help:"Draw a rules file, as SVG."`
	Types   typesCommand   `cmd:"" help:"Write definitions of the rules language, for editors."`
	Demo    demoCommand    `cmd:"" help:"Run the example shop, fed by itself."`
	Version versionCommand `cmd:"" help:"Show the version."`
}

const description = `Tocsin takes in events from collectd, graphite and their kin, keeps the latest event of each host and service, runs your rules over them, and acts.

Start with "tocsin demo".`

func main() { os.Exit(run(systemProcess(), os.Args[1:])) }

// run runs one command line and returns the exit code.
func run(p *process, args []string) int {
	err := p.command(args)
	var coded *codedError
	switch {
	case err == nil || errors.Is(err, errHelpShown):
		return exitOK
	case errors.As(err, &coded):
		if coded.err != nil {
			p.complain(coded.err)
		}
		return coded.code
	}
	p.complain(err)
	return exitFailed
}

func (p *process) complain(err error) { fmt.Fprintf(p.err, "tocsin: %v\n", err) }

// command parses args and runs the command that they name.
func (p *process) command(args []string) error {
	parser, err := newParser(p, new(commands))
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
		defer fmt.Fprintln(p.err, `tocsin: a command is missing; try "tocsin demo"`)
		parser.Stdout = p.err
		if _, err := parser.Parse(args); !errors.Is(err, errHelpShown) {
			return err
		}
		return &codedError{code: exitUsage}
	}
	chosen, err := parser.Parse(joinNegatives(customary(args)))
	if errors.Is(err, errHelpShown) {
		return err
	}
	if err != nil {
		return usageError(fmt.Errorf("%s; see %q", parseMessage(err), helpCommand(err)))
	}
	return chosen.Run(p)
}

// customary takes what other programs have: "help", "help COMMAND", "--version".
func customary(args []string) []string {
	switch args[0] {
	case "help":
		return append(args[1:len(args):len(args)], "--help")
	case "--version":
		return []string{"version"}
	}
	return args
}

// parseMessage says what is wrong with a command line.
func parseMessage(err error) string {
	if flag, _, found := strings.Cut(err.Error(), ": expected"); found && strings.Contains(err.Error(), "EOL") {
		return flag + ": the value is missing"
	}
	return err.Error()
}

// joinNegatives writes "--metric -1.5" as "--metric=-1.5", which the parser would
// take for a flag otherwise.
func joinNegatives(args []string) []string {
	var out []string
	for i, arg := range args {
		if _, err := strconv.ParseFloat(arg, 64); err == nil && i > 0 && arg[0] == '-' &&
			strings.HasPrefix(args[i-1], "--") && !strings.Contains(args[i-1], "=") {
			out[len(out)-1] += "=" + arg
			continue
		}
		out = append(out, arg)
	}
	return out
}

func newParser(p *process, c *commands) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("tocsin"),
		kong.Description(description),
		kong.Writers(p.out, p.err),
		kong.NoDefaultHelp(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 90}),
		kong.Vars{"addr": defaultAPI, "rules": defaultRules},
	)
}

// helpCommand is the command line that shows the help that a mistake calls for.
func helpCommand(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if selected := parse.Context.Selected(); selected != nil {
			return selected.FullPath() + " --help"
		}
	}
	return "tocsin --help"
}

// helpFlag is --help. Unlike kong's own it does not end the process.
type helpFlag bool

var errHelpShown = errors.New("help shown")

// BeforeReset is called by kong before anything is checked.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	if err := ctx.PrintUsage(false); err != nil {
		return err
	}
	return errHelpShown
}

// IgnoreDefault tells kong that the flag has no value of its own.
func (helpFlag) IgnoreDefault() {}

// codedError is an error with an exit code of its own.
type codedError struct {
	code int
	err  error // nil: everything has been said
}

func (e *codedError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *codedError) Unwrap() error { return e.err }

func usageError(err error) error { return &codedError{exitUsage, err} }

// errFailed ends a command with exitFailed when everything has been said.
var errFailed = &codedError{code: exitFailed}
