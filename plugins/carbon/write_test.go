package carbon

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"tocsin/engine"
)

// event makes an event; "" is no host or no service.
func event(tb testing.TB, host, service string, metric float64, time engine.Time) engine.Event {
	tb.Helper()
	var p engine.Parts
	if host != "" {
		p.SetHost(host)
	}
	if service != "" {
		p.SetService(service)
	}
	id, err := engine.NewIdentities(1).Intern(p)
	if err != nil {
		tb.Fatal(err)
	}
	e := engine.Event{ID: id}
	e.SetMetric(metric)
	e.SetTime(time)
	return e
}

func TestAppendLine(t *testing.T) {
	f := func(prefix, host, service string, metric float64, time engine.Time, want string) {
		t.Helper()
		e := event(t, host, service, metric, time)
		if got := string(AppendLine(nil, prefix, &e)); got != want {
			t.Errorf("%q %q %q %v: got %q, want %q", prefix, host, service, metric, got, want)
		}
	}
	f("", "db1", "load", 0.5, 1700000000_999999999, "db1.load 0.5 1700000000\n")
	f("tocsin.x", "db1", "load", -3, 1700000000e9, "tocsin.x.db1.load -3 1700000000\n")
	f("p", "", "load", 1, 7e9, "p.load 1 7\n")
	f("p", "db1", "", 1, 7e9, "p.db1 1 7\n")
	f("p", "", "", 1, 7e9, "")
	f("p", "", "./", 1, 7e9, "")
	// names
	f("", "db1.example.net", "cpu/percent-user", 1, 7e9, "db1_example_net.cpu.percent-user 1 7\n")
	f("", "a/b", "/x//y./", 1, 7e9, "a_b.x.y 1 7\n")
	f("", "a b\tc\nd;e\x7f", "../../etc/passwd 1 1\n", 1, 7e9, "a_b_c_d_e_.etc.passwd_1_1_ 1 7\n")
	f("", "käse", "a\u00a0b\u2028c\u0085d\xffe\ufffdf", 1, 7e9, "käse.a_b_c_d_e\ufffdf 1 7\n")
	// values
	f("", "h", "s", 0, 7e9, "h.s 0 7\n")
	f("", "h", "s", 2401046528, 7e9, "h.s 2401046528 7\n")
	f("", "h", "s", 1e300, 7e9, "h.s 1e+300 7\n")
	f("", "h", "s", -1e-9, 7e9, "h.s -1e-09 7\n")
	f("", "h", "s", math.NaN(), 7e9, "")
	f("", "h", "s", math.Inf(-1), 7e9, "")
	f("", "h", "s", 1, -1, "h.s 1 0\n")
}

func TestAppendLineWithoutFields(t *testing.T) {
	e := event(t, "h", "s", 1, 7e9)
	e.Clear(engine.HasTime)
	e.Arrival = 8e9
	if got := string(AppendLine(nil, "", &e)); got != "h.s 1 8\n" {
		t.Errorf("without a time: got %q, want that of its arrival", got)
	}
	e.Clear(engine.HasMetric)
	if got := AppendLine([]byte("x"), "", &e); string(got) != "x" {
		t.Errorf("without a metric: got %q", got)
	}
}

func FuzzPath(f *testing.F) {
	f.Add("db1.example.net", "cpu/percent-user")
	f.Add("a b;c", "../x\u2028\xff")
	f.Fuzz(func(t *testing.T, host, service string) {
		e := event(t, host, service, 1, 7e9)
		line := AppendLine(nil, "p", &e)
		if len(line) == 0 {
			return
		}
		path, found := strings.CutSuffix(string(line), " 1 7\n")
		if !found || len(strings.Fields(path)) != 1 || strings.ContainsAny(path, ";/\n") {
			t.Errorf("got %q", line)
		}
		if strings.Contains(path, "..") || strings.HasSuffix(path, ".") || !strings.HasPrefix(path, "p.") {
			t.Errorf("%q has empty parts", path)
		}
	})
}

func BenchmarkAppendLine(b *testing.B) {
	e := event(b, "db1.example.net", "cpu/percent-user", 12.25, 1700000000e9)
	want := []byte("tocsin.db1_example_net.cpu.percent-user 12.25 1700000000\n")
	buf := make([]byte, 0, 256)
	b.SetBytes(int64(len(want)))
	b.ReportAllocs()
	for b.Loop() {
		if buf = AppendLine(buf[:0], "tocsin", &e); !bytes.Equal(buf, want) {
			b.Fatalf("got %q, want %q", buf, want)
		}
	}
}
