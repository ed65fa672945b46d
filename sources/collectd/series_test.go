package collectd

import (
	"fmt"
	"testing"

	"tocsin/engine"
)

// An Identities that is full forgets those that the engine never saw, which
// here are all.
func TestForgottenSeriesMakeRoom(t *testing.T) {
	h := newHarness(DecoderOptions{Identities: engine.NewIdentities(100)})
	const series = 10 * minSweep
	events := 0
	for i := range series {
		p := packet(nil).from(fmt.Sprint("host", i), fmt.Sprint("plugin", i), "gauge", "", 1).values(1.0)
		events += len(h.decode(p))
	}
	if events < series/2 || events+h.problems[TooMany] != series {
		t.Errorf("%d series gave %d events, %d were too many", series, events, h.problems[TooMany])
	}
	if got := len(h.table.hosts) + len(h.table.groups); got > 2*minSweep {
		t.Errorf("%d hosts and groups are kept for 100 identities", got)
	}
}

func TestSweepKeepsWhatIsAlive(t *testing.T) {
	h := newHarness(DecoderOptions{})
	at := func(seconds float64, n int64) packet {
		return packet(nil).from("a", "p", "if_octets", "", seconds).values(1*n, 2*n).text(partHost, "b").values(3*n, 4*n)
	}
	h.decode(at(10, 10))
	h.table.sweep()
	wantMetrics(t, h.decode(at(20, 20)), 1, 2, 3, 4)
	if h.table.size != 2+1+4 {
		t.Errorf("the size of 2 hosts, 1 group and 4 series is %d", h.table.size)
	}
	size := h.table.size
	h.table.sweep()
	if h.table.size != size {
		t.Errorf("a sweep made the size %d of %d", h.table.size, size)
	}
}

func TestCounterThatWasForgottenBeginsAnew(t *testing.T) {
	ids := engine.NewIdentities(2)
	h := newHarness(DecoderOptions{Identities: ids})
	at := func(seconds float64, n int64) packet {
		return packet(nil).from("a", "p", "derive", "", seconds).values(n)
	}
	h.decode(at(10, 10))
	for i := range 3 { // pushes the series out
		var p engine.Parts
		p.SetHost(fmt.Sprint("other", i))
		if _, err := ids.Intern(p); err != nil {
			t.Fatal(err)
		}
	}
	wantMetrics(t, h.decode(at(20, 20)))
	wantMetrics(t, h.decode(at(30, 40)), 2)
	h.want(t, First, First)
}

func TestTooManyIdentitiesCostOnlyNewOnes(t *testing.T) {
	h := newHarness(DecoderOptions{Identities: engine.NewIdentities(0)})
	wantMetrics(t, h.decode(packet(nil).from("a", "p", "load", "", 1).values(1.0, 2.0, 3.0)))
	h.decode(packet(nil).number(partTime, 1).number(partSeverity, 1).text(partMessage, "m"))
	h.want(t, TooMany, TooMany, TooMany, TooMany)
}

// Hosts share names and attributes; each identity shares its host's name.
func TestStringsAreShared(t *testing.T) {
	h := newHarness(DecoderOptions{})
	events := h.decode(packet(nil).from("a", "p", "gauge", "", 1).values(1.0).text(partHost, "b").values(2.0))
	if events[0].ID.Labels != events[1].ID.Labels {
		t.Error("two hosts do not share the attributes")
	}
	if len(h.table.groups) != 1 || len(h.table.hosts) != 2 {
		t.Errorf("got %d groups, %d hosts", len(h.table.groups), len(h.table.hosts))
	}
}
