package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// feeder plays the shop's machines: it sends what they would.
type feeder struct {
	shop   *demoShop
	way    shopWay
	logger *slog.Logger
	buf    []byte
}

// shopWay is a way from the shop's machines to Tocsin.
type shopWay interface {
	// sendLines sends graphite's lines, sendCPUs what collectd measured.
	sendLines(ctx context.Context, lines []byte) error
	sendCPUs(ctx context.Context, cpus []shopCPU, now time.Time) error
	// close lets go of what the sending opened. It may be sent again.
	close()
}

// run feeds until ctx is done.
func (f *feeder) run(ctx context.Context) {
	defer f.way.close()
	ticker := time.NewTicker(shopTick)
	defer ticker.Stop()
	for tick := 0; ; tick++ {
		if err := f.feed(ctx, tick, time.Now()); err != nil && ctx.Err() == nil {
			f.logger.Warn("the shop cannot send", "err", err)
			f.way.close()
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// feed sends what belongs to one tick.
func (f *feeder) feed(ctx context.Context, tick int, now time.Time) error {
	f.buf = f.shop.lines(f.buf[:0], tick, now)
	if err := f.way.sendLines(ctx, f.buf); err != nil || tick%10 != 0 {
		return err
	}
	return f.way.sendCPUs(ctx, f.shop.cpus(tick), now)
}

// shopSockets sends over the sockets that the shop's sources listen on.
type shopSockets struct {
	graphite, collectd string // addresses

	lines net.Conn // nil: to be dialled
	cpu   net.Conn
}

func (w *shopSockets) sendLines(ctx context.Context, lines []byte) error {
	if err := w.dial(ctx); err != nil {
		return err
	}
	w.lines.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := w.lines.Write(lines); err != nil {
		return fmt.Errorf("cannot send to %s: %w", w.graphite, err)
	}
	return nil
}

func (w *shopSockets) sendCPUs(ctx context.Context, cpus []shopCPU, now time.Time) error {
	if err := w.dial(ctx); err != nil {
		return err
	}
	var p collectdPacket
	for _, c := range cpus {
		p.cpu(c.host, now, c.percent)
	}
	if _, err := w.cpu.Write(p); err != nil {
		return fmt.Errorf("cannot send to %s: %w", w.collectd, err)
	}
	return nil
}

func (w *shopSockets) dial(ctx context.Context) (err error) {
	var d net.Dialer
	if w.lines == nil {
		if w.lines, err = d.DialContext(ctx, "tcp", w.graphite); err != nil {
			w.lines = nil
			return err
		}
	}
	if w.cpu == nil {
		if w.cpu, err = d.DialContext(ctx, "udp", w.collectd); err != nil {
			w.cpu = nil
			return err
		}
	}
	return nil
}

func (w *shopSockets) close() {
	for _, conn := range []*net.Conn{&w.lines, &w.cpu} {
		if *conn != nil {
			(*conn).Close()
			*conn = nil
		}
	}
}
