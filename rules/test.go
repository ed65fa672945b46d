package rules

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
)

// TestOptions are what tests are run with.
type TestOptions struct {
	// Options are those of the configurations under test. Now, Output and
	// Secret are not used: clocks begin at 0, sinks record, secrets have no
	// values. Logger takes only what print writes: the errors that tests provoke
	// would drown it.
	Options
	// Out takes one line for each failure, and the last line.
	Out io.Writer
}

// Test runs the tests in paths: files, or folders, in which it finds every
// *_test.lua. It returns how many passed and failed; a file that cannot be
// loaded counts as one that failed. err says that a path cannot be read, that
// there are no tests, or that ctx is done.
func Test(ctx context.Context, paths []string, o TestOptions) (passed, failed int, err error) {
	files, err := testFiles(paths)
	if err != nil {
		return 0, 0, err
	}
	if len(files) == 0 {
		return 0, 0, fmt.Errorf("cannot find tests: there is no *_test.lua in %s", strings.Join(paths, ", "))
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	run := &testRun{options: o, chunks: newChunks(o.Options)}
	for _, file := range files {
		if err := run.file(ctx, file); err != nil {
			return run.passed, run.failed, err
		}
	}
	fmt.Fprintf(o.Out, "%d passed, %d failed\n", run.passed, run.failed)
	return run.passed, run.failed, nil
}

// testFiles returns the test files in paths, sorted, each once.
func testFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("cannot find tests: %w", err)
		}
		if !info.IsDir() {
			files = append(files, filepath.Clean(path))
			continue
		}
		err = filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && strings.HasSuffix(at, "_test.lua") {
				files = append(files, filepath.Clean(at))
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("cannot find tests: %w", err)
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// testRun is one run of Test.
type testRun struct {
	options        TestOptions
	chunks         *chunks
	passed, failed int
}

// file runs the tests of one file. Each runs in a configuration of its own, for
// which the file is run again.
func (r *testRun) file(ctx context.Context, path string) error {
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		more := r.one(ctx, path, n)
		if !more {
			return nil
		}
	}
}

// one runs test n of a file and reports whether there are more.
func (r *testRun) one(ctx context.Context, path string, n int) (more bool) {
	o := r.options.Options
	o.Now, o.Secret, o.Logger = 0, nil, nil
	t := &tester{received: make(map[string][]engine.Message), taps: make(map[string][]engine.Message)}
	o.Output = t.record
	c := newConfig(o, r.chunks)
	defer c.Close()
	if r.options.Logger != nil {
		c.printed = r.options.Logger
	}
	t.config, c.tests = c, t
	t.define()
	err := c.loadFile(path)
	if err != nil {
		r.fail(err.Error())
		return false
	}
	if n >= len(t.tests) {
		return false
	}
	it := t.tests[n]
	err = t.run(ctx, it)
	var failure *testFailure
	switch {
	case err == nil:
		r.passed++
	case errors.As(err, &failure):
		r.fail(fmt.Sprintf("%s: test %s: %s", failure.pos, it.name, failure.text))
	default:
		r.fail(named(err.Error(), it.name))
	}
	return n+1 < len(t.tests)
}

// named puts the name of a test behind the FILE:LINE that a message begins
// with.
func named(text, name string) string {
	if place, rest, ok := strings.Cut(text, ": "); ok && !strings.Contains(place, " ") {
		return place + ": test " + name + ": " + rest
	}
	return "test " + name + ": " + text
}

func (r *testRun) fail(text string) {
	r.failed++
	fmt.Fprintln(r.options.Out, oneLine(text))
}

// tester is what a configuration under test knows of its tests.
type tester struct {
	config   *Config
	tests    []testCase
	received map[string][]engine.Message // by sink
	taps     map[string][]engine.Message // by name
	stopped  func() error                // whether Test shall end
	running  bool                        // a test is running
	failure  *testFailure                // its first
}

type testCase struct {
	name string
	fn   *lua.LFunction
}

// testFailure is what a check of a test failed with.
type testFailure struct{ pos, text string }

func (f *testFailure) Error() string { return f.pos + ": " + f.text }

// recorder is the output of one sink.
type recorder struct {
	tester *tester
	name   string
}

var _ engine.Output = recorder{}

// Put implements engine.Output.
func (r recorder) Put(m engine.Message) {
	r.tester.received[r.name] = append(r.tester.received[r.name], copyMessage(m))
}

// Flush implements engine.Output.
func (recorder) Flush() {}

func copyMessage(m engine.Message) engine.Message {
	return engine.Message{Events: slices.Clone(m.Events), List: m.List}
}

func (t *tester) record(s *Sink) (engine.Output, error) {
	t.received[s.Name] = nil
	return recorder{t, s.Name}, nil
}

// drawTap notes that there is a tap of that name.
func (t *tester) drawTap(name string) { t.taps[name] = t.taps[name] }

func (t *tester) tapped(name string, m engine.Message) {
	t.taps[name] = append(t.taps[name], copyMessage(m))
}

// oneLine joins the lines of a message.
func oneLine(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, " | ")
}
