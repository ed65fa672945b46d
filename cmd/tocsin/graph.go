package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tocsin/rules"
)

// graphCommand is "tocsin graph".
type graphCommand struct {
	File string `arg:"" help:"The rules file."`
	SVG  string `name:"svg" placeholder:"FILE" help:"Write to a file. Default: the standard output."`
}

// Help is shown by "tocsin graph --help".
func (*graphCommand) Help() string {
	return `Draws what a rules file declares: sources, streams with their operators and queries, rules with what they ask the index for, sinks. Any browser shows it, in light or dark:

  tocsin graph tocsin.lua --svg tocsin.svg
  tocsin graph tocsin.lua | ssh desk 'cat > tocsin.svg'

Nothing is run, no port is opened and no secret is needed.

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
	var out bytes.Buffer
	dir := filepath.Dir(c.File) + string(filepath.Separator)
	for i := range drawing.Boxes {
		drawing.Boxes[i].Pos = strings.TrimPrefix(drawing.Boxes[i].Pos, dir)
	}
	writeSVG(&out, filepath.Base(c.File), arrange(drawing))
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
