package led

import (
	"context"
	"fmt"
	"sync"
	"unicode/utf8"

	"tocsin/plugins/terminal"
)

// terminalDriver draws the strip at the foot of the terminal: a block for each
// pixel, or a letter where there are no colours.
type terminalDriver struct {
	screen *terminal.Screen
	name   string
	foot   *terminal.Foot

	mu    sync.Mutex // painting happens on any goroutine
	strip []Pixel
}

// Open takes a place at the foot of the terminal.
func (d *terminalDriver) Open(context.Context) error {
	d.foot = d.screen.AddFoot(d.paint)
	return nil
}

// Show has the strip redrawn.
func (d *terminalDriver) Show(_ context.Context, strip []Pixel) error {
	d.mu.Lock()
	d.strip = append(d.strip[:0], strip...)
	d.mu.Unlock()
	d.foot.Redraw()
	return nil
}

// Close leaves the strip on the terminal as it is.
func (d *terminalDriver) Close() error {
	if d.foot == nil {
		return nil
	}
	return d.foot.Close()
}

// paint is a terminal.Painter.
func (d *terminalDriver) paint(dst []byte, width int, colors terminal.Colors) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if width == 0 {
		dst = append(append(dst, d.name...), ": "...)
		width = len(d.strip) + 80
	}
	column := 0
	var last terminal.Color
	for _, p := range d.strip {
		if column == width {
			dst = append(terminal.AppendReset(dst, colors), '\n')
			last, column = terminal.Color{}, 0
		}
		mark, color := look(p, colors)
		if color != last {
			dst = color.Append(dst, colors)
			last = color
		}
		dst = utf8.AppendRune(dst, mark)
		column++
	}
	dst = terminal.AppendReset(dst, colors)
	dst = d.appendLegend(dst, width-column)
	return append(dst, '\n')
}

// look is how one pixel is drawn.
func look(p Pixel, colors terminal.Colors) (rune, terminal.Color) {
	switch {
	case !p.Lit:
		return '.', terminal.Color{R: 60, G: 60, B: 60, Ansi: 8}
	case colors != terminal.Monochrome:
		return '█', p.Color
	}
	return letter(p.State), p.Color
}

// letter stands for a state where there are no colours.
func letter(state string) rune {
	switch state {
	case "ok":
		return 'o'
	case "warning":
		return 'W'
	case "critical":
		return 'C'
	case "unknown":
		return 'U'
	case "expired":
		return 'x'
	}
	return '+'
}

// appendLegend counts what is worth a look, worst first, as far as there is
// room.
func (d *terminalDriver) appendLegend(dst []byte, room int) []byte {
	lit, count := 0, map[string]int{}
	for _, p := range d.strip {
		if p.Lit {
			lit++
			count[p.State]++
		}
	}
	gap := "  "
	for _, what := range []string{"critical", "warning", "unknown", "expired", "lit"} {
		n := count[what]
		if what == "lit" {
			n = lit
		} else if n == 0 {
			continue
		}
		text := fmt.Sprintf("%s%d %s", gap, n, what)
		if len(text) > room {
			break
		}
		room -= len(text)
		dst = append(dst, text...)
		gap = ", "
	}
	return dst
}
