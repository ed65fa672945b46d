package log

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/terminal"
)

func event(t testing.TB, text string) engine.Event {
	e, p, err := engine.ParseJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e.ID = engine.NewIdentities(1).Loose(p)
	return e
}

func TestLine(t *testing.T) {
	local := time.Local
	time.Local = time.FixedZone("test", 2*3600)
	defer func() { time.Local = local }()
	for in, want := range map[string]string{
		`{"host":"app1","service":"http","state":"ok","metric":1,"time":0}`:                                 "02:00:00.000  ok        app1          http                             1\n",
		`{"state":"critical","time":1.0256,"service":"shop","metric":0.7,"description":"3 of 10 are down"}`: "02:00:01.025  critical  -             shop                           0.7  3 of 10 are down\n",
		`{}`: "02:00:00.000  -         -             -                                -\n",
		`{"host":"a-host-that-is-long","service":"é","metric":1234567.89,"time":0}`:             "02:00:00.000  -         a-host-that-is-long  é                         1.23457e+06\n",
		`{"state":"\u001b[2J","host":"a\nb","description":"\u009b1m\u202e\t\\ \"x\"","time":0}`: `02:00:00.000  \x1b[2J   a\nb          -                                -  \u009b1m\u202e\t\ "x"` + "\n",
	} {
		e := event(t, in)
		if got := string(appendLine(nil, &e, terminal.Monochrome)); got != want {
			t.Errorf("%s:\n got %q\nwant %q", in, got, want)
		}
	}
	e := event(t, `{"state":"critical"}`)
	if got := string(appendLine(nil, &e, terminal.Ansi16)); !strings.Contains(got, "\x1b[91mcritical\x1b[0m  -") {
		t.Errorf("got %q", got)
	}
}

func TestForward(t *testing.T) {
	for format, want := range map[string]string{
		"auto": `{"state":"ok","time":0}` + "\n" + `{"host":"a"}` + "\n",
		"json": `{"state":"ok","time":0}` + "\n" + `{"host":"a"}` + "\n",
		"text": "  ok        -             -                                -\n",
	} {
		var out bytes.Buffer
		env := plugins.Env{Name: "log", Terminal: terminal.NewPipe(&out)}
		sink, err := plugins.NewSink("log", env, &plugins.Table{Fields: map[string]any{"format": format}})
		if err != nil {
			t.Fatal(err)
		}
		if err := sink.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		events := []engine.Event{event(t, `{"state":"ok","time":0}`), event(t, `{"host":"a"}`)}
		if err := sink.(engine.Forwarder).Forward(t.Context(), events); err != nil {
			t.Fatal(err)
		}
		if err := sink.Close(); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.Contains(got, want) || strings.Count(got, "\n") != 2 || strings.Contains(got, "\x1b") {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
	}
	_, err := plugins.NewSink("log", plugins.Env{}, &plugins.Table{Pos: "x.lua:1", Fields: map[string]any{"format": "xml"}})
	if err == nil || !strings.Contains(err.Error(), `x.lua:1: sink.log: option "format": "xml" is not known`) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkLine(b *testing.B) {
	e := event(b, `{"host":"app17.example.com","service":"cpu/percent-user","state":"warning","metric":87.5,"time":1700000000,"description":"user time is high"}`)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = appendLine(buf[:0], &e, terminal.TrueColor)
	}
	b.SetBytes(int64(len(buf)))
}
