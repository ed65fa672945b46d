package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tocsin/engine/query"
	"tocsin/rules"
)

// example is a fenced block of a document.
type example struct {
	kind string // the word behind the fence
	line int
	text string
}

// documents lists the Markdown files of the tree.
func documents(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// examples finds the blocks of a document.
func examples(t *testing.T, path string) (out []example) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in := false
	for i, line := range strings.Split(string(data), "\n") {
		switch fence, isFence := strings.CutPrefix(line, "```"); {
		case isFence && !in:
			out = append(out, example{kind: strings.TrimSpace(fence), line: i + 2})
			in = true
		case isFence:
			in = false
		case in:
			e := &out[len(out)-1]
			e.text += line + "\n"
		}
	}
	return out
}

// TestExamples runs what the documents show: Lua is loaded, and run if it is a
// test; queries, one a line, are parsed; command lines of tocsin are read.
// TestTranscripts runs what is of kind console.
func TestExamples(t *testing.T) {
	count := map[string]int{}
	for _, path := range documents(t) {
		name, _ := filepath.Rel(root, path)
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, e := range examples(t, path) {
				count[e.kind]++
				switch e.kind {
				case "lua":
					loadExample(t, dir, e)
				case "query":
					for line := range strings.Lines(e.text) {
						if _, err := query.Parse(line); err != nil {
							t.Errorf("the block of line %d: %v", e.line, err)
						}
					}
				case "sh":
					parseLines(t, commandLines(e.text))
				case "":
					t.Errorf("line %d: the block does not say what it is; write ```lua, ```query, ```sh, ```console or ```text", e.line)
				}
			}
		})
	}
	for _, kind := range []string{"lua", "query", "sh", "console"} {
		if count[kind] == 0 {
			t.Errorf("the documents have no block of %s", kind)
		}
	}
}

// fileName is the first line of a block that is a file of that name: for
// blocks that need one another.
var fileName = regexp.MustCompile(`^-- (\w+\.lua)\n`)

// loadExample loads a block of Lua, or runs it if it is a file of tests.
func loadExample(t *testing.T, dir string, e example) {
	t.Helper()
	name := "example.lua"
	if m := fileName.FindStringSubmatch(e.text); m != nil {
		name = m[1]
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(e.text), 0o600); err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, "_test.lua") {
		var out bytes.Buffer
		passed, failed, err := rules.Test(context.Background(), []string{path}, rules.TestOptions{Out: &out})
		if err != nil || failed > 0 || passed == 0 {
			t.Errorf("the tests of line %d: %d passed, %v\n%s", e.line, passed, err, out.String())
		}
		return
	}
	c, err := rules.Load(path, rules.Options{})
	if err != nil {
		t.Errorf("the block of line %d: %v", e.line, err)
		return
	}
	c.Start()
	c.Close()
}

// TestReadmes holds the manual of each source and sink to the form that a
// person looks for at night.
func TestReadmes(t *testing.T) {
	for _, path := range documents(t) {
		name, _ := filepath.Rel(root, path)
		if kind := strings.Split(name, string(filepath.Separator))[0]; kind != "sources" && kind != "sinks" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, section := range []string{"Name", "Description", "Syntax", "Options", "Examples", "Metrics", "Errors", "See also"} {
			found := strings.Index(string(data[at:]), "\n## "+section+"\n")
			if found < 0 {
				t.Errorf("%s: there is no section %q, or it is not in its place", name, section)
				break
			}
			at += found
		}
	}
}

// TestLinks wants the files that the documents link to to be there.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	for _, path := range documents(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(data), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", path, m[1], err)
			}
		}
	}
}
