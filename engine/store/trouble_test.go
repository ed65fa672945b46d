package store

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"tocsin/engine"
)

// inChild runs the test in a process of its own, where it returns true: a limit
// on files would reach what the test's own process writes.
func inChild(t *testing.T) bool {
	const name = "TOCSIN_TEST_CHILD"
	if os.Getenv(name) != "" {
		return true
	}
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	child.Env = append(os.Environ(), name+"="+t.Name())
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

// limitFiles has writing fail behind so many bytes of any file, as on a disk
// that is full. It returns what ends that.
func limitFiles(t *testing.T, bytes int64) (end func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := before
	limit.Cur = uint64(bytes)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	end = func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(end)
	return end
}

// TestDiskFull: a checkpoint that finds no room leaves nothing behind, and the
// next one works as soon as there is room.
func TestDiskFull(t *testing.T) {
	if !inChild(t) {
		return
	}
	path := filepath.Join(t.TempDir(), "db")
	s := mustOpen(t, path)
	mustCommit(t, s, put("a", "x"))
	size := s.size
	big := put("a", "y", "b", strings.Repeat("z", 1000))

	end := limitFiles(t, size+500)
	for range 2 {
		if err := s.Commit(big); err == nil {
			t.Fatal("a checkpoint was committed where there is no room")
		}
		wantHeld(t, s, engine.RecordMap{"a": "\x01x"})
		if info, err := os.Stat(path); err != nil || info.Size() != size {
			t.Fatalf("%v; the file has %d bytes, want %d", err, info.Size(), size)
		}
	}
	end()
	big.Whole = true
	mustCommit(t, s, big)
	want := held(s)
	mustClose(t, s)
	s = mustOpen(t, path)
	wantHeld(t, s, want)
	if len(want) != 2 || s.Recovered().Lost != "" {
		t.Errorf("%q: %s", want, s.Recovered().Lost)
	}
}

// TestDiskFullWhileShrinking: the file of before goes on.
func TestDiskFullWhileShrinking(t *testing.T) {
	if !inChild(t) {
		return
	}
	path := filepath.Join(t.TempDir(), "db")
	s := mustOpen(t, path)
	mustCommit(t, s, put("a", strings.Repeat("x", 1000)))
	mustCommit(t, s, put("b", ""))
	// The mark behind the new records finds no room; and then they do not.
	for _, room := range []int64{s.live + int64(len(headCommand())) + 60, 500} {
		end := limitFiles(t, room)
		s.mu.Lock()
		err := s.rewrite()
		s.mu.Unlock()
		end()
		if err == nil {
			t.Fatalf("shrunk where there is room for %d bytes only", room)
		}
		// So the program may end here.
		aside := filepath.Join(t.TempDir(), "db")
		for _, suffix := range []string{"", oldSuffix} {
			copyFile(t, aside+suffix, path+suffix)
		}
		other := mustOpen(t, aside)
		if got, _ := other.Get("a"); len(got) < 1000 || other.Recovered().Lost != "" {
			t.Fatalf("with room for %d bytes, what is left has %q: %s", room, got, other.Recovered().Lost)
		}
	}
	mustCommit(t, s, put("c", "y"))
	want := held(s)
	mustClose(t, s)
	s = mustOpen(t, path)
	wantHeld(t, s, want)
	if len(want) != 3 || s.Recovered().Lost != "" {
		t.Errorf("%q: %s", want, s.Recovered().Lost)
	}
}

// TestShrinks: a file that is mostly of the past gets short by itself.
func TestShrinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	s := mustOpen(t, path)
	s.shrinkAbove = 2000
	for i := range 100 {
		mustCommit(t, s, put("a", strconv.Itoa(i), "b", ""))
	}
	s.shrinking.Wait()
	if s.size > s.shrinkAbove || s.metrics.shrinks.Get() == 0 {
		t.Errorf("the file has %d bytes after %d shrinks", s.size, s.metrics.shrinks.Get())
	}
	want := held(s)
	mustClose(t, s)
	if names, err := filepath.Glob(path + "*"); err != nil || len(names) != 2 {
		t.Errorf("%v; there are %q, want the store and its lock", err, names)
	}
	s = mustOpen(t, path)
	wantHeld(t, s, want)
	if want["a"] != "\x0299" || s.Recovered().Lost != "" {
		t.Errorf("%q: %s", want, s.Recovered().Lost)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v; the file's mode is %v", err, info.Mode())
	}
}

// TestKilled: whenever the program is killed, all is there that was committed,
// and nothing that belongs to half a checkpoint.
func TestKilled(t *testing.T) {
	const childOf = "TOCSIN_TEST_STORE"
	if path := os.Getenv(childOf); path != "" {
		commitForEver(t, path)
	}
	path := filepath.Join(t.TempDir(), "db")
	for range 5 {
		child := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
		child.Env = append(os.Environ(), childOf+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		committed := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if committed, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(lines.Text())
			}
			if committed%50 == 49 {
				break
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_, _ = out.Read(make([]byte, 1<<16))
		_ = child.Wait() // killed
		s := mustOpen(t, path)
		state := held(s)
		for _, value := range state {
			if value != state["0"] {
				t.Fatalf("the store has half a checkpoint: %q", state)
			}
		}
		if got, err := strconv.Atoi(strings.TrimLeft(state["0"], "\x01\x02\x03\x04\x05\x06")); err != nil || got < committed {
			t.Errorf("%v; checkpoint %d is there, %d was committed: %s", err, got, committed, s.Recovered().Lost)
		}
		mustClose(t, s)
	}
}

// commitForEver commits checkpoints that set all records to one value, which it
// prints.
func commitForEver(t *testing.T, path string) {
	s := mustOpen(t, path)
	s.shrinkAbove = 50_000
	for n := int(s.last.number); ; n++ {
		c := &engine.Checkpoint{}
		for key := range 100 {
			c.Put(strconv.Itoa(key), func(w *engine.RecordWriter) { w.Text(strconv.Itoa(n)) })
		}
		mustCommit(t, s, c)
		if _, err := fmt.Println(n); err != nil {
			os.Exit(1)
		}
	}
}
