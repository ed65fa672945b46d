package rules

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"testing"
	"time"
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
	const golden = "testdata/failing/output"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("got\n%s\nwant\n%s", out.Bytes(), want)
	}
	if passed != 1 || failed != 14 {
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
