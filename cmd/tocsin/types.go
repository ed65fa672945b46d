package main

import (
	"fmt"
	"os"
	"path/filepath"

	"tocsin/rules"
)

// typesCommand is "tocsin types".
type typesCommand struct {
	Dir string `arg:"" optional:"" default:"types" help:"The folder to write into; it is made. Default: types."`
}

// Help is shown by "tocsin types --help".
func (*typesCommand) Help() string {
	return `Writes what a rules file sees as definitions for lua-language-server, which then completes and checks rules in an editor:

  tocsin types
  tocsin types /etc/tocsin/types

Beside the rules, a file .luarc.json tells the editor where they are:

  {
    "runtime.version": "Lua 5.1",
    "runtime.builtin": { "io": "disable", "os": "disable", "debug": "disable", "package": "disable" },
    "workspace.library": ["types"]
  }

The files, *.d.lua, are written anew each time, so run it again after an update of tocsin. Nothing else in the folder is touched. docs/writing.md has more.`
}

// Run writes the definitions.
func (c *typesCommand) Run(p *process) error {
	stubs, err := rules.Stubs()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the folder of definitions: %w", err)
	}
	for _, s := range stubs {
		if err := os.WriteFile(filepath.Join(c.Dir, s.Name), []byte(s.Text), 0o644); err != nil {
			return fmt.Errorf("cannot write definitions: %w", err)
		}
	}
	fmt.Fprintf(p.out, "%s: %s of definitions\n", c.Dir, counted(len(stubs), "file"))
	return nil
}
