//go:build real

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/bench/programs"
)

// memberSource is a source whose client_id says which member of its group it is.
const memberSource = `source.kafka { brokers = { %q }, topics = { %q }, group = %q, client_id = %q, format = "json", start = "earliest" }
`

// windowRules have windows open for each host. The first two go by the times of
// the events, which are in the future, so that the clock closes none of them. A
// rate goes by the clock.
const windowRules = `
local w = events:where 'service = "w"':by("host")
local windows = sink.file { name = "windows", path = "windows", full = "block" }
w:fixed_time_window(10, { aligned = true }):fold("sum"):with { service = "fixed" }:to(windows)
w:moving_time_window(10):fold("sum"):with { service = "moving" }:to(windows)
w:rate(0.5):to(sink.file { name = "rates", path = "rates", full = "block" })
w:counter():with { service = "count" }:index()
events:where 'service = "alive" and expired':to(sink.file { name = "expired", path = "expired", full = "block" })
`

// windowsBegin is the time of the first of the events, in seconds.
const windowsBegin = 4_000_000_000

// windowReader is a tocsin with windowRules.
type windowReader struct{ *reader }

func newWindowReader(t *testing.T, k *programs.Kafka, topic, group, member string) windowReader {
	t.Helper()
	return windowReader{newReader(t, memberSource+windowRules, k.Plain, topic, group, member)}
}

// lines returns what a sink has written of each host.
func (r windowReader) lines(sink string) map[string]string {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(filepath.Dir(r.file), sink))
	if err != nil {
		r.t.Fatal(err)
	}
	out := make(map[string]string)
	for line := range strings.Lines(string(data)) {
		out[parseWindow(r.t, line).Host] += line
	}
	return out
}

// window is what a window has given.
type window struct {
	Host, Service string
	Time, Metric  float64
}

func parseWindow(t *testing.T, line string) (w window) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), &w); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return w
}

// fixed returns the sums of the fixed windows of a host, by their numbers.
func (r windowReader) fixed(host string) map[int]int {
	r.t.Helper()
	out := make(map[int]int)
	for line := range strings.Lines(r.lines("windows")[host]) {
		if w := parseWindow(r.t, line); w.Service == "fixed" {
			out[(int(w.Time)-windowsBegin)/10] += int(w.Metric)
		}
	}
	return out
}

// awaitRates waits until the rates of hosts, each for half a second, add up to sum.
func (r windowReader) awaitRates(hosts []string, sum int) {
	r.t.Helper()
	for _, host := range hosts {
		got := 0
		programs.Until(r.t, fmt.Sprintf("the rates of %s add up to %d", host, sum), func() bool {
			got = 0
			for line := range strings.Lines(r.lines("rates")[host]) {
				got += int(parseWindow(r.t, line).Metric / 2)
			}
			return got >= sum
		})
		if got != sum {
			r.t.Errorf("the rates of %s add up to %d, want %d", host, got, sum)
		}
	}
}

// awaitSums waits until as many hosts have counted a sum.
func (r windowReader) awaitSums(hosts []string, sum int) {
	r.t.Helper()
	for _, host := range hosts {
		r.await(fmt.Sprintf(`service = "count" and host = %q and metric = %d`, host, sum), 1)
	}
}

// closeWindows closes the fixed windows of hosts by an event of a much later time.
func (r windowReader) closeWindows(hosts []string) {
	r.t.Helper()
	for _, host := range hosts {
		postEvents(r.t, r.base, strings.NewReader(windowEvent(host, 1000, 0)))
	}
}

func windowEvent(host string, at, metric int) string {
	return fmt.Sprintf(`{"host":%q,"service":"w","time":%d,"metric":%d}`+"\n", host, windowsBegin+at, metric)
}

// hostsIn are those of some partitions, two of each.
func hostsIn(partitions ...int32) (out []string) {
	for _, p := range partitions {
		out = append(out, fmt.Sprint(p, "a"), fmt.Sprint(p, "b"))
	}
	return out
}

var allPartitions = []int32{0, 1, 2, 3}

// putWindows produces an event for each host and second from first on up to end.
// Its metric is the number of the second.
func putWindows(k *programs.Kafka, topic string, first, end int) {
	for _, p := range allPartitions {
		var text strings.Builder
		for at := first; at < end; at++ {
			for _, host := range hostsIn(p) {
				text.WriteString(windowEvent(host, at, at))
			}
		}
		k.Produce(topic, text.String(), "-p", fmt.Sprint(p))
	}
}

// putAlive produces an event with a ttl for each partition.
func putAlive(k *programs.Kafka, topic string, ttl int) {
	for _, p := range allPartitions {
		k.Produce(topic, fmt.Sprintf(`{"host":"%d","service":"alive","ttl":%d}`, p, ttl), "-p", fmt.Sprint(p))
	}
}

// sumOf is the sum of the numbers from first on up to end.
func sumOf(first, end int) int { return (end - first) * (first + end - 1) / 2 }

// awaitMembers waits until a group has these members, by their client_id, and all
// partitions are shared out among them. It returns which each has.
func awaitMembers(t *testing.T, k *programs.Kafka, group string, members ...string) (has map[string][]int32) {
	t.Helper()
	programs.Until(t, fmt.Sprintf("the members of %s are %q", group, members), func() bool {
		groups, err := k.Admin.DescribeGroups(context.Background(), group)
		if err != nil || groups[group].State != "Stable" || len(groups[group].Members) != len(members) {
			return false
		}
		has = make(map[string][]int32)
		n := 0
		for _, m := range groups[group].Members {
			assigned, _ := m.Assigned.AsConsumer()
			for _, topic := range assigned.Topics {
				has[m.ClientID] = append(has[m.ClientID], topic.Partitions...)
				n += len(topic.Partitions)
			}
		}
		return n == len(allPartitions) && len(has) == len(members)
	})
	return has
}

// testKafkaQuietRebalance has a second member come and go while windows are open
// and nothing is produced: nobody could tell.
func testKafkaQuietRebalance(t *testing.T, k *programs.Kafka) {
	k.CreateTopic("quiet", 4)
	first, second := newWindowReader(t, k, "quiet", "quiet", "first"), newWindowReader(t, k, "quiet", "quiet", "second")
	hosts := hostsIn(allPartitions...)
	first.start()
	putWindows(k, "quiet", 0, 15)
	first.awaitSums(hosts, sumOf(0, 15))
	for range 2 {
		second.start()
		awaitMembers(t, k, "quiet", "first", "second")
		second.stop()
		awaitMembers(t, k, "quiet", "first")
	}
	putWindows(k, "quiet", 15, 35)
	first.awaitSums(hosts, sumOf(0, 35))
	first.stop()
	alone := newWindowReader(t, k, "quiet", "quiet alone", "alone")
	alone.start()
	alone.awaitSums(hosts, sumOf(0, 35))
	alone.stop()
	for _, host := range hosts {
		if got, want := first.lines("windows")[host], alone.lines("windows")[host]; got != want || got == "" {
			t.Errorf("with a rebalance:\n%swithout:\n%s", got, want)
		}
	}
	if got := second.lines("windows"); len(got) > 0 {
		t.Errorf("the second member gives %v", got)
	}
}

// testKafkaWindowsInARebalance has a second member read half of the partitions
// while windows are open, and leave. Windows of the others are as ever. Of those
// that moved each member has a part, the parts add up to the whole, and entries
// expire at the member that does not hear of them any more.
func testKafkaWindowsInARebalance(t *testing.T, k *programs.Kafka) {
	k.CreateTopic("windows", 4)
	first, second := newWindowReader(t, k, "windows", "windows", "first"), newWindowReader(t, k, "windows", "windows", "second")
	hosts := hostsIn(allPartitions...)
	first.start()
	putAlive(k, "windows", 2)
	putWindows(k, "windows", 0, 15)
	first.awaitSums(hosts, sumOf(0, 15))

	second.start()
	has := awaitMembers(t, k, "windows", "first", "second")
	moved, stayed := hostsIn(has["second"]...), hostsIn(has["first"]...)
	putAlive(k, "windows", 86400)
	putWindows(k, "windows", 15, 30)
	first.awaitSums(stayed, sumOf(0, 30))
	second.awaitSums(moved, sumOf(15, 30))
	// What was open for the clock closes where it was opened.
	first.awaitRates(moved, sumOf(0, 15))
	second.awaitRates(moved, sumOf(15, 30))
	for _, p := range has["second"] { // it lives, but the first hears nothing of it
		host := fmt.Sprint(p)
		second.await(fmt.Sprintf(`service = "alive" and host = %q`, host), 1)
		programs.Until(t, host+" expires", func() bool { return first.lines("expired")[host] != "" })
	}
	second.closeWindows(moved)
	// The end of a source has 2 s to keep what it read, too little for a slow disk.
	programs.Until(t, "the group is told of all", func() bool {
		told := committed(t, k, "windows", "windows")
		return !slices.ContainsFunc(has["second"], func(p int32) bool { return told[p] != 2+2*30 })
	})
	second.stop()
	awaitMembers(t, k, "windows", "first")

	putWindows(k, "windows", 30, 45)
	first.awaitSums(stayed, sumOf(0, 45))
	first.awaitSums(moved, sumOf(0, 15)+sumOf(30, 45))
	first.awaitRates(stayed, sumOf(0, 45))
	first.awaitRates(moved, sumOf(0, 15)+sumOf(30, 45))
	first.closeWindows(hosts)
	first.stop()
	alone := newWindowReader(t, k, "windows", "windows alone", "alone")
	alone.start()
	alone.awaitSums(hosts, sumOf(0, 45))
	alone.closeWindows(hosts)
	alone.stop()

	for _, host := range stayed {
		if got, want := first.lines("windows")[host], alone.lines("windows")[host]; got != want || got == "" {
			t.Errorf("of a partition that did not move, with a rebalance:\n%swithout:\n%s", got, want)
		}
	}
	for _, host := range moved {
		one, other, want := first.fixed(host), second.fixed(host), alone.fixed(host)
		for n, sum := range want {
			if one[n]+other[n] != sum {
				t.Errorf("window %d of %s has %d and %d, want %d in all", n, host, one[n], other[n], sum)
			}
		}
		if one[1] != sumOf(10, 15) || other[1] != sumOf(15, 20) {
			t.Errorf("window 1 of %s has %d and %d", host, one[1], other[1])
		}
	}
	if len(moved) != 4 || slices.Contains(moved, stayed[0]) {
		t.Errorf("moved: %v, stayed: %v", moved, stayed)
	}
}
