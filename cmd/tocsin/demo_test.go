package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tocsin/rules"
)

// TestDemo runs the shop until it has been up, and stops it.
func TestDemo(t *testing.T) {
	c := startLine(t, nil, "demo")
	base := "http://" + c.listening("http")
	c.err.await(t, `send an event of your own: tocsin send .*--host me --service hello`)
	c.err.await(t, `"service":"shop","state":"ok","description":"100% up`)
	c.err.await(t, `the pager: resolve`)
	if r := runLine(t, "", "send", "--addr", base, "--host", "me", "--service", "hello", "--state", "critical"); r.code != exitOK {
		t.Errorf("cannot send: %s", r.err)
	}
	c.err.await(t, `"host":"me","service":"hello","state":"critical"`)
	r := runLine(t, "", "query", "--addr", base, `service = "cpu/percent-user"`)
	if r.code != exitOK || strings.Count(r.out, "\n") != shopServers+1 {
		t.Errorf("collectd brought\n%s", r.out)
	}
	if r := runLine(t, "", "query", "--addr", base, "host = 'nobody'"); r.code != exitNothing {
		t.Errorf("exit code %d for nothing", r.code)
	}
	c.signals <- syscall.SIGINT
	if r := c.wait(); r.code != exitOK || strings.Contains(r.err, "cannot") {
		t.Errorf("exit code %d:\n%s", r.code, r.err)
	}
}

// TestDemoWithKafka runs the shop with the broker in this process, and once more
// with one that is running, from whose topics it is replayed then.
func TestDemoWithKafka(t *testing.T) {
	broker, _ := kafkaTopic(t)
	for _, flags := range [][]string{nil, {"--broker", broker}} {
		c := startLine(t, nil, append([]string{"demo", "--kafka"}, flags...)...)
		base := "http://" + c.listening("http")
		c.err.await(t, `the shop's machines write to topics of the broker at 127.0.0.1`)
		c.err.await(t, `"service":"shop","state":"ok","description":"100% up`)
		c.err.await(t, `the pager: resolve`)
		r := runLine(t, "", "query", "--addr", base, `service = "cpu/percent-user"`)
		if r.code != exitOK || strings.Count(r.out, "\n") != shopServers+1 {
			t.Errorf("collectd brought\n%s", r.out)
		}
		c.signals <- syscall.SIGINT
		if r := c.wait(); r.code != exitOK || strings.Contains(r.err, "cannot") {
			t.Errorf("exit code %d:\n%s", r.code, r.err)
		}
	}
	r := runLine(t, "", "replay", filepath.Join(root, "examples/shop-kafka/shop.lua"), "--from", "kafka://"+broker+"/shop-lines")
	if r.code != exitOK || !strings.Contains(r.out, `{"sink":"led","event":{"host":"app1","service":"http","state":"ok"`) {
		t.Errorf("exit code %d, %s: replayed\n%s", r.code, r.err, r.out)
	}
	states := filepath.Join(t.TempDir(), "states.jsonl")
	r = runLine(t, "", "record", "--from", "kafka://"+broker+"/shop-states", "--to", states)
	if data, err := os.ReadFile(states); r.code != exitOK || !strings.Contains(string(data), `"service":"shop","state":"ok"`) {
		t.Errorf("exit code %d, %s: recorded\n%s %v", r.code, r.err, data, err)
	}
}

func TestDemoWithoutItsBroker(t *testing.T) {
	if r := runLine(t, "", "demo", "--broker", "127.0.0.1:1"); r.code != exitUsage || !strings.Contains(r.err, "--broker is for --kafka") {
		t.Errorf("code %d, %s", r.code, r.err)
	}
	if r := runLine(t, "", "demo", "--kafka", "--broker", "127.0.0.1:0"); r.code != exitFailed || !strings.Contains(r.err, "is not a broker") {
		t.Errorf("code %d, %s", r.code, r.err)
	}
}

// TestShopWithKafkaIsTheShop holds the rules that page to those of the shop.
func TestShopWithKafkaIsTheShop(t *testing.T) {
	var rules [2]string
	for i, name := range []string{"examples/shop/shop.lua", "examples/shop-kafka/shop.lua"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		const first, last = "events:where 'service = \"cpu", ":to(pager, strip)\n"
		_, rest, _ := strings.Cut(string(text), first)
		rules[i], _, _ = strings.Cut(rest, last)
	}
	if rules[0] != rules[1] || len(rules[0]) < 500 {
		t.Errorf("the rules differ:\n%s\n%s", rules[0], rules[1])
	}
}

// TestDemoTakesOtherPorts runs two at a time, for a while each.
func TestDemoTakesOtherPorts(t *testing.T) {
	for _, address := range []string{demoGraphite, demoHTTP} {
		if taken, err := net.Listen("tcp", address); err == nil {
			defer taken.Close()
		}
	}
	if taken, err := net.ListenPacket("udp", demoCollectd); err == nil {
		defer taken.Close()
	}
	c := startLine(t, nil, "demo", "--for", "1s")
	c.err.await(t, `tcp 127.0.0.1:2003 is in use; the demo takes 127.0.0.1:\d+ instead`)
	c.err.await(t, `tocsin send --addr 127.0.0.1:\d+ --host me`)
	if r := c.wait(); r.code != exitOK || !strings.Contains(r.err, `"service":"shop"`) {
		t.Errorf("exit code %d:\n%s", r.code, r.err)
	}
}

// TestShopDiesAndRecovers replays what the demo's feeder sends in five minutes.
func TestShopDiesAndRecovers(t *testing.T) {
	shop := newDemoShop()
	var lines []byte
	for tick := range 5 * shopCycle {
		lines = shop.lines(lines, tick, time.Unix(1700000000, 0).Add(time.Duration(tick)*shopTick))
	}
	r := runLine(t, string(lines), "replay", filepath.Join(root, "examples/shop/demo.lua"), "--from", "-")
	var states []string
	for line := range strings.Lines(r.out) {
		if strings.Contains(line, `{"sink":"pagerduty","event":{"service":"shop","state":"`) {
			_, rest, _ := strings.Cut(line, `"state":"`)
			state, _, _ := strings.Cut(rest, `"`)
			states = append(states, state)
		}
	}
	want := "critical ok critical ok critical ok critical ok critical ok"
	if got := strings.Join(states, " "); !strings.HasSuffix(got, want) || len(states) > 11 {
		t.Errorf("pages: %s\nwant: %s", got, want)
	}
	if !strings.Contains(r.out, `"state":"expired"`) {
		t.Error("no server went dark")
	}
}

func TestShopTests(t *testing.T) {
	var out bytes.Buffer
	passed, failed, err := rules.Test(context.Background(), []string{filepath.Join(root, "examples")}, rules.TestOptions{Out: &out})
	if err != nil || failed > 0 || passed < 7 {
		t.Errorf("%d passed, %d failed, %v\n%s", passed, failed, err, out.String())
	}
}

// TestShopIsThatOfTheLanguage holds the example to the text that the language's
// page shows.
func TestShopIsThatOfTheLanguage(t *testing.T) {
	want, err := os.ReadFile("../../rules/testdata/good/shop.lua")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "examples/shop/shop.lua"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(got, want) {
		t.Error("examples/shop/shop.lua does not begin with rules/testdata/good/shop.lua")
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/language.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, want) {
		t.Error("docs/language.md does not show rules/testdata/good/shop.lua")
	}
}
