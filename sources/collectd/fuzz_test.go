package collectd

import (
	"math"
	"strings"
	"testing"

	"tocsin/engine"
	"tocsin/plugins/valuelist"
)

// Whatever comes, decoding does not panic, gives only whole events, keeps what
// stands before a cut, and tells of a problem when it stops early.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"none.dgrams", "sign.dgrams", "encrypt.dgrams"} {
		for _, datagram := range recording(f, name)[:4] {
			f.Add(datagram, uint8(0))
		}
	}
	plain := packet(nil).from("h", "p", "if_octets", "x", 1).values(uint64(1), int64(2), absoluteValue(3), math.NaN())
	f.Add([]byte(encrypt("alice", password, sign("alice", password, plain))), uint8(2))
	f.Add([]byte(packet(nil).number(partTime, 1).number(partSeverity, 2).text(partMessage, "m")), uint8(1))
	types := valuelist.BuiltinTypes()
	f.Fuzz(func(t *testing.T, datagram []byte, flags uint8) {
		options := DecoderOptions{
			Types: types, Users: NewUsers(map[string]string{"alice": password}),
			Security: Security(flags % 3), Raw: flags&4 != 0, TTLFactor: 2,
		}
		whole := newHarness(options)
		events := whole.decode(datagram)
		for i := range events {
			check(t, &events[i])
		}
		if len(datagram) == 0 || options.Security != None || strings.HasPrefix(string(datagram), "\x02") {
			return
		}
		// The head of a plain datagram gives the head of its events.
		cut := newHarness(options).decode(datagram[:len(datagram)*int(flags)/256])
		if len(cut) > len(events) {
			t.Fatalf("%d events of a part, %d of the whole", len(cut), len(events))
		}
		for i := range cut {
			if cut[i].Metric != events[i].Metric || cut[i].ID.Service != events[i].ID.Service {
				t.Fatalf("event %d is %v, and %v when cut", i, events[i], cut[i])
			}
		}
	})
}

func check(t *testing.T, e *engine.Event) {
	if e.ID == nil || e.Has&engine.HasTime == 0 || e.Metric != e.Metric {
		t.Fatalf("not a whole event: %+v", e)
	}
	if e.Has&engine.HasMetric != 0 == e.ID.Tagged(Tag) {
		t.Fatalf("neither value nor notification: %+v", e)
	}
	if e.Has&engine.HasTTL != 0 && e.TTL <= 0 {
		t.Fatalf("ttl %v", e.TTL)
	}
}
