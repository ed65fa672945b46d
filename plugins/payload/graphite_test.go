package payload

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"tocsin/plugins/carbon"
)

func TestGraphite(t *testing.T) {
	naming, err := carbon.NewNaming([]string{"shop.* .role.host.service*"})
	if err != nil {
		t.Fatal(err)
	}
	gaps := 0
	d := newTestDecoder(t, "graphite", Options{Naming: naming, Gap: func() { gaps++ }})
	const one = `{"host":"app3","service":"http.rate","time":1700000000,"metric":1.5,"role":"app"}`
	run(t, d, []decodeCase{
		{value: ""},
		{value: "\r\n \n"},
		{value: "shop.app.app3.http.rate 1.5 1700000000", events: []string{one}},
		{value: "shop.app.app3.http.rate 1.5 1700000000\r\nx 2\n", events: []string{one, `{"service":"x","metric":2}`}},
		{value: "x nan 1700000000\n"},
		{value: "x;a=1 2\nx 1 y\n\nx;a 1\nx 3\n", events: []string{`{"service":"x","metric":2,"a":"1"}`, `{"service":"x","metric":3}`}, bad: 2, reason: "line 2: the time is not"},
		{value: strings.Repeat("x", carbon.MaxLine+1) + "\nx 3\n", events: []string{`{"service":"x","metric":3}`}, bad: 1, reason: "line 1: the line is too long"},
		{value: "x 3\nx;a 1\nx y\n", events: []string{`{"service":"x","metric":3}`}, bad: 2, reason: "line 2: a tag of the name"},
		{value: "x;a 1\n", bad: 1, reason: `line 1: a tag of the name`},
		{value: "x 1\n" + strings.Repeat("\n", MaxEvents), events: []string{`{"service":"x","metric":1}`}, bad: 1, reason: "there are more than"},
	})
	if gaps != 2 {
		t.Errorf("told of %d gaps, want 2", gaps)
	}
}

// TestGraphiteOfManyLines wants events in the order of the lines, over the chunks
// that they are looked up in.
func TestGraphiteOfManyLines(t *testing.T) {
	var lines, want strings.Builder
	for i := range 200 {
		fmt.Fprintf(&lines, "x%d %d\n", i%150, i)
		fmt.Fprintf(&want, "{\"service\":\"x%d\",\"metric\":%d}\n", i%150, i)
	}
	got, err := decode(newTestDecoder(t, "graphite", Options{}), []byte(lines.String()))
	if got != want.String() || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func FuzzGraphite(f *testing.F) {
	f.Add([]byte("a.b;k=v 1.5 1700000000\r\na nan\nx\n;=  1"))
	f.Add(readTestdata(f, "graphite.txt"))
	fuzzFormat(f, "graphite")
}

func TestKnownGraphiteAllocatesNothing(t *testing.T) {
	wantNoAllocations(t, "graphite", readTestdata(t, "graphite.txt"))
}

// BenchmarkGraphite decodes values of 100 lines, of many names that are known.
func BenchmarkGraphite(b *testing.B) {
	for _, names := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("names=%d", names), func(b *testing.B) {
			var values [][]byte
			for n, i := range rand.New(rand.NewPCG(1, 2)).Perm(names) {
				if n%100 == 0 {
					values = append(values, nil)
				}
				values[n/100] = fmt.Appendf(values[n/100], "shop.app.app%05d.some.longer.name.as.they.are.in.the.wild.requests.%02d %.2f 1700000000\n", i/100, i%100, float64(n)/7)
			}
			benchmark(b, "graphite", values...)
		})
	}
}
