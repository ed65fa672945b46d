package main

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"tocsin/plugins/terminal"
	"tocsin/rules"
)

// progressAfter is how long tests run before their progress is shown.
const progressAfter = 500 * time.Millisecond

// testProgress is the line at the foot of a terminal that says how far the
// tests are.
type testProgress struct {
	foot  *terminal.Foot // nil: there is no terminal
	began time.Time

	mu            sync.Mutex // the screen paints from goroutines of its own
	tests, failed int
	last          rules.TestResult
	closed        bool
}

func newTestProgress(p *process) *testProgress {
	g := &testProgress{began: time.Now()}
	if p.screen.IsTerminal() {
		g.foot = p.screen.AddFoot(g.paint)
	}
	return g
}

// add counts one test.
func (g *testProgress) add(r rules.TestResult) {
	g.mu.Lock()
	g.tests++
	if r.Failure != "" {
		g.failed++
	}
	g.last = r
	g.mu.Unlock()
	if g.foot != nil && time.Since(g.began) > progressAfter {
		g.foot.Redraw()
	}
}

// close takes the line away.
func (g *testProgress) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	if g.foot != nil {
		g.foot.Close()
	}
}

// paint implements terminal.Painter.
func (g *testProgress) paint(dst []byte, width int, _ terminal.Colors) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || time.Since(g.began) <= progressAfter {
		return dst
	}
	row := []rune(fmt.Sprintf("%s, %d failed, %.0f s, %s: %s", counted(g.tests, "test"), g.failed,
		time.Since(g.began).Seconds(), filepath.Base(g.last.File), plain(g.last.Name)))
	if width > 0 && len(row) >= width {
		row = row[:max(width-1, 0)]
	}
	return append(append(dst, string(row)...), '\n')
}
