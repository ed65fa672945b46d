package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"
)

// replayRules send to two sinks, by event, by time and as lists.
const replayRules = `
source.graphite { templates = { "shop.* .role.host.service*" }, tags = { "g" } }
source.collectd {}
local a = sink.log { name = "a" }
local b = sink.file { name = "b \"quoted\"", path = "/nowhere/at/all" }
events:where 'service = "http"':to(a)
events:where 'service =~ "cpu/%"':to(b)
events:where 'service = "http"':batch(2, 10):to(b)
rule "hosts" { every = 1, eval = function() return { state = "ok", metric = index 'not service = "hosts"':distinct "host" } end }
events:where 'service = "hosts"':changed "metric":to(a)
`

func TestReplay(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", replayRules)
	lines := `{"host":"x","service":"http","metric":1,"time":1700000000}
{"host":"y","service":"http","time":"2023-11-14T22:13:22Z"}
{"host":
{"host":"z","service":"http","time":1700000003.5}
`
	fromLines := `{"sink":"a","event":{"host":"x","service":"http","time":1700000000,"metric":1}}
{"sink":"a","event":{"service":"hosts","state":"ok","time":1700000001,"metric":1,"ttl":3}}
{"sink":"a","event":{"host":"y","service":"http","time":1700000002}}
{"sink":"b \"quoted\"","events":[{"host":"x","service":"http","time":1700000000,"metric":1},{"host":"y","service":"http","time":1700000002}]}
{"sink":"a","event":{"service":"hosts","state":"ok","time":1700000003,"metric":2,"ttl":3}}
{"sink":"a","event":{"host":"z","service":"http","time":1700000003.5}}
`
	graphite := "shop.app.x.http 1 1700000000\nshop.app.y.http nan 1700000000\nshop.app.y.http 0 1700000002\n"
	fromGraphite := `{"sink":"a","event":{"host":"x","service":"http","time":1700000000,"metric":1,"tags":["g"],"role":"app"}}
{"sink":"a","event":{"service":"hosts","state":"ok","time":1700000001,"metric":1,"ttl":3}}
{"sink":"a","event":{"host":"y","service":"http","time":1700000002,"metric":0,"tags":["g"],"role":"app"}}
{"sink":"b \"quoted\"","events":[{"host":"x","service":"http","time":1700000000,"metric":1,"tags":["g"],"role":"app"},{"host":"y","service":"http","time":1700000002,"metric":0,"tags":["g"],"role":"app"}]}
`
	pickle := "(l(S'shop.app.x.http'\n(I1700000000\nF1.0\ntta(S'shop.app.y.http'\n(I1700000002\nF0.0\ntta."
	pickles := string(binary.BigEndian.AppendUint32(nil, uint32(len(pickle)))) + pickle
	var packet collectdPacket
	packet.cpu("db1", time.Unix(1700000000, 500e6), 42.5)
	datagram := string(binary.BigEndian.AppendUint32(nil, uint32(len(packet)))) + string(packet)
	fromDatagram := `{"sink":"b \"quoted\"","event":{"host":"db1","service":"cpu/percent-user","time":1700000000.5,"metric":42.5,"ttl":2,"ds_name":"value","ds_type":"gauge","plugin":"cpu","type":"percent","type_instance":"user"}}
`
	for _, c := range []struct{ name, recording, want, err string }{
		{"JSON lines", lines, fromLines, `1 piece of the recording ".*" made no event; the first: line 3: `},
		{"JSON lines, gzipped", zipped(t, lines), fromLines, "line 3"},
		{"graphite lines", graphite, fromGraphite, "line 2: .*"},
		{"collectd's datagrams", datagram, fromDatagram, ""},
		{"JSON lines, by zstd", zstandard(t, lines), fromLines, "line 3"},
		{"pickles", pickles, fromGraphite, ""},
		{"collectd's datagrams, gzipped", zipped(t, datagram), fromDatagram, ""},
		{"nothing", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			fromFile := runLine(t, "", "replay", rulesFile, "--from", writeFile(t, "recording", c.recording))
			fromStdin := runLine(t, c.recording, "replay", rulesFile, "--from", "-")
			for _, r := range []result{fromFile, fromStdin} {
				if r.code != exitOK {
					t.Errorf("exit code %d", r.code)
				}
				if r.out != c.want {
					t.Errorf("got\n%swant\n%s", r.out, c.want)
				}
				matches(t, "standard error", r.err, c.err)
			}
		})
	}
}

func TestReplayOfWhatIsNoRecording(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", replayRules)
	for name, recording := range map[string]string{
		"garbage":       "\x00\x01\x02\x03\xff\xfe\xfd\x00\x00\x00\x00\x00",
		"broken gzip":   zipped(t, strings.Repeat("shop.app.x.http 1 1700000000\n", 9999))[:60],
		"not gzip":      "\x1f\x8bhello",
		"cut datagrams": "\x00\x00\x00\x20\x00\x00\x00\x08abc\x00\x00\x02",
	} {
		r := runLine(t, recording, "replay", rulesFile, "--from", "-")
		if r.code != exitFailed {
			t.Errorf("%s: exit code %d", name, r.code)
		}
		matches(t, name, r.err, `^tocsin: cannot replay "-" to the end: `)
	}
}

// shopRecording is what the demo's shop sends in two minutes.
func shopRecording() string {
	shop := newDemoShop()
	var recording []byte
	for tick := range 2 * shopCycle {
		recording = shop.lines(recording, tick, time.Unix(1700000000, 0).Add(time.Duration(tick)*shopTick))
	}
	return string(recording)
}

// TestReplayIsDeterministic replays the shop's recording twice, and as two.
func TestReplayIsDeterministic(t *testing.T) {
	lines := shopRecording()
	file := writeFile(t, "recording", lines)
	demo := filepath.Join(root, "examples/shop/demo.lua")
	first := runLine(t, "", "replay", demo, "--from", file)
	if n := strings.Count(first.out, `{"sink":"pagerduty"`); first.code != exitOK || n < 5 {
		t.Errorf("exit code %d, %d pages in\n%s", first.code, n, first.out)
	}
	if again := runLine(t, "", "replay", demo, "--from", file); again.out != first.out {
		t.Error("two replays differ")
	}
	// In two files, each with the servers or the rest, it is the same past but
	// for the order within a second.
	var servers, rest string
	for line := range strings.Lines(lines) {
		if strings.Contains(line, ".app.") {
			servers += line
		} else {
			rest += line
		}
	}
	args := []string{"replay", demo, "--from", writeFile(t, "servers", servers), "--from", writeFile(t, "rest", rest)}
	merged := runLine(t, "", args...)
	if again := runLine(t, "", args...); again.out != merged.out {
		t.Error("two replays of two recordings differ")
	}
	if strings.Count(merged.out, `{"sink":"pagerduty"`) != strings.Count(first.out, `{"sink":"pagerduty"`) {
		t.Errorf("merged, the pages differ:\n%s", merged.out)
	}
}

// TestReplayIsDeterministicAtItsBounds replays more hosts than there is room
// for, and counters, which decoders keep the last value of.
func TestReplayIsDeterministicAtItsBounds(t *testing.T) {
	var hosts strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&hosts, "shop.app.host%d.http %d %d\n", i%7000, i, 1700000000+i/10)
	}
	for name, recording := range map[string]string{
		"hosts": writeFile(t, "hosts", hosts.String()), "collectd": "testdata/recordings/collectd.dgrams", "graphite": "testdata/recordings/graphite.txt",
	} {
		rulesFile := writeFile(t, "rules.lua", `
settings { identities = 1000, ttl = 5, forget = 10 }
source.graphite { templates = { "shop.* .role.host.service*" } }
source.collectd {}
events:to(sink.log {})`)
		first := runLine(t, "", "replay", rulesFile, "--from", recording)
		if first.code != exitOK || strings.Count(first.out, "\n") < 5 {
			t.Errorf("%s: exit code %d, got\n%.500s", name, first.code, first.out)
		}
		for range 3 {
			if again := runLine(t, "", "replay", rulesFile, "--from", recording); again.out != first.out {
				t.Errorf("%s: two replays differ", name)
			}
		}
	}
}

// passAll shows which events come, in which order.
const passAll = `events:to(sink.log {})`

// hostsOf lists the hosts that a replay printed.
func hostsOf(out string) (hosts string) {
	for line := range strings.Lines(out) {
		_, host, _ := strings.Cut(line, `"host":"`)
		host, _, _ = strings.Cut(host, `"`)
		hosts += host + " "
	}
	return hosts
}

func TestReplayMerges(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", passAll)
	a := writeFile(t, "a", `{"host":"a1","time":10}`+"\n"+`{"host":"a2"}`+"\n"+`{"host":"a3","time":30}`+"\n"+`{"host":"a4","time":20}`+"\n")
	b := writeFile(t, "b", zipped(t, "b1 1 10\nb2 1 20\nb3 1 30\nb4 1 40\n"))
	empty := writeFile(t, "empty", "")
	broken := writeFile(t, "broken", `{"host":"c1","time":15}`+"\n"+`{"host":"c2"`)
	r := runLine(t, "", "replay", rulesFile, "--from", a, "--from", b, "--from", empty, "--from", broken)
	r.out = strings.ReplaceAll(r.out, `"service"`, `"host"`) // what graphite names are without a template
	if got, want := hostsOf(r.out), "a1 a2 b1 c1 b2 a3 a4 b3 b4 "; got != want || r.code != exitOK {
		t.Errorf("got %s, want %s; exit code %d", got, want, r.code)
	}
	matches(t, "standard error", r.err, `broken" made no event; the first: line 2`)
	cut := writeFile(t, "cut", zipped(t, shopRecording())[:2000])
	r = runLine(t, "", "replay", rulesFile, "--from", cut, "--from", a)
	if r.code != exitFailed || !strings.Contains(r.out, `"a4"`) || !strings.Contains(r.out, "shop.app") {
		t.Errorf("with one that is cut off: exit code %d, %s", r.code, r.out)
	}
	matches(t, "standard error", r.err, `^tocsin: cannot replay ".*cut" to the end: unexpected EOF\n$`)
}

func TestReplayRange(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", passAll+` rule "tick" { host = "tick", every = 10, eval = function() return { state = "ok" } end }`)
	lines := "{\"host\":\"untimed\"}\n"
	for i := range 10 {
		lines += fmt.Sprintf("{\"host\":\"h%d\",\"time\":%d}\n", i, 1700000000+10*i)
	}
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--since", "1700000070"}, "h7 tick h8 tick h9 "},
		{[]string{"--since", "2023-11-14T22:14:30Z"}, "h7 tick h8 tick h9 "},
		{[]string{"--since=1700000065", "--until=1700000085"}, "h7 tick h8 "},
		{[]string{"--since=1700000065", "--until=1700000080"}, "h7 tick "},
		{[]string{"--since=1700000080", "--until=1800000000"}, "h8 tick h9 "},
		{[]string{"--since=1800000000"}, ""},
	} {
		r := runLine(t, lines, append([]string{"replay", rulesFile, "--from", "-"}, c.flags...)...)
		if got := hostsOf(r.out); got != c.want || r.code != exitOK {
			t.Errorf("%v: got %q, want %q; exit code %d, %s", c.flags, got, c.want, r.code, r.err)
		}
	}
}

func TestReplayFlags(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", passAll)
	for _, c := range []struct{ flags, want string }{
		{"--since soon", "--since: .*ISO 8601"},
		{"--until NaN", `--until: cannot read time "NaN"`},
		{"--speed 0", "--speed"},
		{"--speed fast", `--speed "fast" is neither`},
		{"--from -", "only once"},
		{"--diff x.lua", "cannot be the standard input"},
		{"--diff x.lua --from=", "cannot be the standard input"},
		{"--speed=Inf", "--speed"},
	} {
		r := runLine(t, "", append([]string{"replay", rulesFile, "--from", "-"}, strings.Fields(c.flags)...)...)
		if r.code != exitUsage {
			t.Errorf("%s: exit code %d", c.flags, r.code)
		}
		matches(t, c.flags, r.err, c.want)
	}
}

// TestReplayPace replays at the speed of the recording, and ten times that,
// on the bubble's clock. Timers fire on time, not with the next event.
func TestReplayPace(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", passAll+` rule "tick" { host = "tick", every = 2, eval = function() return { state = "ok" } end }`)
	lines := `{"host":"a","time":100}` + "\n" + `{"host":"b","time":105}` + "\n"
	for _, c := range []struct {
		speed string
		after time.Duration // of the first tick
	}{{"1", 2 * time.Second}, {"10", 200 * time.Millisecond}, {"0.5", 4 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			run := startLine(t, strings.NewReader(lines), "replay", rulesFile, "--from", "-", "--speed", c.speed)
			time.Sleep(c.after - time.Millisecond)
			synctest.Wait()
			if got := hostsOf(run.out.String()); got != "a " {
				t.Errorf("speed %s: got %q before the first tick", c.speed, got)
			}
			time.Sleep(2 * time.Millisecond)
			synctest.Wait()
			if got := hostsOf(run.out.String()); got != "a tick " {
				t.Errorf("speed %s: got %q at the first tick", c.speed, got)
			}
			r := run.wait()
			if got := hostsOf(r.out); got != "a tick tick b " || r.code != exitOK {
				t.Errorf("speed %s: got %q, exit code %d", c.speed, got, r.code)
			}
			if took := time.Since(began); took != c.after*5/2 {
				t.Errorf("speed %s: took %v", c.speed, took)
			}
		})
	}
}

// TestReplayInterrupted wants what was printed to be whole, in a pause and while
// the standard input gives nothing.
func TestReplayInterrupted(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", passAll)
	file := writeFile(t, "recording", "{\"host\":\"a\",\"time\":100}\n{\"host\":\"b\",\"time\":90000}\n")
	run := startLine(t, strings.NewReader(""), "replay", rulesFile, "--from", file, "--speed", "1")
	run.out.await(t, `"a"`)
	run.signals <- os.Interrupt
	if r := run.wait(); r.code != exitAtOnce || hostsOf(r.out) != "a " || !strings.Contains(r.err, "ended by a signal (interrupt)") {
		t.Errorf("got %+v", r)
	}
	in, writer := io.Pipe()
	defer writer.Close()
	run = startLine(t, in, "replay", rulesFile, "--from", "-")
	run.signals <- os.Interrupt
	if r := run.wait(); r.code != exitAtOnce {
		t.Errorf("got %+v", r)
	}
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func zstandard(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return string(w.EncodeAll([]byte(text), nil))
}

func TestReplayLeavesTheWorldAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	rulesFile := writeFile(t, "rules.lua", `events:to(sink.file { path = "`+path+`" })`)
	r := runLine(t, `{"host":"a","time":1}`, "replay", rulesFile, "--from", "-")
	if r.code != exitOK || r.out != `{"sink":"file","event":{"host":"a","time":1}}`+"\n" {
		t.Errorf("got %+v", r)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the sink's file was made: %v", err)
	}
}
