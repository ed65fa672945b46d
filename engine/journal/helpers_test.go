package journal

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
)

const second = engine.Time(time.Second)

// rig appends batches to a journal, as a runner would.
type rig struct {
	*testing.T
	dir     string
	journal *Journal
	input   engine.Input
	log     strings.Builder
	told    []string
	set     *metrics.Set
}

func newRig(t *testing.T, dir string, o Options) *rig {
	t.Helper()
	r := &rig{T: t, dir: dir, set: metrics.NewSet()}
	r.input = engine.NewRunner(engine.New(engine.Options{}, 0), nil).Input(engine.InputOptions{Name: "graphite"})
	o.Metrics = r.set
	o.Logger = slog.New(slog.NewTextHandler(&r.log, nil))
	var mu sync.Mutex
	o.Notify = func(service, description string, _ ...engine.Attr) {
		mu.Lock()
		defer mu.Unlock()
		r.told = append(r.told, service+": "+description)
	}
	var err error
	if r.journal, err = Open(dir, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.close() })
	return r
}

func (r *rig) close() {
	r.Helper()
	if err := r.journal.Close(); err != nil {
		r.Error(err)
	}
}

// batch makes a batch of n events at now. Its number decides what they are.
func (r *rig) batch(position uint64, now engine.Time, n int) *engine.Batch {
	b := r.input.Batch()
	for i := range n {
		p := engine.Parts{Tags: []string{"tag"}, Attrs: []engine.Attr{{Key: "dc", Value: "east"}}}
		p.SetHost(fmt.Sprintf("host%d", position))
		p.SetService(fmt.Sprintf("service %d", i))
		id, err := r.input.Identities().Intern(p)
		if err != nil {
			r.Fatal(err)
		}
		e := b.Add(id)
		e.SetTime(now - engine.Time(i))
		e.SetMetric(float64(position))
		e.SetState("ok")
		e.SetTTL(time.Minute)
		e.SetDescription(strings.Repeat("x", int(position%3)))
	}
	return b
}

// at is when a batch was served, after some downtime.
func at(position uint64, now engine.Time) engine.Served {
	return engine.Served{Position: position, Now: now, Downtime: time.Duration(position / 2)}
}

// send appends a batch without waiting for it.
func (r *rig) send(position uint64, now engine.Time, n int) <-chan error {
	done := make(chan error, 1)
	b := r.batch(position, now, n)
	b.Done = func(err error) { done <- err }
	r.journal.Append(b, at(position, now))
	return done
}

// append appends a batch and waits until it is durable.
func (r *rig) append(position uint64, now engine.Time, n int) {
	r.Helper()
	if err := <-r.send(position, now, n); err != nil {
		r.Fatal(err)
	}
}

// want is what reading gives of batches that append wrote.
func (r *rig) want(positions ...uint64) (out []string) {
	for _, position := range positions {
		b := r.batch(position, engine.Time(position)*second, 2)
		out = append(out, shown(&engine.Logged{Served: at(position, engine.Time(position)*second), Source: "graphite", Events: b.Events}))
	}
	return out
}

func shown(l *engine.Logged) string {
	s := fmt.Sprint(l.Position, " ", l.Now, " ", l.Downtime, " ", l.Source)
	for i := range l.Events {
		s += " " + string(engine.AppendJSON(nil, &l.Events[i]))
	}
	return s
}

// readAll reads a folder, and returns what was told to be bad too.
func readAll(dir string, o ReadOptions) (batches, bad []string, err error) {
	o.Identities = engine.NewIdentities(10_000)
	o.Bad = func(err error) { bad = append(bad, err.Error()) }
	err = Read(dir, o, func(l *engine.Logged) error { batches = append(batches, shown(l)); return nil })
	return batches, bad, err
}

func (r *rig) wantRead(o ReadOptions, want []string, wantBad ...string) {
	r.Helper()
	got, bad, err := readAll(r.dir, o)
	if err != nil {
		r.Fatal(err)
	}
	if !slices.Equal(got, want) {
		r.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	matched := len(bad) == len(wantBad)
	for i := range bad {
		matched = matched && strings.Contains(bad[i], wantBad[i])
	}
	if !matched {
		r.Errorf("told %q, want %q", bad, wantBad)
	}
}

// counted returns the value of a counter.
func (r *rig) counted(name string) uint64 { return r.set.GetOrCreateCounter(name).Get() }

// files are the names in the folder.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// small makes a folder with one segment of four blocks, batches 1 to 4 of two
// events each, and returns its bytes.
func small(t *testing.T) (path string, data []byte) {
	t.Helper()
	r := newRig(t, t.TempDir(), Options{})
	for position := range uint64(4) {
		r.append(position+1, engine.Time(position+1)*second, 2)
	}
	r.close()
	path = filepath.Join(r.dir, segmentName(1))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, data
}
