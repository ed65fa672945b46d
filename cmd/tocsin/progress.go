package main

import (
	"fmt"
	"io"
	"time"

	"github.com/cheggaaa/pb/v3"
)

// progressEvents is after how many events a replay shows how far it is.
const progressEvents = 4096

// progress is the bar of a replay: on a terminal, unless the output goes there
// too.
type progress struct {
	bar   *pb.ProgressBar // nil: none
	out   io.Writer
	in    *recordingFile
	began time.Time
}

func newProgress(p *process, in *recordingFile) *progress {
	g := &progress{out: p.err, in: in, began: time.Now()}
	if !isTerminal(p.err) || isTerminal(p.out) {
		return g
	}
	layout := pb.ProgressBarTemplate(`{{string . "events"}} {{bar . }} {{percent . }} {{rtime . "%s left"}}`)
	if in.size == 0 {
		layout = `{{string . "events"}} {{etime . }}`
	}
	g.bar = pb.New64(in.size).SetTemplate(layout).SetWriter(p.err).Set(pb.CleanOnFinish, true).Start()
	return g
}

// show says how far the replay is.
func (g *progress) show(events int) {
	if g.bar == nil {
		return
	}
	g.bar.Set("events", g.rate(events))
	g.bar.SetCurrent(g.in.read.n)
}

// finish ends the bar with a line that stays.
func (g *progress) finish(events int) {
	if g.bar == nil {
		return
	}
	g.show(events)
	g.bar.Finish()
	fmt.Fprintf(g.out, "%s in %.1f s\n", g.rate(events), time.Since(g.began).Seconds())
}

func (g *progress) rate(events int) string {
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
