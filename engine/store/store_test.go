package store

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/engine"
)

// put makes a checkpoint of pairs of a key and a value.
func put(pairs ...string) *engine.Checkpoint {
	c := &engine.Checkpoint{}
	for i := 0; i < len(pairs); i += 2 {
		c.Put(pairs[i], func(w *engine.RecordWriter) { w.Text(pairs[i+1]) })
	}
	return c
}

func mustOpen(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, s) })
	return s
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func mustCommit(t testing.TB, s *Store, c *engine.Checkpoint) {
	t.Helper()
	if err := s.Commit(c); err != nil {
		t.Fatal(err)
	}
}

// mustRewrite shrinks the store, however long its file is.
func mustRewrite(t testing.TB, s *Store) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.rewrite(), s.measure()); err != nil {
		t.Fatal(err)
	}
}

// held returns what the store holds.
func held(s *Store) engine.RecordMap {
	m := engine.RecordMap{}
	s.Each("", func(key, value string) { m[key] = value })
	return m
}

func wantHeld(t testing.TB, s *Store, want engine.RecordMap) {
	t.Helper()
	if got := held(s); !maps.Equal(got, want) {
		t.Fatalf("the store holds %q, want %q", got, want)
	}
	if s.records != len(want) {
		t.Fatalf("the store counts %d records, want %d", s.records, len(want))
	}
}

func copyFile(t testing.TB, to, from string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, data)
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCommit: what was committed is there when the store is opened again, as a
// map of records has it.
func TestCommit(t *testing.T) {
	tmp := memoryDir(t)
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(tmp, "")
		if err != nil {
			r.Fatal(err)
		}
		path := filepath.Join(dir, "db")
		want := engine.RecordMap{}
		s := mustOpen(t, path)
		c := &engine.Checkpoint{}
		for range rapid.IntRange(1, 6).Draw(r, "checkpoints") {
			c.Reset()
			c.Whole = rapid.IntRange(0, 3).Draw(r, "whole") == 0
			for range rapid.IntRange(0, 6).Draw(r, "changes") {
				key := rapid.SampledFrom([]string{"", "a", "a\x00b", "ab", "b", "\xff"}).Draw(r, "key")
				switch rapid.IntRange(0, 4).Draw(r, "change") {
				case 0:
					c.Remove(key)
				case 1:
					c.Drop(key)
				default:
					value := rapid.SampledFrom([]string{"", "x", "\r\n*2\r\n"}).Draw(r, "value")
					c.Put(key, func(w *engine.RecordWriter) { w.Text(value) })
				}
			}
			mustCommit(t, s, c)
			want.Apply(c)
			wantHeld(t, s, want)
		}
		mustClose(t, s)
		s = mustOpen(t, path)
		wantHeld(t, s, want)
		if lost := s.Recovered().Lost; lost != "" {
			r.Errorf("lost: %s", lost)
		}
		mustClose(t, s)
	})
}

func TestGet(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	mustCommit(t, s, put("a", "", "a\x00b", "x"))
	for key, want := range map[string]string{"a": "\x00", "a\x00b": "\x01x", "b": "", "": "", "+": ""} {
		value, ok := s.Get(key)
		if value != want || ok != (want != "") {
			t.Errorf("Get(%q) = %q, %v, want %q", key, value, ok, want)
		}
	}
}

// TestEach: records come in the order of their keys, page by page, and who is
// called may read others.
func TestEach(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	const n = 2*eachRecords + 1
	c := put("j", "", "l", "")
	for i := range n {
		c.Put(fmt.Sprintf("k%05d", i), func(w *engine.RecordWriter) { w.Int(i) })
	}
	mustCommit(t, s, c)
	i := 0
	s.Each("k", func(key, value string) {
		got, _ := s.Get(key)
		if want := fmt.Sprintf("k%05d", i); key != want || got != value {
			t.Fatalf("record %d is %q, want %q; Get returns %q, Each %q", i, key, want, got, value)
		}
		i++
	})
	if i != n {
		t.Errorf("Each calls for %d records, want %d", i, n)
	}
}

// TestCommitKeepsNoBuffer: the checkpoint may be used for something else.
func TestCommitKeepsNoBuffer(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	c := put("a", "first")
	mustCommit(t, s, c)
	c.Reset()
	c.Put("b", func(w *engine.RecordWriter) { w.Text("other") })
	wantHeld(t, s, engine.RecordMap{"a": "\x05first"})
}

// TestUnchanged: what is as it was costs nothing in the file.
func TestUnchanged(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "db"))
	c := put("a", "x", "b", "y")
	mustCommit(t, s, c)
	size := s.size
	c.Whole = true
	mustCommit(t, s, c)
	mustCommit(t, s, &engine.Checkpoint{})
	if s.size != size || s.last.number != 1 {
		t.Errorf("the file has %d bytes and checkpoint %d, want %d and 1", s.size, s.last.number, size)
	}
}

func TestOpenRefuses(t *testing.T) {
	head := func(text string) string { return string(appendSet(nil, headKey, seal(headKey, []byte(text)))) }
	for name, tc := range map[string]struct{ content, want string }{
		"text":          {"local events = source.collectd {}\n", "not a store of tocsin"},
		"short text":    {"hello", "not a store of tocsin"},
		"other buntdb":  {string(appendSet(nil, "mykey", strings.Repeat("x", 100))), "not a store of tocsin"},
		"newer format":  {head("format 2 records 1"), "written by a newer version of tocsin; run that, or move the file away to begin anew"},
		"newer records": {head(fmt.Sprintf("format 1 records %d", engine.RecordsVersion+1)), "newer version of tocsin"},
		"other head":    {head("something else that is long enough"), "versions cannot be read"},
	} {
		path := filepath.Join(t.TempDir(), "db")
		writeFile(t, path, []byte(tc.content))
		s, err := Open(path, Options{})
		if err == nil {
			mustClose(t, s)
			t.Errorf("%s: opened", name)
			continue
		}
		if prefix := fmt.Sprintf("cannot open store %q: ", path); !strings.HasPrefix(err.Error(), prefix) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		if now, _ := os.ReadFile(path); string(now) != tc.content {
			t.Errorf("%s: the file was touched", name)
		}
	}
	if _, err := Open(t.TempDir(), Options{}); err == nil {
		t.Error("a folder was opened")
	}
}

func TestOpenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	s := mustOpen(t, path)
	_, err := Open(path, Options{})
	if want := fmt.Sprintf("cannot open store %q: another tocsin has it open", path); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	mustClose(t, s)
	mustOpen(t, path)
	if err := s.Commit(put("a", "x")); !errors.Is(err, errClosed) {
		t.Errorf("a commit after Close: %v", err)
	}
}

// TestSyncFails: what may not be on the disk is written anew.
func TestSyncFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	s := mustOpen(t, path)
	mustCommit(t, s, put("a", "x"))
	if err := s.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(put("b", "y")); err == nil {
		t.Fatal("a commit that was not synced succeeds")
	}
	c := put("a", "x", "b", "y")
	c.Whole = true
	mustCommit(t, s, c)
	mustCommit(t, s, put("c", "z"))
	mustClose(t, s)
	s = mustOpen(t, path)
	wantHeld(t, s, engine.RecordMap{"a": "\x01x", "b": "\x01y", "c": "\x01z"})
	if s.Recovered().Lost != "" {
		t.Error(s.Recovered().Lost)
	}
}
