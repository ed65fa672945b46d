package engine

import (
	"slices"
	"testing"
	"time"
)

// reloaded returns an engine that was loaded from a snapshot of e.
func reloaded(t *testing.T, e *Engine) *Engine {
	t.Helper()
	w := NewSnapshotWriter()
	e.Save(w)
	out := New(e.opts, 0)
	r, err := NewSnapshotReader(w.Bytes(), out.ids)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Load(r); err != nil {
		t.Fatal(err)
	}
	return out
}

func snapshotEngine(forget time.Duration) *Engine {
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

// TestSnapshotKeepsEntries: entries come back as they were, expired ones too,
// and expire when they would have.
func TestSnapshotKeepsEntries(t *testing.T) {
	e := snapshotEngine(time.Minute)
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

// TestSnapshotKeepsLongest: an entry that expires after the load still counts
// for a standing query that asks for longer, and that nobody has asked again.
func TestSnapshotKeepsLongest(t *testing.T) {
	e := snapshotEngine(10 * time.Second)
	e.Index().Set("all", nil, time.Hour)
	loaded := reloaded(t, e)
	loaded.Advance(loaded.now.Add(5*time.Minute), 0)
	if n := loaded.Index().Set("all", nil, time.Hour).Len(); n != 2 {
		t.Errorf("the set has %d events, want the 2 that have expired since", n)
	}
}

// TestSnapshotWithFewerIdentities: what there is no room for any more is left
// out and counted.
func TestSnapshotWithFewerIdentities(t *testing.T) {
	e := snapshotEngine(time.Minute)
	w := NewSnapshotWriter()
	e.Save(w)
	small := New(Options{Identities: 2}, 0)
	r, err := NewSnapshotReader(w.Bytes(), small.ids)
	if err != nil {
		t.Fatal(err)
	}
	if err := small.Load(r); err != nil || r.Skipped() != 1 || small.index.Len() != 2 {
		t.Errorf("%v; %d were skipped, %d loaded; want 1, 2", err, r.Skipped(), small.index.Len())
	}
}

func TestLoadIntoRunningEngine(t *testing.T) {
	e := snapshotEngine(time.Minute)
	w := NewSnapshotWriter()
	e.Save(w)
	r, err := NewSnapshotReader(w.Bytes(), e.ids)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Load(r); err == nil {
		t.Error("a snapshot was loaded into an engine that has run")
	}
}
