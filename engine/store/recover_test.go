package store

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/engine"
)

// stage is what a store held when its file had a length.
type stage struct {
	size  int64
	state engine.RecordMap
}

// sample makes the file of a store and tells what it held on the way. What it
// held before it was shrunk, cannot be found any more.
func sample(t testing.TB, path string, shrink bool) []stage {
	s := mustOpen(t, path)
	state := engine.RecordMap{}
	stages := []stage{{0, engine.RecordMap{}}}
	commit := func(c *engine.Checkpoint) {
		mustCommit(t, s, c)
		state.Apply(c)
		stages = append(stages, stage{s.size, maps.Clone(state)})
	}
	commit(put("a", "1", "b", "2", "c", ""))
	c := put("b", "3", "d", "\r\n*3\r\n")
	c.Remove("a")
	commit(c)
	commit(put("b", "4")) // the first record of the shrunk file
	if shrink {
		mustRewrite(t, s)
		stages = []stage{stages[0], {s.size, maps.Clone(state)}}
	}
	c = put("a", "5")
	c.Drop("b")
	commit(c)
	c = put("w", "whole", "c", "")
	c.Whole = true
	commit(c)
	c = &engine.Checkpoint{}
	c.Remove("w")
	commit(c)
	mustClose(t, s)
	return stages
}

// stateAt returns what a store must hold whose file ends at a byte.
func stateAt(stages []stage, at int) engine.RecordMap {
	state := stages[0].state
	for _, st := range stages {
		if st.size <= int64(at) {
			state = st.state
		}
	}
	return state
}

func forSamples(t *testing.T, f func(t *testing.T, file []byte, stages []stage)) {
	for _, shrink := range []bool{false, true} {
		t.Run(fmt.Sprintf("shrunk=%v", shrink), func(t *testing.T) {
			path := filepath.Join(memoryDir(t), "db")
			stages := sample(t, path, shrink)
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f(t, file, stages)
		})
	}
}

// TestCutAnywhere: wherever the file ends, the store holds what it held after
// the last checkpoint that is whole, and what was cut off is kept.
func TestCutAnywhere(t *testing.T) {
	forSamples(t, func(t *testing.T, file []byte, stages []stage) {
		for cut := range len(file) + 1 {
			path := filepath.Join(memoryDir(t), "db")
			writeFile(t, path, file[:cut])
			s := mustOpen(t, path)
			want := stateAt(stages, cut)
			wantHeld(t, s, want)
			kept := bytes.Join(asides(t, path), nil)
			damaged := s.Recovered().Damaged && int64(cut) >= stages[1].size
			if !bytes.HasSuffix(file[:cut], kept) || damaged || (s.Recovered().Lost == "") != (len(kept) == 0) {
				t.Fatalf("cut at %d: %q is kept aside; %+v", cut, kept, s.Recovered())
			}
			mustClose(t, s)
			if cut%10 != 0 {
				continue
			}
			s = mustOpen(t, path)
			mustCommit(t, s, put("next", "n"))
			mustClose(t, s)
			s = mustOpen(t, path)
			want = maps.Clone(want)
			want["next"] = "\x01n"
			wantHeld(t, s, want)
			if s.Recovered().Lost != "" {
				t.Fatalf("cut at %d, opened again: %s", cut, s.Recovered().Lost)
			}
			mustClose(t, s)
		}
	})
}

// memoryDir returns a folder where a sync takes no time, if there is one.
func memoryDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "tocsin")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// asides returns the files that recovery has kept.
func asides(t testing.TB, path string) [][]byte {
	names, err := filepath.Glob(path + ".[cd]*-*")
	if err != nil {
		t.Fatal(err)
	}
	var files [][]byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, data)
	}
	return files
}

// TestDamageAnywhere: whichever byte is another, the store holds what it held
// before that, says so, and the file is kept as it was; or it is refused.
func TestDamageAnywhere(t *testing.T) {
	forSamples(t, func(t *testing.T, file []byte, stages []stage) {
		head := len(headCommand())
		for at := range file {
			damaged := bytes.Clone(file)
			damaged[at] ^= 0x04
			path := filepath.Join(memoryDir(t), "db")
			writeFile(t, path, damaged)
			s, err := Open(path, Options{})
			if err != nil && at < head {
				if now, _ := os.ReadFile(path); !bytes.Equal(now, damaged) {
					t.Fatalf("byte %d: %v, but the file was touched", at, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("byte %d: %v", at, err)
			}
			wantHeld(t, s, stateAt(stages, at))
			r := s.Recovered()
			kept := asides(t, path)
			if r.Lost == "" || len(kept) != 1 || !bytes.HasSuffix(damaged, kept[0]) || r.Damaged && len(kept[0]) != len(damaged) {
				t.Fatalf("byte %d: %q is kept aside; %+v", at, kept, r)
			}
			if committed := int64(at) < stages[len(stages)-2].size; committed && !r.Damaged {
				t.Fatalf("byte %d: checkpoints behind it are lost, but it passes for an unfinished write: %+v", at, r)
			}
			mustClose(t, s)
		}
	})
}

// TestDamageIsTold: a tired person learns what happened.
func TestDamageIsTold(t *testing.T) {
	path := filepath.Join(memoryDir(t), "db")
	stages := sample(t, path, false)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := stages[2].size + 30
	file[at] ^= 1
	writeFile(t, path, file)
	s := mustOpen(t, path)
	r := s.Recovered()
	lost := r.Lost
	for _, want := range []string{
		"the file is damaged at byte", fmt.Sprintf("of %d: ", len(file)),
		"; lost are 4 checkpoints up to 6 of 2", " UTC; tocsin goes on from checkpoint 2 of 2", "; it is kept in db.damaged-2",
	} {
		before, after, ok := strings.Cut(lost, want)
		if !ok {
			t.Errorf("%q: no %q", r.Lost, want)
		}
		lost = before + after
	}
	if !r.Damaged || r.Checkpoint != 2 || r.Records != 3 || r.Written.IsZero() {
		t.Errorf("%+v", r)
	}
}

// TestShrinkInterrupted: until the new file is whole, the one of before counts.
func TestShrinkInterrupted(t *testing.T) {
	dir := memoryDir(t)
	path := filepath.Join(dir, "db")
	stages := sample(t, path, false)
	before, want := filepath.Join(dir, "before"), stages[len(stages)-1].state
	copyFile(t, before, path)
	s := mustOpen(t, path)
	mustRewrite(t, s)
	mustClose(t, s)
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(after) + 1 {
		copyFile(t, path+oldSuffix, before)
		writeFile(t, path, after[:cut])
		s := mustOpen(t, path)
		wantHeld(t, s, want)
		if s.Recovered().Lost != "" {
			t.Fatalf("the new file ended at %d: %s", cut, s.Recovered().Lost)
		}
		mustClose(t, s)
	}
	copyFile(t, path+oldSuffix, before)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, mustOpen(t, path), want)
}

// TestShrinkEnded: the new file counts as soon as it has what the other has.
func TestShrinkEnded(t *testing.T) {
	path := filepath.Join(memoryDir(t), "db")
	sample(t, path, false)
	copyFile(t, path+oldSuffix, path)
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustCommit(t, s, put("newer", "x"))
	want := held(s)
	mustClose(t, s)
	sample(t, path+"2", false)
	copyFile(t, path+oldSuffix, path+"2")
	wantHeld(t, mustOpen(t, path), want)
}

// FuzzOpen: nothing behind a good store does harm to it.
func FuzzOpen(f *testing.F) {
	path := filepath.Join(memoryDir(f), "db")
	stages := sample(f, path, false)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	for _, st := range stages {
		f.Add(good[st.size:])
	}
	f.Add([]byte("*3\r\n$3\r\nset\r\n$99999999999999\r\n"))
	f.Add([]byte("*1\r\n$7\r\nflushdb\r\n"))
	f.Add([]byte("\x00\x00\x00"))
	f.Add(appendSet(nil, markKey, mark{number: 7, start: int64(len(good))}.seal()))
	f.Fuzz(func(t *testing.T, behind []byte) {
		path := filepath.Join(memoryDir(t), "db")
		writeFile(t, path, append(bytes.Clone(good), behind...))
		s := mustOpen(t, path)
		r := s.Recovered()
		switch {
		case r.Checkpoint < 6:
			t.Errorf("checkpoint 6 is lost: %+v", r)
		case r.Checkpoint == 6 && !maps.Equal(held(s), stages[len(stages)-1].state):
			t.Errorf("the store holds %q", held(s))
		case r.Checkpoint == 6 && len(behind) > 0 && r.Lost == "" && len(asides(t, path)) == 0:
			if now, err := os.ReadFile(path); err != nil || !bytes.HasSuffix(now, behind) {
				t.Errorf("%q is gone without a word: %v", behind, err)
			}
		}
	})
}
