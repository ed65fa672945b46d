// Package led shows states on a strip of LEDs, one pixel for each host and
// service.
//
// strip.go says which pixel an event is shown on; driver.go is the contract of
// the strips there are; terminal.go is the one in the terminal.
package led

import (
	"context"
	"fmt"
	"strconv"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
	"tocsin/plugins"
)

// Options are what a rules file can set.
type Options struct {
	// Driver names the strip.
	Driver string `opt:"driver"`
	// Pixels is how many LEDs the strip has.
	Pixels int `opt:"pixels"`
}

// Defaults are the options that a rules file need not set.
func Defaults() Options { return Options{Driver: "terminal", Pixels: 60} }

// pixelsMax bounds the strip; the longest that are sold in one piece have less.
const pixelsMax = 10_000

func init() {
	plugins.RegisterSink("led", Defaults(), func(env plugins.Env, o Options) (engine.Sink, error) {
		return New(env, o)
	})
}

// Sink is sink.led.
type Sink struct {
	driver   Driver
	pixels   int
	strip    *strip
	unplaced *metrics.Counter
}

var _ engine.Actuator = (*Sink)(nil)

// New checks the options and makes a sink. It lights nothing.
func New(env plugins.Env, o Options) (*Sink, error) {
	if o.Pixels < 1 || o.Pixels > pixelsMax {
		return nil, fmt.Errorf(`option "pixels": %d is not from 1 to %d`, o.Pixels, pixelsMax)
	}
	driver, err := newDriver(env, o)
	if err != nil {
		return nil, err
	}
	return &Sink{
		driver: driver, pixels: o.Pixels, strip: newStrip(o.Pixels),
		unplaced: env.Metrics.GetOrCreateCounter(fmt.Sprintf("tocsin_sink_led_unplaced_total{sink=%q}", env.Name)),
	}, nil
}

// Open opens the strip and shows it dark.
func (s *Sink) Open(ctx context.Context) error {
	if err := s.driver.Open(ctx); err != nil {
		return fmt.Errorf("cannot open strip of LEDs: %w", err)
	}
	return s.show(ctx)
}

// Close closes the strip.
func (s *Sink) Close() error { return s.driver.Close() }

// Target is the pixel that the event names, or else its host and service. An
// event that names a pixel which is not there has none.
func (s *Sink) Target(e *engine.Event) string {
	switch n, named := pixelNumber(e); {
	case !named:
		return strconv.Itoa(len(e.ID.Host)) + " " + e.ID.Host + " " + e.ID.Service
	case n >= 1 && n <= s.pixels:
		return "pixel " + strconv.Itoa(n)
	}
	return ""
}

// pixelNumber reads the attribute pixel, which counts from 1, as lists in Lua
// do. What is no whole number is 0.
func pixelNumber(e *engine.Event) (n int, named bool) {
	text, named := e.ID.Labels.Attr("pixel")
	if !named {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, true
	}
	return n, true
}

// Actuate shows the events and draws the strip once.
func (s *Sink) Actuate(ctx context.Context, wishes []engine.Event) error {
	for i := range wishes {
		e := &wishes[i]
		if n, named := pixelNumber(e); named {
			s.strip.setAt(n-1, pixelOf(e))
		} else if !s.strip.set(s.Target(e), pixelOf(e)) {
			s.unplaced.Inc()
		}
	}
	return s.show(ctx)
}

func (s *Sink) show(ctx context.Context) error {
	if err := s.driver.Show(ctx, s.strip.pixels); err != nil {
		return fmt.Errorf("cannot show strip of LEDs: %w", err)
	}
	return nil
}
