package rules

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// TestCoverage compares what is written with testdata/coverage/output.
func TestCoverage(t *testing.T) {
	var out bytes.Buffer
	passed, failed, err := Test(context.Background(), []string{"testdata/coverage"}, TestOptions{Out: &out, Coverage: NewCoverage(), Listing: true})
	if err != nil || passed != 3 || failed != 1 {
		t.Fatalf("%d passed, %d failed, %v\n%s", passed, failed, err, out.String())
	}
	golden(t, "testdata/coverage/output", out.Bytes())
}

// golden compares a text with the one in a file.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestCoverageChangesNothing runs the tests of the language with coverage: they
// come to the same as without.
func TestCoverageChangesNothing(t *testing.T) {
	for _, path := range []string{"testdata/language", "testdata/contract"} {
		t.Run(path, func(t *testing.T) {
			var plain, covered bytes.Buffer
			ctx := context.Background()
			if _, _, err := Test(ctx, []string{path}, TestOptions{Out: &plain}); err != nil {
				t.Fatal(err)
			}
			if _, _, err := Test(ctx, []string{path}, TestOptions{Out: &covered, Coverage: NewCoverage()}); err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(covered.String(), plain.String()) {
				t.Errorf("with coverage\n%s\nwithout\n%s", covered.String(), plain.String())
			}
		})
	}
}

// TestNothingMarked wants files to be compiled as they are, unless coverage is
// asked for.
func TestNothingMarked(t *testing.T) {
	const text = "local x = 1\nif x then x = 2 end\nreturn x"
	plain, err := newChunks(Options{}).compile("a.lua", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), coverageTable) {
		t.Error("without coverage, statements are marked")
	}
	with := newChunks(Options{})
	with.cover = NewCoverage()
	marked, err := with.compile("a.lua", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(marked.String(), "] SETTABLE"); n != 4 {
		t.Errorf("with coverage, %d of 4 statements are marked", n)
	}
	if marked.NumUsedRegisters > plain.NumUsedRegisters+3 {
		t.Errorf("marks take %d registers", marked.NumUsedRegisters-plain.NumUsedRegisters)
	}
}
