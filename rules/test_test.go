package rules

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tocsin/plugins/terminal"
)

var update = flag.Bool("update", false, "write the expected outputs")

// TestLanguage runs the tests of testdata/language, which are the language's
// own.
func TestLanguage(t *testing.T) {
	var out bytes.Buffer
	passed, failed, err := Test(context.Background(), []string{"testdata/language"}, TestOptions{Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	if failed > 0 || passed == 0 {
		t.Errorf("%s", out.String())
	}
}

// TestFailures compares what failing tests print with testdata/failing/output.
func TestFailures(t *testing.T) {
	var out bytes.Buffer
	passed, failed, err := Test(context.Background(), []string{"testdata/failing"}, TestOptions{Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/failing/output", out.Bytes())
	if passed != 1 || failed != 21 {
		t.Errorf("%d passed, %d failed", passed, failed)
	}
}

func TestNoTests(t *testing.T) {
	if _, _, err := Test(context.Background(), []string{"testdata/nothing"}, TestOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestCancelled ends a test that moves the clock for ever.
func TestCancelled(t *testing.T) {
	path := t.TempDir() + "/forever_test.lua"
	text := `test("forever", function(t)
		every(1, function() end)
		while true do pcall(function() t:advance(1) end) end
	end)`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, failed, err := Test(ctx, []string{path}, TestOptions{Out: io.Discard})
	if failed != 1 && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("failed %d, %v", failed, err)
	}
}

// TestRun runs some tests of two files, and wants to be told of them and of
// what was read.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.lua":      `sink.led { name = "out" }`,
		"a_test.lua": `config "a.lua" test("one", function(t) t:replay "a.jsonl" end) test("two", function() error "not to run" end) test("once more", function(t) t:eq(1, 2) end)`,
		"b_test.lua": `test("two", function() error "not to run" end)`,
		"c_test.lua": `test(`,
		"a.jsonl":    `{"host":"a","time":1}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var results, read []string
	passed, failed, err := Test(context.Background(), []string{dir}, TestOptions{
		Run: regexp.MustCompile("^on"),
		Done: func(r TestResult) {
			results = append(results, fmt.Sprintf("%s %q %t %t", filepath.Base(r.File), r.Name, r.Failure == "", r.Took > 0))
		},
		Options: Options{Reads: func(path string) { read = append(read, filepath.Base(path)) }},
	})
	if err != nil || passed != 1 || failed != 2 {
		t.Errorf("%d passed, %d failed, %v", passed, failed, err)
	}
	if got, want := strings.Join(results, ", "), `a_test.lua "one" true true, a_test.lua "once more" false true, c_test.lua "" false true`; got != want {
		t.Errorf("results are %s, want %s", got, want)
	}
	if got, want := strings.Join(read, " "), "a_test.lua a.lua a.jsonl b_test.lua c_test.lua"; got != want {
		t.Errorf("read was %s, want %s", got, want)
	}
}

// TestColors wants the rows that differ to be coloured where colours can be
// shown, and nothing else.
func TestColors(t *testing.T) {
	const detail = "  a | b\n! c | d\n"
	for _, c := range []struct {
		colors terminal.Colors
		want   string
	}{
		{terminal.Monochrome, detail},
		{terminal.Ansi16, "  a | b\n\x1b[91m! c | d\x1b[0m\n"},
	} {
		if got := colorDetail(detail, c.colors); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
