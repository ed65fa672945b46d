package main

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/engine"
)

// latencyRules pass every event to the sink; the metric is the time at which
// the generator handed its line to the socket, in microseconds since start.
const latencyRules = sourceLine + `events:where 'service =~ "cpu.%"':to(out)
`

// stamped appends a line whose metric is the time since start.
func stamped(line []byte, series int, start time.Time) []byte {
	line = append(line, graphiteName(series)...)
	line = append(line, ' ')
	line = strconv.AppendFloat(line, float64(time.Since(start))/1e3, 'f', 1, 64)
	return append(line, " -1\n"...)
}

// runLatency sends 500 events each millisecond and looks at how long each takes
// from the socket to the sink.
func runLatency(rep *report) error { return measureLatency(rep, latencyRules, kept{}) }

func measureLatency(rep *report, rules string, k kept) error {
	start := time.Now()
	const warm, count = 500_000, 2_500_000
	seen := make([]time.Duration, 0, count)
	var n atomic.Int64
	r, err := newKeptRig(rules, true, func(e *engine.Event) {
		if i := n.Add(1); i > warm && i <= warm+count {
			seen = append(seen, time.Since(start)-time.Duration(e.Metric*1e3))
		}
	}, k)
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	line := make([]byte, 0, 128)
	sent := 0
	began := time.Now()
	for sent < warm+count {
		// The line's time is that of its millisecond: what the pacing is late
		// counts as delay too.
		due := int(time.Since(began).Seconds() * 500_000)
		for sent < min(due, warm+count) {
			line = stamped(line[:0], sent%100_000, start)
			buf.Write(line)
			sent++
		}
		if _, err := conn.Write(buf.Bytes()); err != nil {
			return err
		}
		buf.Reset()
		<-time.After(time.Millisecond)
	}
	rate := float64(sent) / time.Since(began).Seconds()
	conn.Close()
	for n.Load() < warm+count {
		<-time.After(time.Millisecond)
	}
	r.close()
	rep.add("events sent", "%.0f k/s", rate/1e3)
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
		rep.add(fmt.Sprintf("q%v, socket to sink", q*100), "%.2f ms", float64(quantile(seen, q))/1e6)
	}
	return nil
}

// runIdle sends one event at a time, and waits for it to reach the sink before
// the next.
func runIdle(rep *report) error {
	start := time.Now()
	arrived := make(chan time.Duration, 1)
	r, err := newRig(latencyRules, true, func(e *engine.Event) {
		arrived <- time.Since(start) - time.Duration(e.Metric*1e3)
	})
	if err != nil {
		return err
	}
	defer r.close()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	var seen []time.Duration
	line := make([]byte, 0, 128)
	for i := range 21_000 {
		line = stamped(line[:0], i%100, start)
		if _, err := conn.Write(line); err != nil {
			return err
		}
		d := <-arrived
		if i >= 1000 {
			seen = append(seen, d)
		}
		<-time.After(100 * time.Microsecond)
	}
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999} {
		rep.add(fmt.Sprintf("q%v, one event when idle", q*100), "%.1f µs", float64(quantile(seen, q))/1e3)
	}
	return nil
}

// runExpiry lets 200,000 entries expire at the same instant while other events
// go on, and looks at the longest delay of those.
func runExpiry(rep *report) error {
	start := time.Now()
	var mu sync.Mutex
	var worst time.Duration
	var seen []time.Duration
	var expired, expiredBefore atomic.Int64
	r, err := newRig(sourceLine+`
events:where 'service =~ "cpu.%" and expired':by "host":changed("state"):to(out)
events:where 'service =~ "cpu.%"':by("host", "service"):changed("state", { init = "ok" }):to(out)
events:where 'tagged "probe"':to(out)
events:where 'service =~ "cpu.%" and expired':to(out)
`, false, func(e *engine.Event) {
		if e.IsExpired() {
			expired.Add(1)
			return
		}
		if e.Has&engine.HasMetric != 0 && e.ID.Tagged("probe") {
			d := time.Since(start) - time.Duration(e.Metric*1e3)
			mu.Lock()
			worst = max(worst, d)
			seen = append(seen, d)
			mu.Unlock()
		}
	})
	if err != nil {
		return err
	}
	defer r.close()
	// The mass: all of one ttl, and of one arrival as nearly as can be.
	const mass = 200_000
	until := time.Now().Add(3 * time.Second)
	b := r.input.Batch()
	send := func() error {
		err := r.input.Send(r.ctx, b)
		b = r.input.Batch()
		return err
	}
	for i := range mass {
		var p engine.Parts
		p.SetHost(fmt.Sprintf("host%d", i/100))
		p.SetService(fmt.Sprintf("cpu.%d", i%100))
		id, err := r.input.Identities().Intern(p)
		if err != nil {
			return err
		}
		ev := b.Add(id)
		ev.SetTTL(time.Until(until))
		if b.Full() {
			if err := send(); err != nil {
				return err
			}
		}
	}
	if err := send(); err != nil {
		return err
	}
	var p engine.Parts
	p.Tags = []string{"probe"}
	p.SetService("probe")
	probe, err := r.input.Identities().Intern(p)
	if err != nil {
		return err
	}
	for time.Since(until) < 2*time.Second {
		for range 50 {
			b.Add(probe).SetMetric(float64(time.Since(start)) / 1e3)
		}
		if err := send(); err != nil {
			return err
		}
		if time.Now().Before(until) {
			expiredBefore.Store(expired.Load())
			mu.Lock()
			seen, worst = seen[:0], 0
			mu.Unlock()
		}
		<-time.After(time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	if got := expired.Load(); got < mass {
		return fmt.Errorf("only %d messages of expiries", got)
	}
	rep.add("longest delay of 50 k other events/s, while 200,000 expire", "%.1f ms", float64(worst)/1e6)
	rep.add("q99 of that delay", "%.1f ms", float64(quantile(seen, 0.99))/1e6)
	return nil
}
