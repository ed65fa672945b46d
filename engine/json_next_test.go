package engine

import "testing"

func TestJSONDecoderNext(t *testing.T) {
	d := NewJSONDecoder(NewIdentities(100), NewNames())
	f := func(data string, n int, host string, good bool) {
		t.Helper()
		for range 2 {
			e, got, err := d.Next([]byte(data))
			if got != n || (err == nil) != good || good && e.ID.Host != host {
				t.Errorf("%q: got %d bytes, %+v, %v; want %d", data, got, e.ID, err, n)
			}
		}
	}
	f(`{"host":"a"}`, 12, "a", true)
	f(` {"host":"b"} , {"host":"c"}`, 13, "b", true)
	f(`{"host":"a","x":{"y":[1,"}"]}},{}`, 30, "", false)
	f(`{"host":"a\u0062}","n":null}]`, 28, "ab}", true)
	f(`{"host":"x\"{"}{`, 15, `x"{`, true)
	f(`{"metric":"}"}{}`, 14, "", false)
	f(`17,{}`, 2, "", false)
	f(`"a,b",{}`, 5, "", false)
	f(`[[1],2]]`, 7, "", false)
	f(`true`, 4, "", false)
	f("{\"host\":\"a\n\"}", 0, "", false)
	f(`{"host":"a"`, 0, "", false)
	f(`{"host":"a\`, 0, "", false)
	f(`]`, 0, "", false)
	f(``, 0, "", false)
}
