package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	good := writeFile(t, "good.lua", `sink.log {} events:where 'metric > 1':to(sink.log { name = "other" })`)
	bad := writeFile(t, "bad.lua", "\nsource.graphite { lissten = \"127.0.0.1:0\" }")
	badQuery := writeFile(t, "query.lua", `events:where 'metric =='`)
	passing := writeFile(t, "a_test.lua", `test("sum", function(t) t:eq(1 + 1, 2) end)`)
	failing := writeFile(t, "b_test.lua", "\ntest('sum', function(t)\n  t:eq(1 + 1, 3)\nend)")
	none := writeFile(t, "c_test.lua", "")
	for _, c := range []struct {
		name string
		args []string
		code int
		out  string // patterns
		err  string
	}{
		{"nothing", nil, 2, "", `Usage: tocsin <command>(?s:.*)tocsin: a command is missing`},
		{"help", []string{"--help"}, 0, `Commands:\n +run +Run a rules file`, ""},
		{"help of a command", []string{"query", "-h"}, 0, `tocsin query 'role = "app" and expired'`, ""},
		{"mistyped command", []string{"rnu"}, 2, "", `^tocsin: unexpected argument rnu, did you mean "run"\?; see "tocsin --help"\n$`},
		{"help as a command", []string{"help", "query"}, 0, `tocsin query 'role = "app" and expired'`, ""},
		{"version as a flag", []string{"--version"}, 0, `^tocsin \S+ \(`, ""},
		{"flag without its value", []string{"send", "--host"}, 2, "", `^tocsin: --host: the value is missing; see "tocsin send --help"\n$`},
		{"mistyped flag", []string{"send", "--hsot", "a"}, 2, "", `did you mean "--host"\?; see "tocsin send --help"`},
		{"no query", []string{"query"}, 2, "", `^tocsin: expected "<query>"`},
		{"wrong query", []string{"query", "metric == 5"}, 2, "", "^tocsin: cannot parse query: .*\n    metric == 5\n +\\^\n$"},
		{"query without quotes", []string{"query", "host=web1", "--addr", "127.0.0.1:1"}, 1, "", `^tocsin: host = web1 compares two fields; for a text write 'host = "web1"'\n`},
		{"forget without quotes", []string{"forget", "host=web1"}, 2, "", `^tocsin: host = web1 compares two fields; .*\n$`},
		{"wrong limit", []string{"query", "true", "--limit=-1"}, 2, "", "--limit"},
		{"nobody there", []string{"query", "true", "--addr", "127.0.0.1:1"}, 1, "", `^tocsin: cannot reach http://127.0.0.1:1: .*refused; is "tocsin run" running`},
		{"no address", []string{"query", "true", "--addr", "ftp://x"}, 2, "", `--addr "ftp://x" is not an address`},
		{"nothing to send", []string{"send"}, 2, "", "there is no event to send"},
		{"both", []string{"send", "-", "--host", "a"}, 2, "", "not both"},
		{"wrong time", []string{"send", "--host", "a", "--time", "soon"}, 2, "", `key "time": expected seconds or an ISO 8601 time`},
		{"wrong metric", []string{"send", "--metric", "many"}, 2, "", `--metric`},
		{"metric that is none", []string{"send", "--metric", "NaN"}, 2, "", `NaN`},
		{"version", []string{"version"}, 0, `^tocsin \S+ \(.*go1\.`, ""},

		{"check", []string{"check", good}, 0, `good.lua: ok: 0 sources, 2 sinks, 1 stream, 0 rules\n$`, ""},
		{"check several", []string{"check", bad, good, badQuery}, 1, `good.lua: ok`,
			`bad.lua:2: source.graphite: unknown option "lissten"; did you mean "listen"\?\n(?s:.*)query.lua:1: .*"==" is no operator`},
		{"check what is not there", []string{"check", "nowhere.lua"}, 1, "", "cannot read rules: open nowhere.lua: no such file"},
		{"check a folder", []string{"check", t.TempDir()}, 1, "", "is a directory"},
		{"check tests", []string{"check", passing}, 1, "", `run it with "tocsin test"`},

		{"test", []string{"test", passing}, 0, `^1 passed, 0 failed\n$`, ""},
		{"test that fails", []string{"test", filepath.Dir(failing), passing}, 1, `b_test.lua:3: .*expected 3(?s:.*)1 passed, 1 failed\n$`, ""},
		{"test without tests", []string{"test", none}, 1, "^0 passed, 0 failed\n$", "there are no tests"},
		{"test what is not there", []string{"test", "nowhere"}, 2, "", "nowhere"},

		{"run what is wrong", []string{"run", bad}, 1, "", `bad.lua:2: source.graphite: unknown option "lissten"`},
		{"run what is not there", []string{"run", "nowhere.lua"}, 1, "", "cannot read rules: open nowhere.lua: no such file"},
		{"run without a file", []string{"run"}, 1, "", `open tocsin.lua: no such file or directory; name a rules file, or try "tocsin demo"`},
		{"replay without a recording", []string{"replay", good}, 2, "", `--from`},
		{"replay what is not there", []string{"replay", good, "--from", "nowhere"}, 1, "", "cannot open recording: open nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runLine(t, "", c.args...)
			if r.code != c.code {
				t.Errorf("exit code %d, want %d", r.code, c.code)
			}
			matches(t, "standard output", r.out, c.out)
			matches(t, "standard error", r.err, c.err)
		})
	}
}

// matches wants text to match the pattern, or to be empty if that is.
func matches(t *testing.T, what, text, pattern string) {
	t.Helper()
	if pattern == "" && text != "" || !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("%s is\n%s\nwant a match of %q", what, text, pattern)
	}
}

// TestHelp wants each command to teach by example, and its examples to be
// command lines that can be read.
func TestHelp(t *testing.T) {
	parser, err := newParser(&process{}, new(commands))
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		t.Run(command.Name, func(t *testing.T) {
			r := runLine(t, "", command.Name, "--help")
			if r.code != exitOK || r.err != "" {
				t.Fatalf("exit code %d: %s", r.code, r.err)
			}
			if examples := commandLines(command.Detail); len(examples) == 0 {
				t.Error("there is no example")
			} else {
				parseLines(t, examples)
			}
		})
	}
}

// commandLines finds the command lines of tocsin in text.
func commandLines(text string) (lines [][]string) {
	for line := range strings.Lines(text) {
		at := commandStart.FindStringIndex(line)
		if at == nil {
			continue
		}
		if words := shellWords(line[at[1]:]); len(words) > 0 {
			lines = append(lines, words)
		}
	}
	return lines
}

var commandStart = regexp.MustCompile(`(?:^ *|[|;(&] *|= *|\.\.\. )(?:\S*/)?tocsin `)

// shellWords splits as a shell does, up to where the command ends.
func shellWords(text string) (words []string) {
	var word strings.Builder
	var quote rune
	started := false
	for _, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, started = r, true
		case r == '#' && !started || strings.ContainsRune("|;&)<>", r):
			if started {
				words = append(words, word.String())
			}
			return words
		case r == ' ' || r == '\n':
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if started {
		words = append(words, word.String())
	}
	return words
}

// parseLines wants each command line to be one that can be read.
func parseLines(t *testing.T, lines [][]string) {
	t.Helper()
	for _, words := range lines {
		parser, err := newParser(&process{out: os.Stderr, err: os.Stderr}, new(commands))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(words); err != nil && !isHelp(words) {
			t.Errorf("tocsin %s: %v", strings.Join(words, " "), err)
		}
	}
}

func isHelp(words []string) bool {
	for _, w := range words {
		if w == "--help" || w == "-h" {
			return true
		}
	}
	return false
}
