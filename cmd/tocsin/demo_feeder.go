package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// feeder plays the shop's machines: it sends what they would over the same
// sockets.
type feeder struct {
	shop               *demoShop
	graphite, collectd string // addresses
	logger             *slog.Logger

	lines net.Conn // nil: to be dialled
	cpu   net.Conn
	buf   []byte
}

// run feeds until ctx is done.
func (f *feeder) run(ctx context.Context) {
	defer f.close()
	ticker := time.NewTicker(shopTick)
	defer ticker.Stop()
	for tick := 0; ; tick++ {
		if err := f.feed(ctx, tick, time.Now()); err != nil && ctx.Err() == nil {
			f.logger.Warn("the shop cannot send", "err", err)
			f.close()
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
	if err := f.dial(ctx); err != nil {
		return err
	}
	f.buf = f.shop.lines(f.buf[:0], tick, now)
	f.lines.SetWriteDeadline(now.Add(time.Second))
	if _, err := f.lines.Write(f.buf); err != nil {
		return fmt.Errorf("cannot send to %s: %w", f.graphite, err)
	}
	if tick%10 != 0 {
		return nil
	}
	if _, err := f.cpu.Write(f.shop.packet(tick, now)); err != nil {
		return fmt.Errorf("cannot send to %s: %w", f.collectd, err)
	}
	return nil
}

func (f *feeder) dial(ctx context.Context) (err error) {
	var d net.Dialer
	if f.lines == nil {
		if f.lines, err = d.DialContext(ctx, "tcp", f.graphite); err != nil {
			f.lines = nil
			return err
		}
	}
	if f.cpu == nil {
		if f.cpu, err = d.DialContext(ctx, "udp", f.collectd); err != nil {
			f.cpu = nil
			return err
		}
	}
	return nil
}

func (f *feeder) close() {
	for _, conn := range []*net.Conn{&f.lines, &f.cpu} {
		if *conn != nil {
			(*conn).Close()
			*conn = nil
		}
	}
}
