package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	var packet collectdPacket
	packet.cpu("db1", time.Unix(1700000000, 500e6), 42.5)
	datagram := string(binary.BigEndian.AppendUint32(nil, uint32(len(packet)))) + string(packet)
	fromDatagram := `{"sink":"b \"quoted\"","event":{"host":"db1","service":"cpu/percent-user","time":1700000000.5,"metric":42.5,"ttl":2,"ds_name":"value","ds_type":"gauge","plugin":"cpu","type":"percent","type_instance":"user"}}
`
	for _, c := range []struct{ name, recording, want, err string }{
		{"JSON lines", lines, fromLines, "1 piece of the recording made no event; the first: line 3: "},
		{"JSON lines, gzipped", zipped(t, lines), fromLines, "line 3"},
		{"graphite lines", graphite, fromGraphite, "line 2: .*"},
		{"collectd's datagrams", datagram, fromDatagram, ""},
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
		matches(t, name, r.err, `^tocsin: cannot (replay "-" to the end|unpack recording "-"): `)
	}
}

// TestReplayIsDeterministic replays the shop's recording twice.
func TestReplayIsDeterministic(t *testing.T) {
	shop := newDemoShop()
	var recording []byte
	for tick := range 2 * shopCycle {
		recording = shop.lines(recording, tick, time.Unix(1700000000, 0).Add(time.Duration(tick)*shopTick))
	}
	file := writeFile(t, "recording", string(recording))
	demo := filepath.Join(root, "examples/shop/demo.lua")
	first := runLine(t, "", "replay", demo, "--from", file)
	second := runLine(t, "", "replay", demo, "--from", file)
	if first.out != second.out {
		t.Error("two replays differ")
	}
	if n := strings.Count(first.out, `{"sink":"pagerduty"`); first.code != exitOK || n < 5 {
		t.Errorf("exit code %d, %d pages in\n%s", first.code, n, first.out)
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
