package rules

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/plugins"
)

// The kinds of sources and sinks that the tests declare.
func init() {
	plugins.RegisterSource("graphite", struct {
		Listen    string   `opt:"listen"`
		Templates []string `opt:"templates"`
	}{}, func(plugins.Env, struct {
		Listen    string   `opt:"listen"`
		Templates []string `opt:"templates"`
	}) (engine.Source, error) {
		return noSource{}, nil
	})
	plugins.RegisterSource("collectd", struct {
		Listen string `opt:"listen,required"`
	}{}, func(plugins.Env, struct {
		Listen string `opt:"listen,required"`
	}) (engine.Source, error) {
		return noSource{}, nil
	})
	plugins.RegisterSink("pagerduty", struct {
		RoutingKey plugins.Secret `opt:"routing_key,required"`
	}{}, func(_ plugins.Env, o struct {
		RoutingKey plugins.Secret `opt:"routing_key,required"`
	}) (engine.Sink, error) {
		return noSink{}, nil
	})
	plugins.RegisterSink("led", struct {
		Driver string `opt:"driver"`
		Pixels int    `opt:"pixels"`
	}{}, func(plugins.Env, struct {
		Driver string `opt:"driver"`
		Pixels int    `opt:"pixels"`
	}) (engine.Sink, error) {
		return noSink{}, nil
	})
}

// noSource and noSink are never opened.
type noSource struct{}

func (noSource) Open(context.Context) error              { return nil }
func (noSource) Run(context.Context, engine.Input) error { return nil }
func (noSource) Close() error                            { return nil }

type noSink struct{}

func (noSink) Open(context.Context) error                    { return nil }
func (noSink) Close() error                                  { return nil }
func (noSink) Forward(context.Context, []engine.Event) error { return nil }

func mustLoad(t testing.TB, text string, o Options) *Config {
	t.Helper()
	c, err := LoadString("rules.lua", text, "testdata", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func mustCompile(t testing.TB, text string) *lua.FunctionProto {
	t.Helper()
	proto, err := newChunks(Options{}).compile("chunk.lua", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return proto
}

func TestPlaceOfChainedCall(t *testing.T) {
	_, err := LoadString("x.lua", "local s = events\nevents:where 'true'\n  :by 'host'\n  :wher 'x'\n", ".", Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "x.lua:4: streams have no method \"wher\"; did you mean \"where\"?") {
		t.Errorf("got %v", err)
	}
}

func noSecret(string) (string, bool) { return "", false }

func someSecret(string) (string, bool) { return "s3cr3t", true }

func TestLoadGood(t *testing.T) {
	files, _ := filepath.Glob("testdata/good/*.lua")
	if len(files) < 3 {
		t.Fatalf("found %v", files)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, err := Load(file, Options{Secret: someSecret})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.Start()
			c.Engine.Advance(engine.TimeOf(1.5), 0)
		})
	}
}

// TestLoadBad loads files whose first line tells the error.
func TestLoadBad(t *testing.T) {
	files, _ := filepath.Glob("testdata/bad/*.lua")
	if len(files) < 20 {
		t.Fatalf("found %v", files)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(text), "\n")
			want, ok := strings.CutPrefix(first, "-- error: ")
			if !ok {
				t.Fatalf("the first line tells no error: %s", first)
			}
			c, err := Load(file, Options{Secret: noSecret})
			if err == nil {
				c.Close()
				t.Fatalf("loaded, want %s", want)
			}
			if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "testdata/bad/") {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestSeveralErrors(t *testing.T) {
	_, err := LoadString("x.lua", `rule "a" { every = 1, eval = all("b") } rule "c" { every = 1, eval = all("d") }`, ".", Options{})
	if err == nil || strings.Count(err.Error(), "there is no rule") != 2 {
		t.Errorf("got %v", err)
	}
}

func TestDeclared(t *testing.T) {
	c, err := Load("testdata/good/all.lua", Options{Secret: someSecret})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := c.Sources[0]
	if s.Name != "old" || s.Kind != "graphite" || s.TTL != 2*time.Minute || !slices.Equal(s.Tags, []string{"carbon"}) || s.Through == nil {
		t.Errorf("source %+v", s)
	}
	if s.Pos != "testdata/good/all.lua:3" && s.Pos != "testdata/good/all.lua:4" {
		t.Errorf("source at %s", s.Pos)
	}
	k := c.Sinks[0]
	if k.Name != "strip" || k.Kind != "led" || k.Queue != 10 || k.Full != "block" {
		t.Errorf("sink %+v", k)
	}
	if c.Settings.HTTP != "127.0.0.1:0" || c.Settings.RuleTimeout != 500*time.Millisecond || c.Engine.TTL() != 30*time.Second {
		t.Errorf("settings %+v", c.Settings)
	}
}

// TestThrough sends events through a source's stream into the index.
func TestThrough(t *testing.T) {
	c, err := Load("testdata/good/all.lua", Options{Secret: someSecret})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Start()
	for _, service := range []string{"noise", "cpu"} {
		p := engine.Parts{}
		p.SetHost("a")
		p.SetService(service)
		e := engine.Event{ID: c.Engine.Identities().Tagged(c.Sources[0].Tags).Loose(p)}
		e.SetMetric(1)
		c.ingestFrom(c.Sources[0], &e)
	}
	if got := c.Engine.Index().Lookup("a", "noise"); got != nil {
		t.Errorf("noise was indexed: %s", showEvent(got))
	}
	got := c.Engine.Index().Lookup("a", "cpu")
	if got == nil || got.State != "ok" || got.TTL != 2*time.Minute || !got.ID.Tagged("carbon") {
		t.Errorf("cpu is %v", got)
	}
}

func TestOutputError(t *testing.T) {
	_, err := LoadString("x.lua", "\nsink.led { queue = 5 }", ".", Options{Output: func(s *Sink) (engine.Output, error) {
		return nil, fmt.Errorf("option %q: %d is too little", "queue", s.Queue)
	}})
	if want := `x.lua:2: sink.led: option "queue": 5 is too little`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestEnvironmentSecret(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("TOCSIN_TEST_A", "a")
	if err := os.WriteFile(filepath.Join(dir, "TOCSIN_TEST_B"), []byte("b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"TOCSIN_TEST_A": "a", "TOCSIN_TEST_B": "b"} {
		if got, ok := EnvironmentSecret(name); !ok || got != want {
			t.Errorf("%s: got %q, %v", name, got, ok)
		}
	}
	for _, name := range []string{"TOCSIN_TEST_C", "../TOCSIN_TEST_B"} {
		if _, ok := EnvironmentSecret(name); ok {
			t.Errorf("%s is there", name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.lua", "testdata/bad/*.lua"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "rule_timeout") {
			return // which would let a loop run for as long as it says
		}
		c := newConfig(Options{}, newChunks(Options{}))
		defer c.Close()
		c.watch.limit.Store(int64(50 * time.Millisecond))
		err := c.loadText("x.lua", text, dir)
		if err != nil && !strings.Contains(err.Error(), "x.lua") {
			t.Errorf("an error without a place: %v", err)
		}
		if err == nil {
			c.Start()
			c.Engine.Advance(engine.TimeOf(0.01), 100)
		}
	})
}
