package collectd

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	vm "github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
	"tocsin/plugins"
)

func TestAuthFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := &authFile{path: path}
	write("# who may send\n\n  alice: pass: word \nbob:b\r\n")
	users, err := f.read()
	if err != nil || len(users) != 2 {
		t.Fatalf("got %d users, %v", len(users), err)
	}
	h := newHarness(DecoderOptions{Users: users, Security: Sign})
	p := packet(nil).from("h", "p", "gauge", "", 1).values(1.0)
	wantMetrics(t, h.decode(sign("alice", "pass: word ", p)), 1)
	wantMetrics(t, h.decode(sign("bob", "b", p)), 1)
	h.want(t)

	if f.changed() {
		t.Error("changed, though nobody touched it")
	}
	write("alice: another one\n")
	if !f.changed() {
		t.Error("not changed, though it is shorter")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if f.changed() {
		t.Error("changed, though it is only away")
	}
}

func TestAuthFileErrorsDoNotShowPasswords(t *testing.T) {
	for _, text := range []string{"alice: fine\nhunter2\n", "alice: fine\n: hunter2\n", "hunter2: ok\nhunter2:\n"} {
		path := filepath.Join(t.TempDir(), "auth")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := (&authFile{path: path}).read()
		if err == nil || err.Error() != path+`:2: expected "user: password"` {
			t.Errorf("got %v", err)
		}
	}
}

func TestReadRecord(t *testing.T) {
	file := []byte{0, 0, 0, 2, 'a', 'b', 0, 0, 0, 0, 0, 0, 0, 1, 'c'}
	r := bytes.NewReader(file)
	buf := make([]byte, 0, 1)
	for _, want := range []string{"ab", "", "c"} {
		got, err := readRecord(r, buf)
		if err != nil || string(got) != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
		buf = got
	}
	if _, err := readRecord(r, buf); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	for _, bad := range []string{"\x00\x00", "\x00\x00\x00\x03ab"} {
		if _, err := readRecord(strings.NewReader(bad), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	if _, err := readRecord(strings.NewReader("\x00\x01\x00\x00"), nil); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a record of 64 KiB: got %v", err)
	}
}

func TestIsRecording(t *testing.T) {
	for _, name := range []string{"none.dgrams", "sign.dgrams", "encrypt.dgrams"} {
		head, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if !isRecording(head[:12]) {
			t.Errorf("%s is not recognized", name)
		}
	}
	for _, text := range []string{"", "short", `{"host":"a","service":"b"}`, "shop.app.app3.http 1 1700000000\n", "\x00\x00\x00\x40\x80\x02]q\x00(X\x00\x00\x00"} {
		if isRecording([]byte(text)) {
			t.Errorf("%q is recognized", text)
		}
	}
}

// A recording is read by the options of the source, and without passwords too.
func TestReadRecording(t *testing.T) {
	for _, c := range []struct {
		file    string
		options map[string]any // nil: there is no source
		events  int
		skipped map[string]int
	}{
		{"none.dgrams", nil, 341, map[string]int{"nan": 3, "first": 62}},
		{"none.dgrams", map[string]any{"rates": false}, 403, map[string]int{"nan": 3}},
		{"sign.dgrams", map[string]any{"rates": false, "security": "sign", "users": secrets(password)}, 181, nil},
		{"sign.dgrams", map[string]any{"rates": false, "security": "sign", "users": secrets("")}, 181, nil},
		{"sign.dgrams", map[string]any{"rates": false, "users": secrets("guess")}, 0, map[string]int{`bad_signature: "alice"`: 8}},
		{"encrypt.dgrams", map[string]any{"rates": false, "users": secrets(password)}, 280, nil},
		{"encrypt.dgrams", nil, 0, map[string]int{`unknown_user: "alice"`: 7}},
	} {
		f, err := os.Open(filepath.Join("testdata", c.file))
		if err != nil {
			t.Fatal(err)
		}
		events, skipped := 0, make(map[string]int)
		env := plugins.RecordingEnv{
			Identities: engine.NewIdentities(1 << 20),
			Emit:       func(*engine.Event) error { events++; return nil },
			Skipped: func(err error) {
				_, reason, _ := strings.Cut(err.Error(), ": ")
				skipped[reason]++
			},
		}
		if c.options != nil {
			env.Source = build(t, c.options)
		}
		format, r, err := plugins.SniffRecording(f)
		if err != nil || format.Name != "collectd" {
			t.Fatalf("%s is taken for %q, %v", c.file, format.Name, err)
		}
		if err := format.Read(r, env); err != nil {
			t.Errorf("%s: %v", c.file, err)
		}
		if events != c.events || !maps.Equal(skipped, c.skipped) {
			t.Errorf("%s %v: got %d events, skipped %v; want %d, %v", c.file, c.options, events, skipped, c.events, c.skipped)
		}
		f.Close()
	}
}

func secrets(password string) *plugins.Table {
	return &plugins.Table{Fields: map[string]any{"alice": plugins.NewSecret("KEY", password)}}
}

func build(t *testing.T, options map[string]any) engine.Source {
	t.Helper()
	env := plugins.Env{Name: "net", Logger: slog.New(slog.DiscardHandler), Metrics: vm.NewSet()}
	s, err := plugins.NewSource("collectd", env, &plugins.Table{Pos: "x.lua:1", Fields: options})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRecordingStopsAtAnError(t *testing.T) {
	f, err := os.Open("testdata/none.dgrams")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	enough := errors.New("enough")
	calls := 0
	err = readRecording(f, plugins.RecordingEnv{
		Identities: engine.NewIdentities(1 << 20), Skipped: func(error) {},
		Emit: func(*engine.Event) error {
			if calls++; calls == 5 {
				return enough
			}
			return nil
		},
	})
	if !errors.Is(err, enough) || calls != 5 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}
