//go:build real

package store

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tocsin/engine"
)

// TestFullDisk is TestDiskFull with a disk that is full, which takes root.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatalf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	path, filler := filepath.Join(dir, "db"), filepath.Join(dir, "filler")
	s := mustOpen(t, path)
	mustCommit(t, s, put("a", "x"))
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	big := put("a", "y", "b", strings.Repeat("z", 20_000))
	if err := s.Commit(big); err == nil {
		t.Fatal("a checkpoint was committed where there is no room")
	}
	wantHeld(t, s, engine.RecordMap{"a": "\x01x"})
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	big.Whole = true
	mustCommit(t, s, big)
	want := held(s)
	mustClose(t, s)
	s = mustOpen(t, path)
	wantHeld(t, s, want)
	if s.Recovered().Lost != "" {
		t.Error(s.Recovered().Lost)
	}
	mustClose(t, s)
}
