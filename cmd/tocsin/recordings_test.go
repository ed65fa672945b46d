package main

import (
	"bytes"
	"context"
	"testing"

	"tocsin/rules"
)

// TestRecordings replays what real programs sent, with the sources that ship.
func TestRecordings(t *testing.T) {
	var out bytes.Buffer
	passed, failed, err := rules.Test(context.Background(), []string{"testdata/recordings"}, rules.TestOptions{Out: &out})
	if err != nil || failed > 0 || passed == 0 {
		t.Errorf("%v\n%s", err, out.String())
	}
}
