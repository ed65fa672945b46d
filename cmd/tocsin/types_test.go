package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/plugins"
)

// TestTypes wants the definitions of all sources and sinks that ship, with the
// types and defaults of their options.
func TestTypes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "types")
	if r := runLine(t, "", "types", dir); r.code != exitOK || r.err != "" {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for what, kinds := range map[string][]string{"source": plugins.Sources(), "sink": plugins.Sinks()} {
		text := read(what + "s.d.lua")
		for _, kind := range kinds {
			if !strings.Contains(text, "\nfunction "+what+"."+kind+"(options) end\n") {
				t.Errorf("%s.%s is not defined", what, kind)
			}
		}
	}
	for name, want := range map[string]string{
		"sources.d.lua": "---@field listen? string # default \"127.0.0.1:2003\"\n",
		"sinks.d.lua": "---@class sink.webhook: SinkOptions\n---@field url string|Secret\n" +
			"---@field headers? table<string, string|Secret>\n---@field timeout? number # seconds; default 10\n",
		"filter.d.lua": "---@param pred Pred\n---@return Stream\nfunction Stream:where(pred) end\n",
	} {
		if !strings.Contains(read(name), want) {
			t.Errorf("%s lacks\n%s\nit is\n%s", name, want, read(name))
		}
	}
	file := writeFile(t, "file", "")
	if r := runLine(t, "", "types", file); r.code != exitFailed || !strings.Contains(r.err, "cannot make the folder") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}
