package engine

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// jsonEvent makes a whole event of what ParseJSON returns.
func jsonEvent(t testing.TB, text string) Event {
	t.Helper()
	e, p, err := ParseJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e.ID = NewIdentities(1).Loose(p)
	return e
}

func TestAppendJSON(t *testing.T) {
	var full Event
	var p Parts
	p.SetHost("web1")
	p.SetService("api \"x\"\n")
	p.Tags = []string{"prod", "eu"}
	p.SetAttr("zone", "b")
	p.SetAttr("customer", "1001")
	p.SetAttr("host", "hidden")
	full.ID = NewIdentities(1).Loose(p)
	full.SetState("ok")
	full.SetDescription("\x1b[31m\u009b\xff\u20ac\\")
	full.SetTime(1_700_000_000_123_000_000)
	full.SetMetric(0.25)
	full.SetTTL(90 * time.Second)
	want := `{"host":"web1","service":"api \"x\"\n","state":"ok","description":"\u001b[31m\u009b\ufffd€\\",` +
		`"time":1700000000.123,"metric":0.25,"ttl":90,"tags":["prod","eu"],"customer":"1001","zone":"b"}`
	if got := string(AppendJSON([]byte("x"), &full)); got != "x"+want {
		t.Errorf("got  %s\nwant x%s", got, want)
	}
	if !json.Valid([]byte(want)) {
		t.Error("not JSON")
	}
	empty := Event{ID: NewIdentities(1).Loose(Parts{})}
	if got := string(AppendJSON(nil, &empty)); got != "{}" {
		t.Errorf("an empty event is %s", got)
	}
}

func TestAppendJSONNumbers(t *testing.T) {
	e := Event{ID: NewIdentities(1).Loose(Parts{})}
	for metric, want := range map[float64]string{
		0: "0", 1: "1", -1.5: "-1.5", 1e20: "100000000000000000000", 1e21: "1e+21", 1e-7: "1e-07",
		math.Copysign(0, -1): "-0", math.MaxFloat64: "1.7976931348623157e+308", 1 << 53: "9007199254740992",
	} {
		e.SetMetric(metric)
		if got := string(AppendJSON(nil, &e)); got != `{"metric":`+want+`}` {
			t.Errorf("%v: got %s", metric, got)
		}
	}
	for _, metric := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		e.SetMetric(metric)
		if got := string(AppendJSON(nil, &e)); got != `{}` {
			t.Errorf("%v: got %s", metric, got)
		}
	}
	e.Clear(HasMetric)
	for at, want := range map[Time]string{
		0: "0", 1: "0.000000001", -1: "-0.000000001", 1_500_000_000: "1.5",
		math.MaxInt64: "9223372036.854775807", math.MinInt64: "-9223372036.854775808",
	} {
		e.SetTime(at)
		if got := string(AppendJSON(nil, &e)); got != `{"time":`+want+`}` {
			t.Errorf("%d: got %s", at, got)
		}
	}
}

func TestParseJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{}`: `{}`,
		`{"host":null,"metric":null,"tags":null,"x":null}`:      `{}`,
		`{"host":"","service":"s","metric":1e3}`:                `{"host":"","service":"s","metric":1000}`,
		`{"time":1700000000.123456789}`:                         `{"time":1700000000.123456789}`,
		`{"time":-0.5}`:                                         `{"time":-0.5}`,
		`{"time":1.7e9}`:                                        `{"time":1700000000}`,
		`{"time":"2023-11-14T22:13:20Z"}`:                       `{"time":1700000000}`,
		`{"time":"2023-11-14T23:13:20.25+01:00"}`:               `{"time":1700000000.25}`,
		`{"time":"2023-11-14T23:13:20+0100"}`:                   `{"time":1700000000}`,
		`{"time":"2023-11-14 22:13:20"}`:                        `{"time":1700000000}`,
		`{"ttl":0.1,"tags":["a","b","a"]}`:                      `{"ttl":0.1,"tags":["a","b"]}`,
		`{"z":1.50,"y":true,"x":"t","n":12345678901234567890}`:  `{"n":"12345678901234567890","x":"t","y":"true","z":"1.50"}`,
		` {"State":"not the field","state":"a","state":"last"}`: `{"state":"last","State":"not the field"}`,
	} {
		e := jsonEvent(t, in)
		if got := string(AppendJSON(nil, &e)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestParseJSONErrors(t *testing.T) {
	many := func(n int, format string) string {
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf(format, i))
		}
		return strings.Join(parts, ",")
	}
	for in, want := range map[string]string{
		``:                                      `unexpected end`,
		`{"host":"a"} x`:                        `at byte 14`,
		`null`:                                  `expected an object, got null`,
		`[1]`:                                   `expected an object, got a table`,
		`"x"`:                                   `expected an object, got the string "x"`,
		`{"state":5}`:                           `key "state": expected a string, got the number 5`,
		`{"metric":"4"}`:                        `key "metric": expected a number, got the string "4"`,
		`{"metric":1e999}`:                      `key "metric": the number 1e999 does not fit`,
		`{"ttl":true}`:                          `key "ttl": expected a number, got true`,
		`{"time":1700000000000}`:                `key "time": the number 1700000000000 is out of range for seconds (are they milliseconds?)`,
		`{"time":"yesterday"}`:                  `key "time": expected seconds or an ISO 8601 time, got "yesterday"`,
		`{"time":"0001-01-01T00:00:00Z"}`:       `1678`,
		`{"tags":"a"}`:                          `key "tags": expected a list of strings`,
		`{"tags":["a",1]}`:                      `element 2: expected a string, got the number 1`,
		`{"tags":["a",null]}`:                   `element 2: expected a string, got null`,
		`{"place":{"x":1}}`:                     `key "place": an attribute is a string, a number or a boolean, not a table`,
		`{` + many(257, `"a%d":1`) + `}`:        `more than 256 attributes`,
		`{"tags":[` + many(257, `"%d"`) + `]}`:  `more than 256 tags`,
		`"` + strings.Repeat("x", MaxJSONBytes): `more than 1048576`,
		`{"` + strings.Repeat("k", 100) + `":[1]}`: `k"…: an attribute`,
	} {
		_, _, err := ParseJSON([]byte(in))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s:\n got %v\nwant %s", in, err, want)
		}
	}
}

func TestJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e Event
		var p Parts
		maybe := func(set func()) {
			if rapid.Bool().Draw(t, "there") {
				set()
			}
		}
		text := rapid.String()
		maybe(func() { p.SetHost(text.Draw(t, "host")) })
		maybe(func() { p.SetService(text.Draw(t, "service")) })
		maybe(func() { e.SetState(text.Draw(t, "state")) })
		maybe(func() { e.SetDescription(text.Draw(t, "description")) })
		maybe(func() { e.SetTime(Time(rapid.Int64Range(-9.1e18, 9.1e18).Draw(t, "time"))) })
		maybe(func() { e.SetMetric(rapid.Float64().Draw(t, "metric")) })
		maybe(func() { e.SetTTL(time.Duration(rapid.Int64Range(-9.1e18, 9.1e18).Draw(t, "ttl"))) })
		p.Tags = rapid.SliceOfN(text, 0, 8).Draw(t, "tags")
		for key, value := range rapid.MapOfN(text, text, 0, 12).Draw(t, "attributes") {
			if !isOwnField(key) {
				p.SetAttr(key, value)
			}
		}
		ids := NewIdentities(10)
		e.ID, _ = ids.Intern(p)
		line := AppendJSON(nil, &e)
		back, parts, err := ParseJSON(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		back.ID, _ = ids.Intern(parts)
		if math.IsNaN(e.Metric) || math.IsInf(e.Metric, 0) {
			e.Clear(HasMetric)
		}
		if back != e {
			t.Fatalf("%s:\n got %+v\nwant %+v", line, back, e)
		}
	})
}

func FuzzParseJSON(f *testing.F) {
	for _, seed := range []string{
		`{"host":"a","service":"b","state":"ok","time":1700000000.5,"metric":-1e-9,"ttl":60,"tags":["x"],"k":"v"}`,
		`{"time":"2023-11-14T23:13:20.25+01:00","description":"\ud800\u009b\n"}`,
		`{"metric":1e309}`, `{"a":[[[[]]]]}`, `[]`, `{"ttl":-0.000000001}`, `{"time":9199999999.999999999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, p, err := ParseJSON(data)
		if err != nil {
			return
		}
		ids := NewIdentities(10)
		e.ID, _ = ids.Intern(p)
		line := AppendJSON(nil, &e)
		if !json.Valid(line) {
			t.Fatalf("not JSON: %s", line)
		}
		again, p, err := ParseJSON(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if again.ID, _ = ids.Intern(p); again != e {
			t.Fatalf("%s:\n got %+v\nwant %+v", line, again, e)
		}
	})
}

const benchmarkEvent = `{"host":"app17.example.com","service":"cpu/percent-user","state":"warning",` +
	`"description":"user time is high","time":1700000000.123,"metric":87.5,"ttl":60,"tags":["prod","eu"],"role":"app","plugin":"cpu"}`

func BenchmarkAppendJSON(b *testing.B) {
	e := jsonEvent(b, benchmarkEvent)
	var buf []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(benchmarkEvent)))
	for b.Loop() {
		buf = AppendJSON(buf[:0], &e)
	}
	if len(buf) != len(benchmarkEvent) {
		b.Fatalf("got %s", buf)
	}
}

func BenchmarkParseJSON(b *testing.B) {
	data := []byte(benchmarkEvent)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if e, _, err := ParseJSON(data); err != nil || e.Metric != 87.5 {
			b.Fatal(e, err)
		}
	}
}
