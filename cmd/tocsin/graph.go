package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/rules"
)

// graphCommand is "tocsin graph".
type graphCommand struct {
	File string `arg:"" help:"The rules file."`
	SVG  string `name:"svg" placeholder:"FILE" help:"Write to a file. Default: the standard output."`
	Addr string `placeholder:"URL" help:"Draw what a running tocsin does: its rates on the arrows. It takes a second."`
}

// Help is shown by "tocsin graph --help".
func (*graphCommand) Help() string {
	return `Draws what a rules file declares: sources, streams with their operators and queries, rules with what they ask the index for, sinks. Any browser shows it, in light or dark:

  tocsin graph tocsin.lua --svg tocsin.svg
  tocsin graph tocsin.lua | ssh desk 'cat > tocsin.svg'

Nothing is run, no port is opened and no secret is needed.

With --addr, which is where the tocsin listens that runs this file, the arrows have how many events a second pass, and the more the thicker they are; what is in quarantine or makes errors is red:

  tocsin graph tocsin.lua --svg live.svg --addr 127.0.0.1:5580

A stream that asks for the service of a rule hangs on that rule; the others hang on what feeds them. The places of things are FILE:LINE.`
}

// Run draws the file.
func (c *graphCommand) Run(p *process) error {
	config, err := rules.Load(c.File, rules.Options{})
	if err != nil {
		return err
	}
	defer config.Close()
	drawing, err := config.Drawing()
	if err != nil {
		return err
	}
	var live *liveRates
	title := filepath.Base(c.File)
	if c.Addr != "" {
		if live, err = readLive(&connection{Addr: c.Addr}); err != nil {
			return err
		}
		title += fmt.Sprintf(", events a second at %s", time.Now().Format(time.TimeOnly))
		if n := live.missing(drawing); n > 0 {
			fmt.Fprintf(p.err, "tocsin: %d of the rules and operators do not run at %s; is it another file, or has it not been reloaded?\n", n, c.Addr)
		}
	}
	var out bytes.Buffer
	dir := filepath.Dir(c.File) + string(filepath.Separator)
	for i := range drawing.Boxes {
		drawing.Boxes[i].Pos = strings.TrimPrefix(drawing.Boxes[i].Pos, dir)
	}
	writeSVG(&out, title, arrange(drawing, live))
	if c.SVG == "" {
		_, err = p.out.Write(out.Bytes())
	} else {
		err = os.WriteFile(c.SVG, out.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("cannot write the drawing: %w", err)
	}
	return nil
}
