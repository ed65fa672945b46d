package engine

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// recordsOf returns all records of e.
func recordsOf(e *Engine) RecordMap {
	c := Checkpoint{Whole: true}
	e.Save(&c)
	m := make(RecordMap)
	m.Apply(&c)
	return m
}

// reloaded returns an engine that was loaded from the records of e.
func reloaded(t *testing.T, e *Engine) *Engine {
	t.Helper()
	out := New(e.opts, 0)
	if err := out.Load(NewLoading(recordsOf(e), out.ids)); err != nil {
		t.Fatal(err)
	}
	return out
}

func savedEngine(forget time.Duration) *Engine {
	e := New(Options{TTL: 10 * time.Second, Forget: forget}, 0)
	e.Advance(TimeOf(100), 0)
	for _, service := range []string{"a", "b", "c"} {
		ev := Event{ID: e.ids.Loose(serviceParts(service, "rack", "1"))}
		ev.SetState("ok")
		ev.SetMetric(1.5)
		e.Ingest(&ev)
		e.Advance(e.now.Add(4*time.Second), 0)
	}
	return e // a has expired
}

// TestRecordsKeepsEntries: entries come back as they were, expired ones too,
// and expire when they would have.
func TestRecordsKeepsEntries(t *testing.T) {
	e := savedEngine(time.Minute)
	for step := range 4 {
		loaded := reloaded(t, e)
		if got, want := shownEntries(loaded), shownEntries(e); !slices.Equal(got, want) {
			t.Fatalf("step %d:\n got %q\nwant %q", step, got, want)
		}
		if loaded.Now() != e.Now() || loaded.wheel.Len() != e.wheel.Len() || loaded.ids.Len() != e.ids.Len() {
			t.Fatalf("step %d: the clock stands at %v, %d timers are set, there are %d identities; want %v, %d, %d",
				step, loaded.Now(), loaded.wheel.Len(), loaded.ids.Len(), e.Now(), e.wheel.Len(), e.ids.Len())
		}
		e.Advance(e.now.Add(20*time.Second), 0)
		loaded.Advance(loaded.now.Add(20*time.Second), 0)
		if got, want := shownEntries(loaded), shownEntries(e); !slices.Equal(got, want) {
			t.Fatalf("20 s after step %d:\n got %q\nwant %q", step, got, want)
		}
	}
}

func shownEntries(e *Engine) []string {
	var out []string
	e.index.EachEntry(func(entry *Entry) {
		out = append(out, string(AppendJSON(nil, &entry.Event))+" "+entry.deadline.Wall().String())
	})
	return out
}

// TestRecordsKeepsLongest: an entry that expires after the load still counts
// for a standing query that asks for longer, and that nobody has asked again.
func TestRecordsKeepsLongest(t *testing.T) {
	e := savedEngine(10 * time.Second)
	e.Index().Set("all", nil, time.Hour)
	loaded := reloaded(t, e)
	loaded.Advance(loaded.now.Add(5*time.Minute), 0)
	if n := loaded.Index().Set("all", nil, time.Hour).Len(); n != 2 {
		t.Errorf("the set has %d events, want the 2 that have expired since", n)
	}
}

// TestRecordsWithFewerIdentities: what there is no room for any more is left
// out and counted.
func TestRecordsWithFewerIdentities(t *testing.T) {
	e := savedEngine(time.Minute)
	small := New(Options{Identities: 2}, 0)
	l := NewLoading(recordsOf(e), small.ids)
	if err := small.Load(l); err != nil || l.Skipped() != 1 || small.index.Len() != 2 {
		t.Errorf("%v; %d were skipped, %d loaded; want 1, 2", err, l.Skipped(), small.index.Len())
	}
}

func TestLoadIntoRunningEngine(t *testing.T) {
	e := savedEngine(time.Minute)
	if err := e.Load(NewLoading(recordsOf(e), e.ids)); err == nil {
		t.Error("records were loaded into an engine that has run")
	}
}

// TestCheckpointRecords: the records of a whole checkpoint are those that a map
// has of it.
func TestCheckpointRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Checkpoint{Whole: true}
		keys := rapid.SliceOfDistinct(rapid.StringMatching(`[ab]{0,3}`), rapid.ID[string]).Draw(t, "keys")
		for _, key := range keys {
			c.Put(key, func(w *RecordWriter) { w.Text("of " + key) })
		}
		want := make(RecordMap)
		want.Apply(&c)
		got := c.Records()
		for _, prefix := range []string{"", "a", "ab", "b", "bbbb"} {
			list := func(r Records) (out []string) {
				r.Each(prefix, func(key, value string) { out = append(out, key+"="+value) })
				return out
			}
			if !slices.Equal(list(got), list(want)) {
				t.Fatalf("under %q: %q, want %q", prefix, list(got), list(want))
			}
			value, ok := got.Get(prefix)
			if wanted, is := want.Get(prefix); ok != is || value != wanted {
				t.Fatalf("%q: %q, %v", prefix, value, ok)
			}
		}
	})
}
