package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/plugins/terminal"
)

// testTimeout is how long a test waits for what should come at once.
const testTimeout = 20 * time.Second

// result is what a command line came to.
type result struct {
	code     int
	out, err string
}

// runLine runs a command line to its end.
func runLine(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	c := startLine(t, strings.NewReader(stdin), args...)
	return c.wait()
}

// running is a command line that is running.
type running struct {
	t        *testing.T
	out, err *output
	signals  chan os.Signal
	code     chan int
}

// startLine starts a command line, in process.
func startLine(t *testing.T, stdin io.Reader, args ...string) *running {
	t.Helper()
	c := &running{t: t, out: newOutput(), err: newOutput(), signals: make(chan os.Signal, 2), code: make(chan int, 1)}
	p := &process{
		name: "tocsin", in: stdin, out: c.out, err: c.err, screen: terminal.NewPipe(c.err),
		getenv:  func(string) string { return "" },
		signals: func() <-chan os.Signal { return c.signals },
	}
	go func() { c.code <- run(p, args) }()
	return c
}

func (c *running) wait() result {
	c.t.Helper()
	select {
	case code := <-c.code:
		return result{code, c.out.String(), c.err.String()}
	case <-time.After(testTimeout):
		c.t.Fatalf("it does not end; standard error:\n%s", c.err.String())
		return result{}
	}
}

// stop ends it as SIGTERM does, and wants an orderly end.
func (c *running) stop() result {
	c.t.Helper()
	c.signals <- syscall.SIGTERM
	r := c.wait()
	if r.code != exitOK {
		c.t.Errorf("exit code %d after SIGTERM; standard error:\n%s", r.code, r.err)
	}
	return r
}

// listening waits until the standard error says where something listens, and
// returns the address. what is such as "source graphite" or "http".
func (c *running) listening(what string) string {
	c.t.Helper()
	return c.err.await(c.t, `listening on (?:tcp|udp) ([0-9.:]+)[^"]*\(`+what+`\)`)[1]
}

// output takes what a command writes, and lets a test wait for it.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed and replaced at each write
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits until the text matches, and returns the match and its groups.
func (o *output) await(t *testing.T, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(testTimeout)
	for {
		o.mu.Lock()
		found, changed := re.FindStringSubmatch(o.text.String()), o.changed
		o.mu.Unlock()
		if found != nil {
			return found
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%q does not come; so far:\n%s", pattern, o.String())
		}
	}
}

// writeFile writes a file into a folder of the test's own.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// nowOf is a wall's clock that stands.
func nowOf(seconds int64) func() time.Time {
	return func() time.Time { return time.Unix(seconds, 0) }
}
