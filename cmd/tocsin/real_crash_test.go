//go:build real

package main

import "testing"

// TestRealCrashes: 200 times kill -9 lose no event that was acknowledged, and
// double none.
func TestRealCrashes(t *testing.T) { runCrashes(t, 200) }
