package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tocsin/engine"
)

// runSlow feeds a rule that spins in Lua far faster than it works, and then
// lets it go.
func runSlow(rep *report) error {
	r, err := newRig(sourceLine+`
slow = true
events:where 'service =~ "cpu.%"':each(function(e)
  if slow then for i = 1, 1000 do local x = i * i end end
end):to(out)
events:where 'service = "go"':each(function(e) slow = false end)
`, true, nil)
	if err != nil {
		return err
	}
	defer r.close()
	pieces, _ := graphiteLines(10_000)
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		return err
	}
	sent := make(chan int, 1)
	stop := make(chan struct{})
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				sent <- n
				return
			default:
			}
			for _, piece := range pieces {
				if _, err := conn.Write(piece); err != nil {
					sent <- -1
					return
				}
			}
			n += 10_000
		}
	}()
	before := resident()
	most := before
	began, at := time.Now(), r.events()
	for time.Since(began) < 5*time.Second {
		<-time.After(50 * time.Millisecond)
		most = max(most, resident())
	}
	slowRate := float64(r.events()-at) / time.Since(began).Seconds()
	close(stop)
	// One event from elsewhere ends the slowness; the rest then flows.
	other, err := net.Dial("tcp", r.addr)
	if err != nil {
		return err
	}
	fmt.Fprintln(other, "x.go 1 -1")
	other.Close()
	total := <-sent
	if total < 0 {
		return fmt.Errorf("the sender was cut off")
	}
	for r.out.messages.Load() < int64(total) {
		<-time.After(time.Millisecond)
	}
	passed := r.out.messages.Load()
	at, began = r.events(), time.Now()
	stop = make(chan struct{})
	time.AfterFunc(2*time.Second, func() { close(stop) })
	if _, err := feedTCP(r.addr, pieces, stop); err != nil {
		return err
	}
	fast := float64(r.events()-at) / time.Since(began).Seconds()
	conn.Close()
	rep.add("slow rule, fed without pause", "%.0f k events/s taken", slowRate/1e3)
	rep.add("resident memory, before and at most", "%.0f MB, %.0f MB", float64(before)/1e6, float64(most)/1e6)
	rep.add("sent, and passed in the end", "%d, %d", total, passed)
	rep.add("speed afterwards, with the rule's function still called in the VM", "%.0f k events/s", fast/1e3)
	return nil
}

// runStanding reads standing queries of a full index ten times a second.
func runStanding(rep *report) error {
	var b strings.Builder
	b.WriteString("local out = sink.discard {}\nsettings { identities = 1200000, ttl = 86400 }\n")
	for i := range 100 {
		fmt.Fprintf(&b, `rule "rule %d" { every = 0.1, eval = function()
  local set = index 'service = "cpu.%d.percent-user"'
  local all = index 'host =~ "host%%"'
  return { state = set:share "metric = 1" > 0.5 and "ok" or "critical", metric = set:sum() + all:count() }
end }
`, i, i)
	}
	r, err := newRig(b.String(), false, nil)
	if err != nil {
		return err
	}
	defer r.close()
	if err := fill(r, 1_000_000); err != nil {
		return err
	}
	runtime.GC()
	<-time.After(2 * time.Second)
	cpu, wall := cpuTime(), time.Now()
	<-time.After(5 * time.Second)
	used := cpuTime() - cpu
	rep.add("100 rules at 10 Hz, 200 standing reads each round, 1 M entries", "%.2f %% of a core", 100*used.Seconds()/time.Since(wall).Seconds())
	return nil
}

// fill puts one event of each of n series into the index.
func fill(r *rig, n int) error {
	b := r.input.Batch()
	for i := range n {
		var p engine.Parts
		p.SetHost(fmt.Sprintf("host%05d_example_net", i/100))
		p.SetService(fmt.Sprintf("cpu.%d.percent-user", i%100))
		id, err := r.input.Identities().Intern(p)
		if err != nil {
			return err
		}
		b.Add(id).SetMetric(float64(i % 3))
		if b.Full() || i == n-1 {
			if err := r.input.Send(r.ctx, b); err != nil {
				return err
			}
			b = r.input.Batch()
		}
	}
	for r.events() < int64(n) {
		<-time.After(time.Millisecond)
	}
	return nil
}

// runMemory looks at the resident memory of a million series that came in over
// the graphite port: names, identities, index, timers and all tables.
func runMemory(rep *report) error {
	r, err := newRig(sourceLine+"settings { ttl = 86400 }\nevents:where 'metric > 1e9':to(out)\n", true, nil)
	if err != nil {
		return err
	}
	defer r.close()
	const series = 1_000_000
	names := 0
	before := resident()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		return err
	}
	line := make([]byte, 0, 64<<10)
	for i := range series {
		name := graphiteName(i)
		names += len(name)
		line = append(line, name...)
		line = append(line, " 1 -1\n"...)
		if len(line) > 60<<10 || i == series-1 {
			if _, err := conn.Write(line); err != nil {
				return err
			}
			line = line[:0]
		}
	}
	for r.events() < series {
		<-time.After(time.Millisecond)
	}
	loaded := resident()
	debug.FreeOSMemory()
	settled := resident()
	rep.add("resident per entry, right after loading", "%d bytes (names are %d of them)", (loaded-before)/series, names/series)
	rep.add("resident per entry, after a collection", "%d bytes", (settled-before)/series)
	conn.Close()
	return nil
}

// resident returns the resident memory of this process, in bytes.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// cpuTime returns the processor time that this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
