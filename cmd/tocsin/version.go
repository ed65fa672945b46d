package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCommand is "tocsin version".
type versionCommand struct{}

// Help is shown by "tocsin version --help".
func (versionCommand) Help() string {
	return "It says of which commit the program was built, with which Go, and for which system:\n\n  tocsin version"
}

// Run prints the version.
func (versionCommand) Run(p *process) error {
	version, commit := buildVersion()
	_, err := fmt.Fprintf(p.out, "tocsin %s (%s, %s, %s/%s)\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// buildVersion reads what the Go tool wrote into the binary.
func buildVersion() (version, commit string) {
	version, commit = "(devel)", "commit unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version, commit
	}
	if info.Main.Version != "" {
		version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			commit += " with changes"
		}
	}
	return version, commit
}
