package led

import (
	"context"
	"fmt"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/terminal"
)

// Pixel is what one LED shows. The zero value is dark.
type Pixel struct {
	Lit   bool
	State string // of the event, for strips that show more than colours
	Color terminal.Color
}

func pixelOf(e *engine.Event) Pixel {
	return Pixel{Lit: true, State: e.State, Color: terminal.StateColor(e.State)}
}

// Driver is one kind of strip. Its methods are called one at a time.
type Driver interface {
	// Open makes the strip ready. An error stops the start of the program.
	Open(ctx context.Context) error
	// Show lights the whole strip. The slice belongs to the caller. After an
	// error the strip is shown again a little later.
	Show(ctx context.Context, strip []Pixel) error
	// Close lets go of the strip.
	Close() error
}

// newDriver makes the driver that the options name, without touching it.
func newDriver(env plugins.Env, o Options) (Driver, error) {
	switch o.Driver {
	case "terminal":
		return &terminalDriver{screen: env.Screen(), name: env.Name}, nil
	}
	return nil, fmt.Errorf(`option "driver": no such driver %q; there is "terminal"`, o.Driver)
}
