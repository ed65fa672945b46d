package rules

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestHostileFiles runs files that want all the memory, all the time, or all of
// the stack. Each must end with the error that its first line tells, at a place
// in the file, without taking much more than it may; and Lua must still work.
func TestHostileFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/hostile/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".lua"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(text), "\n")
			runtime.GC() // the garbage of the file before would be room to grow
			c := newConfig(Options{}, newChunks(Options{}))
			defer c.Close()
			c.watch.limit.Store(int64(time.Minute))
			switch {
			case strings.Contains(first, "rule_timeout"):
				c.watch.limit.Store(int64(200 * time.Millisecond))
			case strings.Contains(first, "rule_memory"):
				c.watch.scale.allow(16<<20, "settings.rule_memory")
			}
			peak := heapPeak()
			err = c.loadFile(file)
			if most := peak(); most > 400<<20 {
				t.Errorf("the heap grew by %d MiB", most>>20)
			}
			if err == nil || !strings.HasPrefix(err.Error(), file+":") || !strings.Contains(err.Error(), strings.TrimPrefix(first, "-- ")) || len(err.Error()) > 2*maxErrorText {
				t.Errorf("the error is %.200v, want %q", err, first)
			}
			if c.nested != 0 || c.watch.depth != 0 {
				t.Errorf("left %d threads and %d calls", c.nested, c.watch.depth)
			}
			if v, err := c.runChunk(mustCompile(t, `return ("1"):rep(2) .. 1`)); err != nil || v.String() != "111" {
				t.Errorf("afterwards Lua says %v, %v", v, err)
			}
		})
	}
}

// heapPeak watches the heap; the function that it returns ends that and returns
// by how much it grew at most, in bytes.
func heapPeak() func() uint64 {
	stop, grown := make(chan struct{}), make(chan uint64)
	base := heapBytes()
	go func() {
		var most uint64
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			if now := heapBytes(); now > base {
				most = max(most, now-base)
			}
			select {
			case <-stop:
				grown <- most
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 {
		close(stop)
		return <-grown
	}
}

// TestMemoryOfLoading lets a file take more while it is loaded than a rule may.
func TestMemoryOfLoading(t *testing.T) {
	c, err := LoadString("x.lua", `kept = {} for i = 1, 7 do kept[i] = ("x"):rep(16e6) end`, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
