//go:build emmylua

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTypesEmmyLua has a language server's checker read rules files by the
// definitions: it finds nothing wrong in what the documents and examples show,
// and the mistakes of testdata/types. To run it:
//
//	cargo install --locked emmylua_check@0.25.1
//	go test -tags emmylua -run EmmyLua ./cmd/tocsin
func TestTypesEmmyLua(t *testing.T) {
	dir := t.TempDir()
	if r := runLine(t, "", "types", filepath.Join(dir, "types")); r.code != exitOK {
		t.Fatal(r.err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, text := range settings(t) {
		write([]string{".luarc.json", ".emmyrc.json"}[i], text)
	}
	for i, path := range documents(t) {
		for _, e := range examples(t, path) {
			if e.kind == "lua" {
				write(fmt.Sprintf("%d-%s-%d.lua", i, filepath.Base(path), e.line), e.text)
			}
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "shop"), os.DirFS(filepath.Join(root, "examples/shop"))); err != nil {
		t.Fatal(err)
	}
	mistakes, err := os.ReadFile("testdata/types/mistakes.lua")
	if err != nil {
		t.Fatal(err)
	}
	write("mistakes.lua", string(mistakes))
	found := diagnostics(t, dir)
	for i, line := range strings.Split(string(mistakes), "\n") {
		place := fmt.Sprintf("mistakes.lua:%d", i+1)
		if _, want, marked := strings.Cut(line, "--> "); marked && !strings.Contains(found[place], want) {
			t.Errorf("%s: %q is not found, but %q:\n%s", place, want, found[place], line)
		}
		if strings.Contains(line, "--> ") {
			delete(found, place)
		}
	}
	for place, what := range found {
		t.Errorf("%s: %s", place, what)
	}
}

// settings are the files for the language server that docs/writing.md shows.
func settings(t *testing.T) (files []string) {
	for _, e := range examples(t, filepath.Join(root, "docs/writing.md")) {
		if e.kind == "json" {
			files = append(files, e.text)
		}
	}
	if len(files) != 2 {
		t.Fatalf("docs/writing.md has %d files of settings, not 2", len(files))
	}
	return files
}

// diagnostics returns the warnings and errors, by file and line.
func diagnostics(t *testing.T, dir string) map[string]string {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.json")
	out, err := exec.Command("emmylua_check", "-f", "json", "--output", report, "--severity", "warn", dir).CombinedOutput()
	data, readErr := os.ReadFile(report)
	if readErr != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var files []struct {
		File        string
		Diagnostics []struct {
			Code, Message string
			Range         struct{ Start struct{ Line int } }
		}
	}
	if err := json.Unmarshal(data, &files); err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no file was checked:\n%s", out)
	}
	found := make(map[string]string)
	for _, f := range files {
		for _, d := range f.Diagnostics {
			place := fmt.Sprintf("%s:%d", filepath.Base(f.File), d.Range.Start.Line+1)
			found[place] += d.Code + ": " + d.Message + "\n"
		}
	}
	return found
}
