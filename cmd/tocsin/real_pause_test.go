//go:build real

package main

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRealStop: nothing expires that a stopped program could not hear, and then
// what falls silent does.
func TestRealStop(t *testing.T) {
	file := writeFile(t, "rules.lua", `
settings { http = "127.0.0.1:0", ttl = 3 }
source.graphite { listen = "127.0.0.1:0" }
events:where 'state = "expired" or service = "tocsin clock"':to(sink.log {})
`)
	cmd, out := tocsin(t, nil, "run", file)
	r := &reloadable{running: &running{t: t}, base: "http://" + out.await(t, `listening on tcp ([0-9.:]+) \(http\)`)[1]}
	conn, err := net.Dial("tcp", out.await(t, `listening on tcp ([0-9.:]+) \(source graphite\)`)[1])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	const services = 200
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	send := func(times int) {
		for range times {
			var lines strings.Builder
			for i := range services {
				fmt.Fprintf(&lines, "web%d.load 1\n", i)
			}
			if _, err := io.WriteString(conn, lines.String()); err != nil {
				t.Fatal(err)
			}
			<-tick.C
		}
	}
	wait := func(ticks int) {
		for range ticks {
			<-tick.C
		}
	}
	signal := func(s syscall.Signal) {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	send(2)
	signal(syscall.SIGSTOP)
	wait(6) // the senders cannot be heard either
	signal(syscall.SIGCONT)
	out.await(t, `"tocsin clock".*"warning".* do not count: the program stood still`)
	send(4)
	if got := r.metric("tocsin_events_expired_total"); got != "0" {
		t.Errorf("%s entries have expired", got)
	}
	if got := r.metric("tocsin_index_entries"); got != fmt.Sprint(services) {
		t.Errorf("the index has %s entries", got)
	}
	if got := r.metric("tocsin_clock_pauses_total"); got != "1" {
		t.Errorf("%s pauses were counted", got)
	}
	out.await(t, `"service":"web199.load","state":"expired"`)
	got, err := strconv.ParseFloat(r.metric("tocsin_clock_paused_seconds_total"), 64)
	if err != nil || got < 4.5 || got > 9 {
		t.Errorf("%v s were counted: %v", got, err)
	}
}
