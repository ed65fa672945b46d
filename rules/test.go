package rules

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/engine/stream"
	"tocsin/plugins/terminal"
)

// TestOptions are what tests are run with.
type TestOptions struct {
	// Options are those of the configurations under test. Now, Output and
	// Secret are not used: clocks begin at 0, sinks record, secrets have no
	// values. Logger takes only what print writes: the errors that tests provoke
	// would drown it. Reads is told of the files of tests and recordings, too.
	Options
	// Out takes what failed, and the last line; nil: nothing is written.
	Out io.Writer
	// Colors is what Out shows.
	Colors terminal.Colors
	// Run says which tests run, by their names; nil: all.
	Run *regexp.Regexp
	// Coverage takes which lines and operators the tests reached, and is written
	// before the last line; nil: nothing is counted. It is a new one for each run.
	// Listing has the files written whole as well.
	Coverage *Coverage
	Listing  bool
	// Done is called after each test, on the goroutine of Test; nil: not called.
	Done func(TestResult)
}

// TestResult is what one test came to.
type TestResult struct {
	// File is the path of the file of tests. Name is the test's; "" stands for the
	// file itself, which could not be loaded.
	File, Name string
	// Took is how long the test ran, by the wall.
	Took time.Duration
	// Failure says on one line why the test failed: FILE:LINE, what was expected,
	// what came. "" is a test that passed.
	Failure string
	// Detail is lines that show what was expected beside what came; "" when the
	// Failure says it all.
	Detail string
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
	run := newTestRun(o, files)
	for _, file := range files {
		if err := run.file(ctx, file); err != nil {
			return run.passed, run.failed, err
		}
	}
	if o.Coverage != nil {
		o.Coverage.Write(run.options.Out, o.Listing)
	}
	fmt.Fprintf(run.options.Out, "%d passed, %d failed\n", run.passed, run.failed)
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

func newTestRun(o TestOptions, files []string) *testRun {
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Reads == nil {
		o.Reads = func(string) {}
	}
	r := &testRun{options: o, chunks: newChunks(o.Options)}
	if r.chunks.cover = o.Coverage; o.Coverage != nil {
		for _, file := range files {
			o.Coverage.without[file] = true
		}
	}
	return r
}

// file runs the tests of one file. Each runs in a configuration of its own, for
// which the file is run again.
func (r *testRun) file(ctx context.Context, path string) error {
	for n := 0; n >= 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n = r.one(ctx, path, n)
	}
	return nil
}

// next returns the number of the first test from n on that is to run, or -1.
func (r *testRun) next(tests []testCase, n int) int {
	for ; n < len(tests); n++ {
		if r.options.Run == nil || r.options.Run.MatchString(tests[n].name) {
			return n
		}
	}
	return -1
}

// one runs the first test of a file, from number n on, that is to run. It
// returns the number of the one after it, or -1.
func (r *testRun) one(ctx context.Context, path string, n int) (next int) {
	began := time.Now()
	t := r.newTester()
	defer t.close()
	if err := t.config.loadFile(path); err != nil {
		r.done(TestResult{File: path, Took: time.Since(began), Failure: oneLine(err.Error())})
		return -1
	}
	if n = r.next(t.tests, n); n < 0 {
		return -1
	}
	it := t.tests[n]
	result := TestResult{File: path, Name: it.name}
	err := t.run(ctx, it)
	var failure *testFailure
	switch {
	case errors.As(err, &failure):
		result.Failure = oneLine(fmt.Sprintf("%s: test %s: %s", failure.pos, it.name, failure.text))
		result.Detail = failure.detail
	case err != nil:
		result.Failure = oneLine(named(err.Error(), it.name))
	}
	result.Took = time.Since(began)
	r.done(result)
	return r.next(t.tests, n+1)
}

// newTester makes a configuration in which a file of tests can run.
func (r *testRun) newTester() *tester {
	o := r.options.Options
	o.Now, o.Secret, o.Logger = 0, nil, nil
	t := &tester{
		received: make(map[string][]engine.Message), taps: make(map[string][]engine.Message),
		reads: r.options.Reads, coverage: r.options.Coverage,
	}
	o.Output = t.record
	t.config = newConfig(o, r.chunks)
	if r.options.Logger != nil {
		t.config.printed = r.options.Logger
	}
	t.config.tests = t
	t.define()
	if t.coverage != nil {
		t.marks = t.coverage.begin(t.config.lua)
	}
	return t
}

// done counts a test, and tells of it.
func (r *testRun) done(result TestResult) {
	if result.Failure == "" {
		r.passed++
	} else {
		r.failed++
		fmt.Fprintf(r.options.Out, "%s\n%s", result.Failure, colorDetail(result.Detail, r.options.Colors))
	}
	if r.options.Done != nil {
		r.options.Done(result)
	}
}

// named puts the name of a test behind the FILE:LINE that a message begins
// with.
func named(text, name string) string {
	if place, rest, ok := strings.Cut(text, ": "); ok && !strings.Contains(place, " ") {
		return place + ": test " + name + ": " + rest
	}
	return "test " + name + ": " + text
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
	reads    func(path string)           // is told of the files read
	coverage *Coverage                   // nil: nothing is counted
	marks    *lua.LTable                 // of the statements that were reached
}

// counted notes what the operators of a graph passed.
func (t *tester) counted(g *stream.Graph) {
	if t.coverage != nil {
		t.coverage.add(g)
	}
}

// close notes what was reached, and ends the configuration.
func (t *tester) close() {
	t.counted(t.config.Graph)
	if t.coverage != nil {
		t.coverage.end(t.marks)
	}
	t.config.Close()
}

type testCase struct {
	name string
	fn   *lua.LFunction
}

// testFailure is what a check of a test failed with.
type testFailure struct{ pos, text, detail string }

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
