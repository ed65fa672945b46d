package collectd

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"tocsin/engine"
	"tocsin/plugins/valuelist"
)

func TestTimeFormats(t *testing.T) {
	base := packet(nil).text(partHost, "h").text(partPlugin, "p").text(partType, "gauge")
	for _, c := range []struct {
		name string
		p    packet
		time engine.Time
		ttl  time.Duration
	}{
		{"whole seconds", base.number(partTime, 1700000000).number(partInterval, 10), 1700000000e9, 20 * time.Second},
		{"2^-30 s", base.number(partTimeHR, 1700000000<<30|1<<29).number(partIntervalHR, 1<<29), 1700000000.5e9, time.Second},
		{"rounded", base.number(partTimeHR, 5<<30|1), 5e9 + 1, 0},
		{"the later one counts", base.number(partTime, 7).number(partTimeHR, 9<<30), 9e9, 0},
		{"too large", base.number(partTime, 1<<63).number(partInterval, 1<<63), math.MaxInt64, math.MaxInt64},
		{"too large in 2^-30 s", base.number(partTimeHR, math.MaxUint64).number(partIntervalHR, math.MaxUint64), math.MaxInt64, math.MaxInt64},
	} {
		events := newHarness(DecoderOptions{TTLFactor: 2}).decode(c.p.values(1.0))
		if len(events) != 1 {
			t.Errorf("%s: got %d events", c.name, len(events))
		} else if e := events[0]; e.Time != c.time || e.TTL != c.ttl || (e.Has&engine.HasTTL != 0) != (c.ttl != 0) {
			t.Errorf("%s: got time %d, ttl %v; want %d, %v", c.name, e.Time, e.TTL, c.time, c.ttl)
		}
	}
}

func TestStateLastsUntilTheDatagramEnds(t *testing.T) {
	h := newHarness(DecoderOptions{})
	first := packet(nil).from("h", "cpu", "percent", "user", 1).text(partPluginInstance, "0").values(1.0).
		text(partTypeInstance, "idle").values(2.0).text(partPluginInstance, "").values(3.0).
		text(partHost, "i").values(4.0)
	var got []string
	for _, e := range h.decode(first) {
		got = append(got, e.ID.Host+" "+e.ID.Service)
	}
	want := []string{"h cpu-0/percent-user", "h cpu-0/percent-idle", "h cpu/percent-idle", "i cpu/percent-idle"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if events := h.decode(packet(nil).values(5.0)); len(events) != 0 {
		t.Errorf("state of an earlier datagram was used: %v", events)
	}
	h.want(t, Incomplete)
}

func TestDataSourceNames(t *testing.T) {
	types := valuelist.BuiltinTypes()
	if err := types.Read(bytes.NewReader([]byte("pair left:GAUGE:0:U, right:GAUGE:U:9\n")), "more.db"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		typ      string
		values   []any
		services []string
		ds       []string
		problems []Problem
	}{
		{"percent", []any{1.0}, []string{"p/percent-x"}, []string{"value"}, nil},
		{"if_octets", []any{int64(1), int64(2)}, []string{"p/if_octets-x/rx", "p/if_octets-x/tx"}, []string{"rx", "tx"}, nil},
		{"pair", []any{1.0, 2.0}, []string{"p/pair-x/left", "p/pair-x/right"}, []string{"left", "right"}, nil},
		{"nobody_knows", []any{1.0}, []string{"p/nobody_knows-x"}, []string{"value"}, []Problem{UnknownType}},
		{"nobody_knows", []any{1.0, 2.0}, []string{"p/nobody_knows-x/0", "p/nobody_knows-x/1"}, []string{"0", "1"}, []Problem{UnknownType}},
		{"pair", []any{1.0, 2.0, 3.0}, []string{"p/pair-x/0", "p/pair-x/1", "p/pair-x/2"}, []string{"0", "1", "2"}, []Problem{UnknownType}},
	} {
		h := newHarness(DecoderOptions{Types: types, Raw: true})
		p := packet(nil).from("h", "p", c.typ, "x", 1).values(c.values...)
		var services, ds []string
		for _, e := range append(h.decode(p)[:0:0], h.decode(p)...) {
			services = append(services, e.ID.Service)
			name, _ := e.ID.Labels.Attr("ds_name")
			ds = append(ds, name)
		}
		if !slices.Equal(services, c.services) || !slices.Equal(ds, c.ds) {
			t.Errorf("%s: got %q %q, want %q %q", c.typ, services, ds, c.services, c.ds)
		}
		h.want(t, c.problems...) // once, however often the type comes
		for _, about := range h.about {
			if about != c.typ {
				t.Errorf("%s: the problem is about %q", c.typ, about)
			}
		}
	}
}

func TestSecurity(t *testing.T) {
	plain := packet(nil).from("h", "p", "gauge", "", 1).values(1.0)
	users := func() Users { return NewUsers(map[string]string{"alice": "a", "bob": "b"}) }
	for _, c := range []struct {
		name     string
		p        packet
		security Security
		values   int
		problems []Problem
	}{
		{"plain where anything goes", plain, None, 1, nil},
		{"plain where signed", plain, Sign, 0, []Problem{Insecure}},
		{"plain where encrypted", plain, Encrypt, 0, []Problem{Insecure}},
		{"signed where signed", sign("bob", "b", plain), Sign, 1, nil},
		{"signed where encrypted", sign("bob", "b", plain), Encrypt, 0, []Problem{Insecure}},
		{"encrypted where signed", encrypt("alice", "a", plain), Sign, 1, nil},
		{"encrypted where encrypted", encrypt("alice", "a", plain), Encrypt, 1, nil},
		{"signed with the wrong password", sign("bob", "a", plain), None, 0, []Problem{BadSignature}},
		{"encrypted with the wrong password", encrypt("bob", "a", plain), None, 0, []Problem{BadChecksum}},
		{"signed by nobody", sign("eve", "a", plain), None, 0, []Problem{UnknownUser}},
		{"encrypted by nobody", encrypt("eve", "a", plain), None, 0, []Problem{UnknownUser}},
		{"signed around encrypted", sign("bob", "b", encrypt("alice", "a", plain)), Sign, 1, nil},
		{"signed around encrypted where encrypted", sign("bob", "b", encrypt("alice", "a", plain)), Encrypt, 1, []Problem{Insecure}},
		{"encrypted around signed", encrypt("alice", "a", sign("bob", "b", plain)), Encrypt, 1, nil},
		{"encrypted around badly signed", encrypt("alice", "a", sign("bob", "x", plain)), Encrypt, 0, []Problem{BadSignature}},
		{"plain before encrypted", append(slices.Clone(plain), encrypt("alice", "a", plain)...), Encrypt, 1, []Problem{Insecure}},
		{"plain after encrypted", append(encrypt("alice", "a", plain), plain...), None, 2, nil},
		{"plain after encrypted where encrypted", append(encrypt("alice", "a", plain), plain...), Encrypt, 1, []Problem{Insecure}},
		{"plain after signed", append(sign("bob", "b", plain), plain...), None, 0, []Problem{BadSignature}},
		{"no user name", sign("", "", plain), None, 0, []Problem{Malformed}},
		{"no user name to decrypt by", encrypt("", "", plain), None, 0, []Problem{Malformed}},
		{"nested too deep", nest(plain, maxNesting+1), None, 0, []Problem{Malformed}},
		{"nested deep", nest(plain, maxNesting), None, 1, nil},
	} {
		h := newHarness(DecoderOptions{Users: users(), Security: c.security})
		if got := len(h.decode(c.p)); got != c.values {
			t.Errorf("%s: got %d values, want %d", c.name, got, c.values)
		}
		t.Run(c.name, func(t *testing.T) { h.want(t, c.problems...) })
	}
}

func nest(p packet, depth int) packet {
	for range depth {
		p = encrypt("alice", "a", p)
	}
	return p
}

func TestEveryFlippedBitOfASignedDatagramIsNoticed(t *testing.T) {
	p := sign("bob", "b", packet(nil).from("h", "p", "gauge", "", 1).values(1.0))
	options := DecoderOptions{Users: NewUsers(map[string]string{"bob": "b"}), Security: Sign, Types: valuelist.BuiltinTypes()}
	for i := range len(p) * 8 {
		bad := slices.Clone(p)
		bad[i/8] ^= 1 << (i % 8)
		h := newHarness(options)
		if events := h.decode(bad); len(events) != 0 {
			t.Fatalf("bit %d: %v was taken", i, events)
		}
		if h.problems == [problems]int{} {
			t.Fatalf("bit %d: no problem was told", i)
		}
	}
}

func TestNotifications(t *testing.T) {
	at := func(severity uint64) packet {
		return packet(nil).number(partTimeHR, fine(5)).number(partSeverity, severity)
	}
	for _, c := range []struct {
		name          string
		p             packet
		host, service string
		state         string
		problem       Problem
	}{
		{"bare", at(1).text(partMessage, "m"), "", "", "critical", 0},
		{"host only", at(2).text(partHost, "h").text(partMessage, "m"), "h", "", "warning", 0},
		{"plugin only", at(4).text(partPlugin, "p").text(partPluginInstance, "i").text(partMessage, "m"), "", "p-i", "ok", 0},
		{"type only", at(4).text(partType, "t").text(partTypeInstance, "i").text(partMessage, "m"), "", "t-i", "ok", 0},
		{"all", at(4).from("h", "p", "t", "i", 5).text(partMessage, "m"), "h", "p/t-i", "ok", 0},
		{"severity 3", at(3).text(partMessage, "m"), "", "", "", UnknownSeverity},
		{"no severity", packet(nil).number(partTime, 5).text(partMessage, "m"), "", "", "", UnknownSeverity},
		{"no time", packet(nil).number(partSeverity, 1).text(partMessage, "m"), "", "", "", Incomplete},
		{"no text", at(1).text(partMessage, ""), "", "", "", Incomplete},
		{"endless text", at(1).text(partMessage, string(bytes.Repeat([]byte("x"), maxMessage+1))), "", "", "", Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(DecoderOptions{TTLFactor: 2})
			events := h.decode(c.p)
			if c.state == "" {
				h.want(t, c.problem)
				if len(events) > 0 {
					t.Errorf("got %v", events)
				}
				return
			}
			h.want(t)
			e := events[0]
			if e.ID.Host != c.host || e.ID.Service != c.service || e.State != c.state || e.Description != "m" || e.Time != 5e9 {
				t.Errorf("got %q %q %q %q %d", e.ID.Host, e.ID.Service, e.State, e.Description, e.Time)
			}
			if (c.host != "") != (e.ID.Has&engine.HasHost != 0) || (c.service != "") != (e.ID.Has&engine.HasService != 0) {
				t.Errorf("absent fields are not absent: %b", e.ID.Has)
			}
			if !e.ID.Tagged("notification") || e.Has&(engine.HasMetric|engine.HasTTL) != 0 {
				t.Errorf("got tags %v, has %b", e.ID.Labels.Tags, e.Has)
			}
		})
	}
}

func TestBadPartsCostOnlyWhatFollows(t *testing.T) {
	good := packet(nil).from("h", "p", "gauge", "", 1).values(1.0)
	after := func(p packet) packet { return append(slices.Clone(good), p...).values(2.0) }
	long := string(bytes.Repeat([]byte("x"), maxName+1))
	for _, c := range []struct {
		name    string
		p       packet
		want    []float64
		problem []Problem
	}{
		{"unknown part", after(packet(nil).part(0x7777, []byte("whatever"))), []float64{1, 2}, nil},
		{"empty unknown part", after(packet(nil).part(0x7777, nil)), []float64{1, 2}, nil},
		{"zeros at the end", append(slices.Clone(good), make([]byte, 100)...), []float64{1}, nil},
		{"three zeros at the end", append(slices.Clone(good), 0, 0, 0), []float64{1}, nil},
		{"a byte too many", append(slices.Clone(good), 7), []float64{1}, []Problem{Truncated}},
		{"length below the header", after(packet{0, 2, 0, 3}), []float64{1}, []Problem{Malformed}},
		{"length beyond the end", append(slices.Clone(good), 0, 2, 0, 99, 'x'), []float64{1}, []Problem{Truncated}},
		{"text without its NUL", after(packet(nil).part(partPlugin, []byte("p"))), []float64{1}, []Problem{Malformed}},
		{"text without anything", after(packet(nil).part(partPlugin, nil)), []float64{1}, []Problem{Malformed}},
		{"text too long", after(packet(nil).text(partPlugin, long)), []float64{1}, []Problem{Malformed}},
		{"number of four bytes", after(packet(nil).part(partTime, make([]byte, 4))), []float64{1}, []Problem{Malformed}},
		{"no values", after(packet(nil).values()), []float64{1}, []Problem{Malformed}},
		{"fewer values than told", after(packet(nil).part(partValues, append([]byte{0, 2, 1, 1}, make([]byte, 8)...))), []float64{1}, []Problem{Malformed}},
		{"unknown kind of value", after(packet(nil).part(partValues, append([]byte{0, 1, 4}, make([]byte, 8)...))), []float64{1}, []Problem{Malformed}},
		{"NaN", after(packet(nil).values(math.NaN())), []float64{1, 2}, []Problem{NaN}},
		{"NaN beside others", after(packet(nil).text(partType, "load").values(3.0, math.NaN(), 4.0).text(partType, "gauge")), []float64{1, 3, 4, 2}, []Problem{NaN}},
		{"infinite", after(packet(nil).values(math.Inf(1))), []float64{1, math.Inf(1), 2}, nil},
		{"no host", after(packet(nil).text(partHost, "").values(3.0).text(partHost, "h")), []float64{1, 2}, []Problem{Incomplete}},
		{"no plugin", after(packet(nil).text(partPlugin, "").values(3.0).text(partPlugin, "p")), []float64{1, 2}, []Problem{Incomplete}},
		{"no type", after(packet(nil).text(partType, "").values(3.0).text(partType, "gauge")), []float64{1, 2}, []Problem{Incomplete}},
		{"no time", after(packet(nil).number(partTime, 0).values(3.0).number(partTime, 1)), []float64{1, 2}, []Problem{Incomplete}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(DecoderOptions{})
			wantMetrics(t, h.decode(c.p), c.want...)
			h.want(t, c.problem...)
		})
	}
}

func TestTruncatedAnywhere(t *testing.T) {
	for _, file := range []string{"none.dgrams", "encrypt.dgrams"} {
		options := DecoderOptions{Raw: true, Users: NewUsers(map[string]string{"alice": password}), Types: valuelist.BuiltinTypes()}
		datagram := recording(t, file)[1]
		whole := newHarness(options).decode(datagram)
		last := 0
		for cut := range datagram {
			got := newHarness(options).decode(datagram[:cut])
			if len(got) < last {
				t.Fatalf("%s cut at %d: %d events, %d before", file, cut, len(got), last)
			}
			last = len(got)
			if !slices.Equal(metricsOf(got), metricsOf(whole[:len(got)])) {
				t.Fatalf("%s cut at %d: got %v", file, cut, metricsOf(got))
			}
		}
		// Without its last byte, the one lacks a list, the other everything.
		if last >= len(whole) || (last == 0) != (file == "encrypt.dgrams") {
			t.Errorf("%s without its last byte: %d events of %d", file, last, len(whole))
		}
	}
}

func TestFullBatchesAreHandedOver(t *testing.T) {
	values := make([]any, 3*engine.BatchSize+1)
	for i := range values {
		values[i] = float64(i)
	}
	events := newHarness(DecoderOptions{}).decode(packet(nil).from("h", "p", "many", "", 1).values(values...))
	if len(events) != len(values) {
		t.Fatalf("got %d events, want %d", len(events), len(values))
	}
	for i := range events {
		if events[i].Metric != float64(i) {
			t.Fatalf("event %d has metric %v", i, events[i].Metric)
		}
	}
}

func TestNamesAreMadeValidUTF8(t *testing.T) {
	e := newHarness(DecoderOptions{}).decode(packet(nil).from("h\xff", "µ", "gauge", "\xc3", 1).values(1.0))[0]
	if e.ID.Host != "h\uFFFD" || e.ID.Service != "µ/gauge-\uFFFD" {
		t.Errorf("got %q %q", e.ID.Host, e.ID.Service)
	}
}
