package rules

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// TestContract runs the tests of testdata/contract: what docs/language.md says,
// sentence by sentence, as someone would test it who has read nothing else.
func TestContract(t *testing.T) {
	files, err := filepath.Glob("testdata/contract/*_test.lua")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %v, %v", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), "_test.lua")
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			passed, failed, err := Test(context.Background(), []string{file}, TestOptions{Out: &out})
			if err != nil || failed > 0 || passed == 0 {
				t.Errorf("%v\n%s", err, out.String())
			}
		})
	}
}
