package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A block of kind "console" is a transcript: what a person types into a shell,
// and what comes.
//
//	$ tocsin check shop.lua
//	shop.lua: ok: …
//
// A line with "$ " before it is a command, one with "> " goes on with it. "…"
// stands for what differs each time, on a line of its own for any number of
// lines. A command that fails is followed by "$ echo $?".
//
// The transcripts of a document are one session, in a folder that has examples/
// and the Lua blocks whose first line is a file's name. After "tocsin run … &"
// it goes on when tocsin is ready, as a person would. A port of 127.0.0.1 is
// another one while the test runs, so that nothing is in its way. Commands beside
// tocsin are those of a plain Debian.

// command is a command of a transcript and what came of it.
type command struct {
	line      int
	text      string
	want, got string
	code      int
}

// TestTranscripts runs what the documents show as typed and wants what they show
// as answered.
func TestTranscripts(t *testing.T) {
	for _, path := range documents(t) {
		script, commands := session(examples(t, path))
		if len(commands) == 0 {
			continue
		}
		name, _ := filepath.Rel(root, path)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			typeSession(t, script, commands)
			for i, c := range commands {
				if !shown(c.want).MatchString(c.got) {
					t.Errorf("line %d: $ %s\ngave\n%s\nand not\n%s", c.line, c.text, c.got, c.want)
				}
				if c.code != 0 && (i+1 == len(commands) || commands[i+1].text != "echo $?") {
					t.Errorf("line %d: $ %s\nends with exit code %d; show it by \"echo $?\"", c.line, c.text, c.code)
				}
			}
		})
	}
}

// runs is a command that listens; a port that its rules do not name is named for
// it, so that it is another one, too.
var runs = regexp.MustCompile(`^tocsin run (\S+)`)

// session makes a script of a document's blocks. Behind the output of each
// command it writes the exit code between two zero bytes.
func session(blocks []example) (script string, commands []*command) {
	var b strings.Builder
	for _, e := range blocks {
		if m := fileName.FindStringSubmatch(e.text); m != nil && e.kind == "lua" {
			fmt.Fprintf(&b, "cat > %s <<'END OF BLOCK'\n%sEND OF BLOCK\n", m[1], e.text)
		}
		if e.kind != "console" {
			continue
		}
		for _, c := range transcript(e) {
			commands = append(commands, c)
			if m := runs.FindStringSubmatch(c.text); m != nil {
				fmt.Fprintf(&b, "grep -q settings %s || echo 'settings { http = \"%s\" }' >> %[1]s\n", m[1], defaultAPI[len("http://"):])
			}
			fmt.Fprintf(&b, "%s\ncode=$?\n", c.text)
			if strings.HasSuffix(c.text, "&") {
				b.WriteString("for i in {1..100}; do tocsin query true > /dev/null 2>&1; [ $? -ne 1 ] && break; sleep 0.05; done\n")
			}
			b.WriteString("printf '\\0%d\\0' $code; (exit $code)\n")
		}
	}
	return b.String(), commands
}

// transcript reads the commands of a block.
func transcript(e example) (commands []*command) {
	for i, line := range strings.SplitAfter(e.text, "\n") {
		if text, ok := strings.CutPrefix(line, "$ "); ok {
			commands = append(commands, &command{line: e.line + i, text: strings.TrimSuffix(text, "\n")})
			continue
		}
		if len(commands) == 0 {
			continue
		}
		last := commands[len(commands)-1]
		if text, ok := strings.CutPrefix(line, "> "); ok && last.want == "" {
			last.text += "\n" + strings.TrimSuffix(text, "\n")
		} else {
			last.want += line
		}
	}
	return commands
}

// shown matches what a transcript shows.
func shown(want string) *regexp.Regexp {
	var b strings.Builder
	for line := range strings.Lines(want) {
		if line == "…\n" {
			b.WriteString(`(?:.*\n)*`)
			continue
		}
		b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"))
	}
	return regexp.MustCompile("^" + b.String() + "$")
}

// typeSession runs a script and puts down what came of each command.
func typeSession(t *testing.T, script string, commands []*command) {
	t.Helper()
	there, back := otherPorts(script)
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "tocsin")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-c", "trap 'kill $(jobs -p) 2> /dev/null; wait' EXIT\n"+there(script))
	bash.Dir = folder
	bash.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "TOCSIN_TEST_AS_MAIN=1",
		"TOCSIN_ADDR="+there(defaultAPI))
	bash.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	bash.Cancel = func() error { return syscall.Kill(-bash.Process.Pid, syscall.SIGKILL) }
	out, err := bash.CombinedOutput()
	parts := bytes.Split(out, []byte{0})
	if len(parts) != 2*len(commands)+1 {
		t.Fatalf("%d of %d commands came to an end (%v):\n%s", len(parts)/2, len(commands), err, out)
	}
	for i, c := range commands {
		c.got = back(string(parts[2*i]))
		c.code, _ = strconv.Atoi(string(parts[2*i+1]))
	}
}

// loopback finds the ports that a document shows.
var loopback = regexp.MustCompile(`(127\.0\.0\.1[:/])(\d+)`)

// otherPorts returns a function that puts a free port in the place of each that a
// script shows, and of the default one, and a function for the way back.
func otherPorts(script string) (there, back func(text string) string) {
	free, shown := map[string]string{}, map[string]string{}
	for _, m := range loopback.FindAllStringSubmatch(defaultAPI+" "+script, -1) {
		if port := m[2]; free[port] == "" {
			free[port] = freePort()
			shown[free[port]] = port
		}
	}
	replace := func(other map[string]string) func(string) string {
		return func(text string) string {
			return loopback.ReplaceAllStringFunc(text, func(address string) string {
				m := loopback.FindStringSubmatch(address)
				return m[1] + cmp.Or(other[m[2]], m[2])
			})
		}
	}
	return replace(free), replace(shown)
}

// freePort finds a port below those that a system gives to whoever asks for any.
func freePort() string {
	for {
		port := strconv.Itoa(10000 + rand.IntN(20000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
}
