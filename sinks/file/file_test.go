package file

import (
	"bufio"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tocsin/engine"
	"tocsin/plugins"
)

func events(services ...string) []engine.Event {
	out := make([]engine.Event, len(services))
	for i, service := range services {
		var p engine.Parts
		p.SetService(service)
		out[i].ID = engine.NewIdentities(1).Loose(p)
	}
	return out
}

func open(t *testing.T, dir, path string) *Sink {
	t.Helper()
	sink, err := New(plugins.Env{Dir: dir}, Options{Path: path, Format: "json"})
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sink.Close() })
	return sink
}

func forward(t *testing.T, s *Sink, services ...string) {
	t.Helper()
	if err := s.Forward(t.Context(), events(services...)); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s holds\n%swant\n%s", filepath.Base(path), got, want)
	}
}

func line(service string) string { return `{"service":"` + service + "\"}\n" }

func TestForward(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "events.json")
	forward(t, open(t, dir, "events.json"), "a", "b")
	forward(t, open(t, "/nowhere", path), "c")
	wantFile(t, path, line("a")+line("b")+line("c"))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&^0o644 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, "events")
	path := s.path
	forward(t, s, "a")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	forward(t, s, "b")
	if err := s.Reopen(); err != nil {
		t.Fatal(err)
	}
	forward(t, s, "c")
	s.path = filepath.Join(dir, "gone", "events")
	if err := s.Reopen(); err == nil {
		t.Error("reopened in a folder that is not there")
	}
	forward(t, s, "d")
	wantFile(t, path+".1", line("a")+line("b"))
	wantFile(t, path, line("c")+line("d"))
}

func TestAppendsToABrokenLine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "events")
	if err := os.WriteFile(path, []byte(`{"service":"hal`), 0o644); err != nil {
		t.Fatal(err)
	}
	forward(t, open(t, dir, "events"), "a")
	forward(t, open(t, dir, "events"), "b")
	wantFile(t, path, `{"service":"hal`+"\n"+line("a")+line("b"))
}

// limitFiles has the kernel refuse to let any file of the process grow beyond
// size bytes, which cuts a write short as a full disk does.
func limitFiles(t *testing.T, size uint64) (lift func()) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	}
}

func TestDiskFillsUp(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, "events")
	forward(t, s, "a")
	for _, room := range []int{0, 5, len(line("b")), len(line("b")) + 5} {
		lift := limitFiles(t, uint64(len(line("a"))+room))
		err := s.Forward(t.Context(), events("b", "c"))
		lift()
		if err == nil || engine.IsPermanent(err) || !strings.Contains(err.Error(), s.path) {
			t.Fatalf("room for %d bytes: got %v", room, err)
		}
		wantFile(t, s.path, line("a"))
	}
	forward(t, s, "b", "c")
	wantFile(t, s.path, line("a")+line("b")+line("c"))
}

func TestDeviceFull(t *testing.T) {
	s := open(t, "", "/dev/full")
	if err := s.Forward(t.Context(), events("a")); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v", err)
	}
}

// TestHalfWrittenPipe writes half a batch into a pipe, which cannot be cut
// back: the next batch begins on a line of its own.
func TestHalfWrittenPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := &Sink{file: w, buf: []byte(line("a") + line("b"))}
	if _, err := w.Write(s.buf[:5]); err != nil {
		t.Fatal(err)
	}
	s.undo(5)
	forward(t, s, "a", "b")
	forward(t, s, "c")
	w.Close()
	var got []string
	for lines := bufio.NewScanner(r); lines.Scan(); {
		got = append(got, lines.Text()+"\n")
	}
	if want := `{"ser` + "\n" + line("a") + line("b") + line("c"); strings.Join(got, "") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		fields map[string]any
		want   string
	}{
		"no path":    {map[string]any{}, `x.lua:1: sink.file: option "path" is missing`},
		"empty path": {map[string]any{"path": ""}, `option "path" is empty`},
		"format":     {map[string]any{"path": "x", "format": "xml"}, `option "format": "xml" is not known; there is "json"`},
	} {
		_, err := plugins.NewSink("file", plugins.Env{}, &plugins.Table{Pos: "x.lua:1", Fields: c.fields})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	s, err := New(plugins.Env{Dir: t.TempDir()}, Options{Path: "no/such/folder", Format: "json"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "no/such/folder: no such file") {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s.path = filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(s.path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Open(t.Context()); err == nil {
		t.Error("opened a named pipe that nobody reads")
	}
}

func BenchmarkForward(b *testing.B) {
	s, err := New(plugins.Env{}, Options{Path: os.DevNull, Format: "json"})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := make([]engine.Event, 1000)
	for i := range batch {
		batch[i] = events("cpu/percent-user")[0]
		batch[i].SetMetric(float64(i))
		batch[i].SetTime(1_700_000_000_000_000_000)
	}
	if err := s.Forward(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(s.buf)))
	for b.Loop() {
		if err := s.Forward(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
}
