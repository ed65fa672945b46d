package collectd

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"tocsin/engine"
	"tocsin/plugins/datagram"
)

// fleet makes the datagrams of hosts that send 350 values each, about 25 in a
// datagram, as a collectd with the usual plugins does.
func fleet(hosts int, wrap func(packet) packet) (datagrams [][]byte, values int) {
	for h := range hosts {
		for _, p := range fleetHost(h) {
			datagrams = append(datagrams, wrap(p))
			values += 25
		}
	}
	return datagrams, values
}

func fleetHost(h int) (datagrams []packet) {
	host := fmt.Sprintf("app%05d.example.net", h)
	for i := range 14 {
		p := packet(nil).from(host, "cpu", "cpu", "", 1).text(partPluginInstance, fmt.Sprint(i))
		for j := range 21 {
			p = p.text(partTypeInstance, fmt.Sprintf("state%d", j)).values(int64(j))
		}
		p = p.text(partPlugin, "interface").text(partType, "if_octets").text(partTypeInstance, "").values(int64(1), int64(2))
		datagrams = append(datagrams, p.text(partType, "if_packets").values(int64(1), int64(2)))
	}
	return datagrams
}

// setTime changes the time of a datagram of fleet: what a tick later would come.
func setTime(datagram []byte, host string, tick int) {
	binary.BigEndian.PutUint64(datagram[4+len(host)+1+4:], fine(float64(tick)))
}

func BenchmarkDecode(b *testing.B) {
	plain := func(p packet) packet { return p }
	for _, c := range []struct {
		name  string
		hosts int
		raw   bool
	}{
		{"rates/series=10k", 29, false},
		{"rates/series=100k", 286, false},
		{"rates/series=1M", 2858, false},
		{"raw/series=100k", 286, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			datagrams, values := fleet(c.hosts, plain)
			benchmarkDecode(b, DecoderOptions{Raw: c.raw, TTLFactor: 2}, datagrams, values, true)
		})
	}
	users := NewUsers(map[string]string{"alice": password})
	b.Run("signed/series=100k", func(b *testing.B) {
		datagrams, values := fleet(286, func(p packet) packet { return sign("alice", password, p) })
		benchmarkDecode(b, DecoderOptions{Raw: true, Users: users, Security: Sign}, datagrams, values, false)
	})
	b.Run("encrypted/series=100k", func(b *testing.B) {
		datagrams, values := fleet(286, func(p packet) packet { return encrypt("alice", password, p) })
		benchmarkDecode(b, DecoderOptions{Raw: true, Users: users, Security: Encrypt}, datagrams, values, false)
	})
}

// benchmarkDecode decodes the datagrams round and round; moving gives each
// round a later time, so that counters have rates.
func benchmarkDecode(b *testing.B, o DecoderOptions, datagrams [][]byte, values int, moving bool) {
	h := newHarness(o)
	batch := &engine.Batch{Events: make([]engine.Event, 0, engine.BatchSize)}
	events := 0
	full := func(b *engine.Batch) *engine.Batch {
		events += len(b.Events)
		b.Events = b.Events[:0]
		return b
	}
	const host = "app00000.example.net"
	scratch := make([]byte, datagram.MaxSize)
	bytes, next, tick := 0, 0, 1
	round := func(n int) {
		for range n {
			data := scratch[:copy(scratch, datagrams[next])]
			if moving {
				setTime(data, host, tick)
			}
			batch = h.Decode(data, batch, full)
			bytes += len(data)
			if next++; next == len(datagrams) {
				next, tick = 0, tick+1
			}
		}
	}
	round(2 * len(datagrams)) // every series is known, every counter has a rate
	full(batch)
	events, bytes = 0, 0
	b.ReportAllocs()
	b.ResetTimer()
	round(b.N)
	b.StopTimer()
	full(batch)
	perDatagram := values / len(datagrams)
	if events != b.N*perDatagram {
		b.Fatalf("got %d events of %d datagrams", events, b.N)
	}
	b.SetBytes(int64(bytes / b.N))
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "values/s")
}

// BenchmarkMemory measures what the decoder and the identities take for each of
// a million series, names included.
func BenchmarkMemory(b *testing.B) {
	for range b.N {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		h := newHarness(DecoderOptions{})
		batch := &engine.Batch{}
		full := func(b *engine.Batch) *engine.Batch { b.Events = b.Events[:0]; return b }
		values := 0
		for host := range 2858 {
			for _, datagram := range fleetHost(host) {
				values += 25
				batch = h.Decode(datagram, batch, full)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if h.ids.Len() != values {
			b.Fatalf("%d identities of %d series", h.ids.Len(), values)
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(values), "B/series")
	}
}
