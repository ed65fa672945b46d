package rules

import (
	"bytes"
	"context"
	"testing"
)

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
