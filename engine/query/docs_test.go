package query

import (
	"os"
	"strings"
	"testing"
)

// blocks returns the fenced blocks of that language in the operator's page.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/query.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	parts := strings.Split("\n"+string(page), "\n```")
	for i := 1; i < len(parts); i += 2 {
		if info, body, _ := strings.Cut(parts[i], "\n"); info == language {
			found = append(found, body)
		}
	}
	if len(found) == 0 {
		t.Fatalf("no block of %s in the page", language)
	}
	return found
}

func TestDocsQueries(t *testing.T) {
	for _, block := range blocks(t, "query") {
		for line := range strings.Lines(block) {
			if _, err := Parse(strings.TrimSpace(line)); err != nil {
				t.Error(err)
			}
		}
	}
}

// An error in the page stands there as Parse gives it: its second line is the
// query.
func TestDocsErrors(t *testing.T) {
	for _, block := range blocks(t, "error") {
		lines := strings.Split(block, "\n")
		if len(lines) < 3 {
			t.Fatalf("no query in the block:\n%s", block)
		}
		_, err := Parse(strings.TrimSpace(lines[1]))
		if err == nil || err.Error() != block {
			t.Errorf("the page has\n%s\nand the error is\n%v", block, err)
		}
	}
}
