package led

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/terminal"
)

// event makes one of "HOST STATE" or "HOST STATE PIXEL".
func event(text string) engine.Event {
	words := strings.Fields(text)
	var p engine.Parts
	p.SetHost(words[0])
	if len(words) > 2 {
		p.SetAttr("pixel", words[2])
	}
	e := engine.Event{ID: engine.NewIdentities(1).Loose(p)}
	e.SetState(words[1])
	return e
}

func newSink(t *testing.T, pixels int) (*Sink, *bytes.Buffer) {
	t.Helper()
	out := &bytes.Buffer{}
	env := plugins.Env{Name: "strip", Metrics: metrics.NewSet(), Terminal: terminal.NewPipe(out)}
	sink, err := plugins.NewSink("led", env, &plugins.Table{Fields: map[string]any{"pixels": float64(pixels)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sink.Close() })
	return sink.(*Sink), out
}

// letters shows a strip as letters.
func letters(s *strip) string {
	var out strings.Builder
	for _, p := range s.pixels {
		mark, _ := look(p, terminal.Monochrome)
		out.WriteRune(mark)
	}
	return out.String()
}

func TestPixels(t *testing.T) {
	s, _ := newSink(t, 5)
	for i, step := range []struct{ events, want string }{
		{"a ok, b critical", "oC..."},
		{"b ok, c warning, a expired", "xoW.."},
		{"z fine 2", "x+Wo."}, // b moves on
		{"d unknown, b expired", "x+WxU"},
		{"e ok", "o+WxU"},       // a has been expired for longest
		{"f ok", "o+WoU"},       // then b
		{"g critical", "o+WoU"}, // no pixel left
		{"c ok, z critical 2, y ok 1", "oCooU"},
		{"e critical", "oCooU"}, // its pixel has been taken, and all others are live
		{"d expired, e critical", "oCooC"},
	} {
		var wishes []engine.Event
		for _, text := range strings.Split(step.events, ", ") {
			wishes = append(wishes, event(text))
		}
		if err := s.Actuate(t.Context(), wishes); err != nil {
			t.Fatal(err)
		}
		if got := letters(s.strip); got != step.want {
			t.Fatalf("step %d, %s: got %s, want %s", i, step.events, got, step.want)
		}
	}
	if n := s.unplaced.Get(); n != 2 {
		t.Errorf("%d events found no pixel, want 2", n)
	}
	if len(s.strip.place) > 5 {
		t.Errorf("%d identities on 5 pixels", len(s.strip.place))
	}
}

func TestTarget(t *testing.T) {
	s, _ := newSink(t, 5)
	for text, want := range map[string]string{
		"a ok": "1 a ", "a ok 1": "pixel 1", "a ok 5": "pixel 5", "a ok 05": "pixel 5",
		"a ok 0": "", "a ok 6": "", "a ok -1": "", "a ok x": "", "a ok 1.5": "",
	} {
		e := event(text)
		if got := s.Target(&e); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestPaint(t *testing.T) {
	d := &terminalDriver{strip: make([]Pixel, 6)}
	for i, state := range []string{"ok", "ok", "critical", "expired"} {
		d.strip[i] = Pixel{Lit: true, State: state, Color: terminal.StateColor(state)}
	}
	for _, c := range []struct {
		width  int
		colors terminal.Colors
		want   string
	}{
		{80, terminal.Monochrome, "ooCx..  1 critical, 1 expired, 4 lit\n"},
		{20, terminal.Monochrome, "ooCx..  1 critical\n"},
		{4, terminal.Monochrome, "ooCx\n..\n"},
		{80, terminal.Ansi16, "\x1b[32m██\x1b[91m█\x1b[90m█\x1b[90m..\x1b[0m  1 critical, 1 expired, 4 lit\n"},
		{3, terminal.Ansi16, "\x1b[32m██\x1b[91m█\x1b[0m\n\x1b[90m█\x1b[90m..\x1b[0m\n"},
		{6, terminal.TrueColor, "\x1b[38;2;0;200;60m██\x1b[38;2;255;40;30m█\x1b[38;2;90;90;90m█\x1b[38;2;60;60;60m..\x1b[0m\n"},
		{6, terminal.Ansi256, "\x1b[38;5;41m██\x1b[38;5;196m█\x1b[38;5;240m█\x1b[38;5;237m..\x1b[0m\n"},
	} {
		if got := string(d.paint(nil, c.width, c.colors)); got != c.want {
			t.Errorf("%d columns, colours %d:\n got %q\nwant %q", c.width, c.colors, got, c.want)
		}
	}
}

// TestBehindItsOutlet runs the sink as the engine does, into a pipe.
func TestBehindItsOutlet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink, out := newSink(t, 4)
		o, err := engine.NewOutlet(engine.OutletOptions{Name: "strip", Sink: sink, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		var running sync.WaitGroup
		running.Go(func() { o.Run(context.Background()) })
		for i := range 100 {
			e := event(fmt.Sprintf("h%d %s", i%3, []string{"ok", "critical"}[i%2]))
			o.PutEvent(&e)
			o.Flush()
			time.Sleep(10 * time.Millisecond)
		}
		if err := o.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		running.Wait()
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if n := len(lines); n != 2 || lines[0] != "strip: ....  0 lit" || lines[n-1] != "strip: CCo.  2 critical, 3 lit" {
			t.Errorf("got %q", lines)
		}
	})
}

func TestOptions(t *testing.T) {
	for name, c := range map[string]struct {
		fields map[string]any
		want   string
	}{
		"driver": {map[string]any{"driver": "neon"}, `x.lua:1: sink.led: option "driver": no such driver "neon"; there is "terminal"`},
		"none":   {map[string]any{"pixels": 0.0}, `option "pixels": 0 is not from 1 to 10000`},
		"many":   {map[string]any{"pixels": 1e6}, `option "pixels": 1000000 is not from`},
	} {
		_, err := plugins.NewSink("led", plugins.Env{Metrics: metrics.NewSet()}, &plugins.Table{Pos: "x.lua:1", Fields: c.fields})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
