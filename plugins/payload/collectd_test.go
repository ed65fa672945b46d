package payload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"tocsin/plugins/valuelist"
)

const (
	cpuList  = `{"values":[1.5],"dstypes":["gauge"],"dsnames":["value"],"time":1795158277.460,"interval":10.000,"host":"h","plugin":"cpu","plugin_instance":"0","type":"cpu","type_instance":"user"}`
	cpuEvent = `{"host":"h","service":"cpu-0/cpu-user","time":1795158277.46,"metric":1.5,"ttl":20,"ds_name":"value","ds_type":"gauge","plugin":"cpu","plugin_instance":"0","type":"cpu","type_instance":"user"}`
)

func TestCollectdJSON(t *testing.T) {
	list := func(more string) string {
		return `[{"values":[1,2],"dstypes":["derive","derive"],"dsnames":["rx","tx"],"time":7,"interval":1,"host":"h","plugin":"p","type":"if_octets"` + more + `}]`
	}
	event := func(name string, metric int) string {
		return fmt.Sprintf(`{"host":"h","service":"p/if_octets/%s","time":7,"metric":%d,"ttl":2,"ds_name":"%s","ds_type":"derive","plugin":"p","type":"if_octets"}`, name, metric, name)
	}
	both := []string{event("rx", 1), event("tx", 2)}
	bad := func(from, to, reason string) decodeCase {
		return decodeCase{value: "[" + strings.Replace(cpuList, from, to, 1) + "," + cpuList + "]", events: []string{cpuEvent}, bad: 1, reason: "value list 1: " + reason}
	}
	broken := func(from, to, reason string) decodeCase {
		return decodeCase{value: "[" + cpuList + "," + strings.Replace(cpuList, from, to, 1) + "," + cpuList + "]", events: []string{cpuEvent}, bad: 1, reason: "value list 2: " + reason}
	}
	run(t, newTestDecoder(t, "collectd", Options{}), []decodeCase{
		{value: ""}, {value: " [ ] "},
		{value: "[" + cpuList + "]\r\n", events: []string{cpuEvent}},
		{value: list(""), events: both},
		{value: list(`,"meta":{"network:received":true,"x":[1,{"y":null}]}`), events: both},
		{value: strings.Replace(list(""), `"dstypes":["derive","derive"],"dsnames":["rx","tx"],`, "", 1), events: both},
		{value: strings.Replace(list(""), "[1,2]", "[null , 2]", 1), events: both[1:]},
		{value: strings.Replace(list(""), `"p"`, `"p\"\u00e4"`, 1), events: []string{
			`{"host":"h","service":"p\"ä/if_octets/rx","time":7,"metric":1,"ttl":2,"ds_name":"rx","ds_type":"derive","plugin":"p\"ä","type":"if_octets"}`,
			`{"host":"h","service":"p\"ä/if_octets/tx","time":7,"metric":2,"ttl":2,"ds_name":"tx","ds_type":"derive","plugin":"p\"ä","type":"if_octets"}`,
		}},
		bad(`"host":"h"`, `"host":""`, "it has no host"), bad(`"plugin":"cpu",`, ``, "it has no plugin"), bad(`"type":"cpu",`, ``, "it has no type"),
		bad(`[1.5]`, `[]`, "it has no values"), bad(`[1.5]`, `[1,2]`, "it has 2 values, but 1 dsnames and 1 dstypes"),
		bad(`[1.5]`, `[1-5]`, "the value is not"), bad(`"gauge"`, `"gouge"`, `a dstype is "gouge"`), bad("1795158277.460", "-7", "the time is not"),
		bad("1795158277.460", "null", "the time is not"), bad(`"time":1795158277.460,`, "", "it has no time"), bad("10.000", "true", "its interval is not"),
		bad(`"h"`, `"`+strings.Repeat("h", maxName+1)+`"`, "its host has more than 256 bytes"), bad(`"h"`, `"h\u0000"`, "its host has a NUL in it"),
		bad(`[1.5]`, `[1`+strings.Repeat(",1", maxValues)+`]`, "it has too many values"),
		broken(`"h"`, `7`, "expected a string (at byte"), broken(`"h"`, `"\x"`, "a string has a bad escape"), broken(`[1.5]`, `[X`, "expected a number or null"),
		broken(`[1.5]`, `1.5`, "expected a list"), broken(`{`, `7`, "expected an object"), broken(`,"host"`, `"host"`, "expected a comma"),
		broken(`"host":`, `"host"`, "expected a colon"), broken(`"host":"h"`, `"meta":`+strings.Repeat("[", 40), "it is nested deeper than 32 levels"),
		{value: "[" + cpuList, events: []string{cpuEvent}, bad: 1, reason: "expected a comma"},
		{value: "[" + cpuList[:100], bad: 1, reason: "value list 1: the JSON ends within it"},
		{value: "[" + cpuList + "]x", events: []string{cpuEvent}, bad: 1, reason: "value list 2: there is something behind the list"},
	})
}

func TestCollectdCommand(t *testing.T) {
	const load = `{"host":"h","service":"load/load/%sterm","time":7,"metric":%d,"ttl":20,"ds_name":"%sterm","ds_type":"gauge","plugin":"load","type":"load"}`
	gauge := func(metric string) string {
		return `{"host":"h","service":"p-i/gauge-t",` + metric + `,"ds_name":"value","ds_type":"gauge","plugin":"p","plugin_instance":"i","type":"gauge","type_instance":"t"}`
	}
	run(t, newTestDecoder(t, "collectd", Options{}), []decodeCase{
		{value: "PUTVAL h/load/load interval=10.000 7:1:2:3\r\n", events: []string{fmt.Sprintf(load, "short", 1, "short"), fmt.Sprintf(load, "mid", 2, "mid"), fmt.Sprintf(load, "long", 3, "long")}},
		{value: "putval h/p-i/gauge-t N:7", events: []string{gauge(`"metric":7`)}},
		{value: `PUTVAL "h/p-i/gauge-t" interval=2 "meta:x=a b" 7.25:1 8:U 9:nan` + " 10:-2\n", events: []string{gauge(`"time":7.25,"metric":1,"ttl":4`), gauge(`"time":10,"metric":-2,"ttl":4`)}},
		{value: `PUTVAL "h/a \"b\"/strange" N:1`, events: []string{`{"host":"h","service":"a \"b\"/strange","metric":1,"ds_name":"value","plugin":"a \"b\"","type":"strange"}`}},
		{value: "PUTVAL h/p/if_octets N:1:2:3", events: []string{
			`{"host":"h","service":"p/if_octets/0","metric":1,"ds_name":"0","plugin":"p","type":"if_octets"}`,
			`{"host":"h","service":"p/if_octets/1","metric":2,"ds_name":"1","plugin":"p","type":"if_octets"}`,
			`{"host":"h","service":"p/if_octets/2","metric":3,"ds_name":"2","plugin":"p","type":"if_octets"}`,
		}},
		{value: "GETVAL h/p/gauge\n\nPUTVAL h/p\nPUTVAL h/p-i/gauge-t N:7\n", events: []string{gauge(`"metric":7`)}, bad: 2, reason: `line 1: expected "PUTVAL`},
		{value: "PUTVAL //gauge N:1", bad: 1, reason: "it has no host"},
		{value: "PUTVAL h/p/gauge", bad: 1, reason: "expected"},
		{value: "PUTVAL h/p/gauge 7", bad: 1, reason: "not of the form TIME:VALUE"},
		{value: "PUTVAL h/p/gauge N:x", bad: 1, reason: `the value is not a finite number: "x"`},
		{value: "PUTVAL h/p/gauge x:1", bad: 1, reason: "the time is not"},
		{value: "PUTVAL h/p/gauge interval=x 1:1", bad: 1, reason: "its interval"},
		{value: `PUTVAL "h/p/gauge 1:1`, bad: 1, reason: "a quote does not end"},
		{value: "PUTVAL h/p/gauge N" + strings.Repeat(":1", maxValues+1), bad: 1, reason: "too many values"},
		{value: "PUTVAL h/p-i/gauge-t 7:1 8:x", events: []string{gauge(`"time":7,"metric":1`)}, bad: 1, reason: `line 1: the value`},
		{value: "PUTVAL h/" + strings.Repeat("p", 20_000) + "/gauge 7:1", bad: 1, reason: "the line is too long"},
	})
}

func TestCollectdOptions(t *testing.T) {
	types := valuelist.BuiltinTypes()
	if err := types.Read(strings.NewReader("mine a:GAUGE:0:U, b:COUNTER:0:U\n"), "mine.db"); err != nil {
		t.Fatal(err)
	}
	run(t, newTestDecoder(t, "collectd", Options{Types: types, TTLFactor: 3}), []decodeCase{{value: "PUTVAL h/p/mine interval=2 7:1:2", events: []string{
		`{"host":"h","service":"p/mine/a","time":7,"metric":1,"ttl":6,"ds_name":"a","ds_type":"gauge","plugin":"p","type":"mine"}`,
		`{"host":"h","service":"p/mine/b","time":7,"metric":2,"ttl":6,"ds_name":"b","ds_type":"counter","plugin":"p","type":"mine"}`,
	}}})
}

// TestCollectdFormatsAgree compares what write_kafka wrote as JSON with what it
// wrote of the same values as graphite's lines.
func TestCollectdFormatsAgree(t *testing.T) {
	lines := map[string]bool{}
	for line := range strings.Lines(string(readTestdata(t, "graphite.txt"))) {
		name, rest, _ := strings.Cut(line, " ")
		value, when, _ := strings.Cut(strings.TrimSpace(rest), " ")
		metric, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		lines[fmt.Sprint(name, " ", metric, " ", when)] = true
	}
	d, compared := newTestDecoder(t, "collectd", Options{}), 0
	for list := range bytes.Lines(readTestdata(t, "collectd.jsonl")) {
		events, err := decode(d, list)
		if err != nil {
			t.Error(err)
		}
		for event := range strings.Lines(events) {
			var e struct {
				Host, Service string
				Time          float64
				Metric        float64
			}
			if err := json.Unmarshal([]byte(event), &e); err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("k.%s.%s %v %d", e.Host, strings.ReplaceAll(e.Service, "/", "."), e.Metric, int64(e.Time))
			if !lines[want] {
				t.Errorf("%s has no line %q", event, want)
			}
			compared++
		}
	}
	if compared != 44 {
		t.Errorf("compared %d values, want 44", compared)
	}
}

// TestCommandRecording decodes what write_http wrote. The other formats do not
// write so many digits, and lose what is small.
func TestCommandRecording(t *testing.T) {
	gaps := 0
	d := newTestDecoder(t, "collectd", Options{Gap: func() { gaps++ }})
	events, err := decode(d, readTestdata(t, "command.txt"))
	if err != nil || gaps != 1 || strings.Count(events, "\n") != 23 {
		t.Errorf("got %v, %d gaps, %s", err, gaps, events)
	}
	for _, want := range []string{
		`"service":"inject/gauge-tiny","time":1795158061.32,"metric":1e-300,"ttl":2,`,
		`"service":"inject-inst with space/gauge-käse","time":1795158061.32,"metric":1.25,"ttl":2,`,
		`"service":"inject-i10/if_octets-eth9/tx","time":1795158061.32,"metric":2000,"ttl":20,"ds_name":"tx","ds_type":"derive",`,
	} {
		if !strings.Contains(events, want) {
			t.Errorf("no event with %s in %s", want, events)
		}
	}
}

func FuzzCollectd(f *testing.F) {
	f.Add([]byte("[" + cpuList + "," + cpuList + "]"))
	f.Add([]byte(`[{"meta":{"x":[1,"\u00e4"]},"values":[null,1e3]},{}]`))
	f.Add(readTestdata(f, "command.txt"))
	f.Add([]byte(`PUTVAL "h/a \"b\"/gauge" interval=1 N:1:U 7:nan`))
	fuzzFormat(f, "collectd")
}

func TestKnownCollectdAllocatesNothing(t *testing.T) {
	for list := range bytes.Lines(readTestdata(t, "collectd.jsonl")) {
		wantNoAllocations(t, "collectd", list)
	}
	wantNoAllocations(t, "collectd", readTestdata(t, "command.txt"))
}

func BenchmarkCollectd(b *testing.B) {
	list, _, _ := bytes.Cut(readTestdata(b, "collectd.jsonl"), []byte("\n"))
	b.Run("json", func(b *testing.B) { benchmark(b, "collectd", list) })
	b.Run("command", func(b *testing.B) { benchmark(b, "collectd", readTestdata(b, "command.txt")) })
}
