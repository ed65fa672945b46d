package rules

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/gopher-lua/parse"
)

// described is one function of the reference.
type described struct {
	class    string // "Stream"; "" for a global
	name     string
	params   string
	text     string // what it does
	example  string
	notes    []string // on its arguments
	position string
}

// page is one file of the reference.
type page struct {
	file, title, intro string
	functions          []described
	fields             map[string][]field // of each class
}

// field is a field of a class: name, whether it may be left out, type and note.
type field struct {
	name       string
	optional   bool
	kind, note string
}

var (
	functionLine = regexp.MustCompile(`^function (?:(\w+):)?(\w+)\((.*)\) end$`)
	fieldLine    = regexp.MustCompile(`^---@field (\w+)(\??) ([^#]*?)(?: # (.*))?$`)
	paramLine    = regexp.MustCompile(`^---@param (\S+) ([^#]*?)(?: # (.*))?$`)
)

// readReference reads what the definitions say, in the order of the manual.
func readReference(t *testing.T) []page {
	t.Helper()
	var pages []page
	for _, name := range []string{
		"values", "filter", "change", "group", "rate", "fill", "hold", "window", "fold", "out", "index", "rule", "settings", "test",
	} {
		text, err := reference.ReadFile("reference/" + name + ".lua")
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, readPage(t, name, string(text)))
	}
	if entries, _ := reference.ReadDir("reference"); len(entries) != len(pages) {
		t.Errorf("there are %d files of the reference, but %d pages", len(entries), len(pages))
	}
	return pages
}

func readPage(t *testing.T, name, text string) page {
	p := page{file: name, fields: make(map[string][]field)}
	var comment, notes []string
	class := ""
	for n, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "--# "):
			p.title = line[4:]
		case strings.HasPrefix(line, "---@class "):
			class, _, _ = strings.Cut(line[len("---@class "):], ":")
		case fieldLine.MatchString(line):
			m := fieldLine.FindStringSubmatch(line)
			p.fields[class] = append(p.fields[class], field{m[1], m[2] != "", m[3], m[4]})
		case paramLine.MatchString(line):
			notes = append(notes, line)
		case strings.HasPrefix(line, "---@"):
		case strings.HasPrefix(line, "---"):
			comment = append(comment, strings.TrimPrefix(strings.TrimPrefix(line, "---"), " "))
		case functionLine.MatchString(line):
			m := functionLine.FindStringSubmatch(line)
			p.functions = append(p.functions, newDescribed(m, comment, notes, fmt.Sprintf("reference/%s.lua:%d", name, n+1)))
			comment, notes = nil, nil
		case line == "":
			if p.intro == "" && p.title != "" {
				p.intro = strings.Join(comment, " ")
			}
			comment, notes = nil, nil
		}
	}
	return p
}

// newDescribed takes the comment of a function apart.
func newDescribed(m, comment, notes []string, position string) described {
	d := described{class: m[1], name: m[2], params: m[3], notes: notes, position: position}
	in := false
	for _, line := range comment {
		switch {
		case strings.HasPrefix(line, "```"):
			in = !in
		case in:
			d.example += line + "\n"
		case line != "":
			d.text += line
		}
	}
	return d
}

// TestReference holds the definitions to what is really bound: no method, call
// or option is missing, and none is there that does not exist.
func TestReference(t *testing.T) {
	got := make(map[string][]string)
	fields := make(map[string][]string)
	for _, p := range readReference(t) {
		for _, d := range p.functions {
			got[d.class] = append(got[d.class], d.name)
			if !strings.HasSuffix(d.text, ".") {
				t.Errorf("%s: %s: say what it does, in a sentence", d.position, d.name)
			}
		}
		for class, list := range p.fields {
			for _, f := range list {
				fields[class] = append(fields[class], f.name)
			}
		}
	}
	c := newConfig(Options{}, newChunks(Options{}))
	defer c.Close()
	for class, bound := range map[string][]string{
		"Stream": slices.Collect(maps.Keys(methods())),
		"Set":    slices.Collect(maps.Keys(setMethods)),
		"Test":   slices.Collect(maps.Keys(testCalls())),
		"Event":  {"with", "tagged"},
		"":       append(slices.Collect(maps.Keys(c.functions())), "test", "config"),
	} {
		same(t, "functions of "+class, got[class], bound)
	}
	for class, options := range map[string]any{
		"Settings": settingsOptions{}, "RuleOptions": ruleOptions{}, "SourceOptions": sourceOptions{}, "SinkOptions": sinkOptions{},
	} {
		same(t, class, fields[class], optionNames(options))
	}
}

func optionNames(o any) (names []string) {
	for i := range reflect.TypeOf(o).NumField() {
		name, _, _ := strings.Cut(reflect.TypeOf(o).Field(i).Tag.Get("opt"), ",")
		names = append(names, name)
	}
	return names
}

// same compares two lists whatever their order.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("%s: %q is not in rules/reference", what, name)
		}
	}
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("%s: %q is in rules/reference, but does not exist", what, name)
		}
	}
}

// test returns the example as a file of tests.
func (d *described) test() string {
	return fmt.Sprintf("test(%q, function(t)\n  %s\nend)\n", d.name, strings.ReplaceAll(strings.TrimSpace(d.example), "\n", "\n  "))
}

// withoutExample are the functions whose examples would need a file.
var withoutExample = []string{"test", "config", "replay", "require"}

// TestReferenceExamples runs the example of each function.
func TestReferenceExamples(t *testing.T) {
	for _, p := range readReference(t) {
		for _, d := range p.functions {
			t.Run(p.file+"/"+d.name, func(t *testing.T) {
				if d.example == "" {
					if !slices.Contains(withoutExample, d.name) {
						t.Error("there is no example")
					}
					return
				}
				path := filepath.Join(t.TempDir(), "x_test.lua")
				if err := os.WriteFile(path, []byte(d.test()), 0o600); err != nil {
					t.Fatal(err)
				}
				var out bytes.Buffer
				if passed, failed, err := Test(context.Background(), []string{path}, TestOptions{Out: &out}); err != nil || failed > 0 || passed != 1 {
					t.Errorf("%s: %v\n%s\n%s", d.position, err, d.test(), out.String())
				}
			})
		}
	}
}

// TestStubs wants each file of definitions to be Lua that says what it is.
func TestStubs(t *testing.T) {
	stubs, err := Stubs()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stubs {
		if _, err := parse.Parse(strings.NewReader(s.Text), s.Name); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		if !strings.HasPrefix(s.Text, "---@meta") || !strings.HasSuffix(s.Name, ".d.lua") {
			t.Errorf("%s does not say that it is of definitions", s.Name)
		}
	}
}
