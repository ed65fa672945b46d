//go:build real

package journal

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFullDiskReal is TestDiskFillsUp with a disk that is full, which takes root.
func TestFullDiskReal(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatalf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	journal, filler := filepath.Join(dir, "journal"), filepath.Join(dir, "filler")
	r := newRig(t, journal, Options{})
	r.append(1, second, 2)
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	for position := uint64(2); position < 5; position++ {
		if err := <-r.send(position, second, 512); !errors.Is(err, ErrNotKept) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got %v", err)
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	r.append(5, 5*second, 2)
	r.close()
	again := newRig(t, journal, Options{})
	again.wantRead(ReadOptions{}, append(r.want(1), r.want(5)...), "3 batches are missing, from 2 to 4")
	if again.journal.Last() != 5 || again.log.String() != "" {
		t.Errorf("the last is %d, logged %s", again.journal.Last(), again.log.String())
	}
	again.close()
}
