package payload

import (
	"fmt"
	"strings"
	"testing"

	"tocsin/engine"
)

func TestJSON(t *testing.T) {
	const a, b = `{"host":"a","metric":1}`, `{"host":"b","metric":2}`
	run(t, newTestDecoder(t, "json", Options{}), []decodeCase{
		{value: ""},
		{value: " \n "},
		{value: a, events: []string{a}},
		{value: "\ufeff " + a + "\r\n", events: []string{a}},
		{value: "{\n  \"host\": \"a\",\n  \"metric\": 1\n}", events: []string{a}},
		{value: a + "\n\n" + b + "\n", events: []string{a, b}},
		{value: a + b, events: []string{a, b}},
		{value: "[]"},
		{value: " [ " + a + " , " + b + " ] ", events: []string{a, b}},
		{value: "[" + a + `,{"host":7},` + b + "]", events: []string{a, b}, bad: 1, reason: `event 2: cannot read event: key "host": expected a string, got the number 7`},
		{value: "[" + a + `,{"ttl":"x"},[1,{}],` + b + ",3]", events: []string{a, b}, bad: 3, reason: `3 parts make no event; the first: event 2: cannot read event: key "ttl"`},
		{value: "[" + a + "," + b, events: []string{a, b}, bad: 1, reason: "event 2: the list does not end"},
		{value: "[" + a + ",", events: []string{a}, bad: 1, reason: "event 2: cannot read event: the JSON ends"},
		{value: "[" + a + " " + b + "]", events: []string{a}, bad: 1, reason: "expected a comma"},
		{value: "[" + a + "]" + b, events: []string{a}, bad: 1, reason: "behind the list"},
		{value: a + "\n{\"host\":\"x\n" + b, events: []string{a, b}, bad: 1, reason: "event 2: "},
		{value: a + "\n{\"host\":\n" + b + "\n" + b, events: []string{a, b, b}, bad: 1, reason: "event 2: "},
		{value: a + "\nhello\n" + b, events: []string{a, b}, bad: 1, reason: "event 2: "},
		{value: a[:10], bad: 1, reason: "event 1: "},
		{value: "null", bad: 1, reason: "expected an object, got null"},
		{value: `{"host":"` + strings.Repeat("x", engine.MaxJSONBytes) + `"}` + a, events: []string{a}, bad: 1, reason: "1048587 bytes are more than"},
		{value: strings.Repeat("[", 100_000), bad: 1, reason: "ends within"},
	})
}

func TestJSONOfTooManyEvents(t *testing.T) {
	for _, value := range []string{strings.Repeat("{}\n", MaxEvents+1), "[{}" + strings.Repeat(",{}", MaxEvents) + "]", strings.Repeat("{}\n", 2) + strings.Repeat("x\n", MaxEvents)} {
		n := 0
		var e engine.Event
		err := newTestDecoder(t, "json", Options{}).Decode([]byte(value), func(*engine.Identity) *engine.Event { n++; return &e })
		if n > MaxEvents || err == nil {
			t.Errorf("got %d events, %v", n, err)
		}
	}
}

// TestJSONOfTooManyIdentities wants events that the engine can tell of.
func TestJSONOfTooManyIdentities(t *testing.T) {
	d, err := New("json", engine.NewIdentities(0), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decode(d, []byte(`{"host":"a"}`)); got != "{\"host\":\"a\"}\n" || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte("[{\"host\":\"a\"},{\"metric\":1}]"))
	f.Add([]byte("{\"host\":\"a\"}\n{\"metric\":1}\nx\n{}"))
	f.Add([]byte("[{},[\"}\\\"\"],"))
	fuzzFormat(f, "json")
}

// jsonEvents are the events of n hosts.
func jsonEvents(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf(`{"host":"app%d","service":"http","state":"ok","time":1700000000.5,"metric":87.5,"ttl":60,"tags":["prod"],"role":"app"}`, i))
	}
	return out
}

func TestKnownJSONAllocatesNothing(t *testing.T) {
	wantNoAllocations(t, "json", []byte(strings.Join(jsonEvents(100), "\n")))
	wantNoAllocations(t, "json", []byte("["+strings.Join(jsonEvents(100), ",\n")+"]"))
}

func BenchmarkJSON(b *testing.B) {
	const events = 100
	for name, value := range map[string]string{
		"one":  jsonEvents(1)[0],
		"list": "[" + strings.Join(jsonEvents(events), ",") + "]",
	} {
		b.Run(name, func(b *testing.B) { benchmark(b, "json", []byte(value)) })
	}
}
