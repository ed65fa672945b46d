package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/cheggaaa/pb/v3"
)

// progress is the bar of a replay: on a terminal, unless the output goes there
// too.
type progress struct {
	bar    *pb.ProgressBar // nil: none
	out    io.Writer
	files  []*recordingFile
	events atomic.Int64 // of all replays that share the bar
	began  time.Time
}

// newProgress starts the bar of what reads these files.
func newProgress(p *process, files []*recordingFile) *progress {
	g := &progress{out: p.err, files: files, began: time.Now()}
	if !isTerminal(p.err) || isTerminal(p.out) {
		return g
	}
	layout := pb.ProgressBarTemplate(`{{string . "events"}} {{bar . }} {{percent . }} {{rtime . "%s left"}}`)
	var size int64
	for _, f := range files {
		if f.size == 0 {
			layout = `{{string . "events"}} {{etime . }}`
		}
		size += f.size
	}
	g.bar = pb.New64(size).SetTemplate(layout).SetWriter(p.err).Set(pb.CleanOnFinish, true).Start()
	return g
}

// add counts events and shows how far the replay is. It may be called from
// several goroutines.
func (g *progress) add(events int) {
	g.events.Add(int64(events))
	if g.bar == nil {
		return
	}
	var read int64
	for _, f := range g.files {
		read += f.read.Load()
	}
	g.bar.Set("events", g.rate())
	g.bar.SetCurrent(read)
}

// finish ends the bar with a line that stays.
func (g *progress) finish() {
	if g.bar == nil {
		return
	}
	g.bar.Finish()
	fmt.Fprintf(g.out, "%s in %.1f s\n", g.rate(), time.Since(g.began).Seconds())
}

func (g *progress) rate() string {
	events := g.events.Load()
	rate := float64(events) / max(time.Since(g.began).Seconds(), 1e-3)
	unit := ""
	switch {
	case rate >= 1e6:
		rate, unit = rate/1e6, "M"
	case rate >= 1e3:
		rate, unit = rate/1e3, "k"
	}
	return fmt.Sprintf("%d events, %.1f%s/s", events, rate, unit)
}
