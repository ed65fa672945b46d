package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// operatorPages is where the pages made of the reference are.
const operatorPages = "../docs/operators"

// TestOperatorPages holds docs/operators to the reference. To write them:
// go test ./rules -run TestOperatorPages -update
func TestOperatorPages(t *testing.T) {
	want := map[string]string{"README.md": indexPage(readReference(t))}
	for _, p := range readReference(t) {
		want[p.file+".md"] = p.markdown()
	}
	for name, text := range want {
		path := filepath.Join(operatorPages, name)
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%s is not what rules/reference says (%v); run: go test ./rules -run TestOperatorPages -update", path, err)
		}
	}
	files, _ := filepath.Glob(filepath.Join(operatorPages, "*"))
	for _, file := range files {
		if want[filepath.Base(file)] == "" {
			t.Errorf("%s is made of nothing in rules/reference", file)
		}
	}
}

const made = "<!-- Made of rules/reference by: go test ./rules -run TestOperatorPages -update -->\n\n"

func indexPage(pages []page) string {
	var b strings.Builder
	b.WriteString(made + "# Operators and functions\n\nAll that a rules file can call, each with an example that a test runs. What the operators have in common: [the rules language](../language.md). " +
		"A `Pred` is a query or a function of the event, a `Key` the name of a field or a function of the event, `Fields` a table of an event's fields.\n")
	for _, p := range pages {
		fmt.Fprintf(&b, "\n**[%s](%s.md)**\n\n| | |\n|---|---|\n", p.title, p.file)
		for _, d := range p.functions {
			fmt.Fprintf(&b, "| [`%s`](%s.md#%s) | %s |\n", d.call(), p.file, d.anchor(), strings.ReplaceAll(d.text, "|", `\|`))
		}
	}
	return b.String()
}

// call is how the function is written in a rules file.
func (d *described) call() string {
	prefix := map[string]string{"Stream": ":", "Set": ":", "Event": "e:", "Test": "t:"}[d.class]
	return prefix + d.name
}

// anchor is the link to the function's heading, as renderers of Markdown make
// it.
func (d *described) anchor() string {
	return strings.NewReplacer(":", "", "(", "", ")", "", ",", "", ".", "", "…", "", " ", "-").Replace(d.heading())
}

func (d *described) heading() string {
	return d.call() + "(" + strings.ReplaceAll(d.params, "...", "…") + ")"
}

func (p *page) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s# %s\n\n%s [All operators](README.md)\n", made, p.title, p.intro)
	for _, d := range p.functions {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s\n", d.heading(), d.text)
		if len(d.notes) > 0 {
			b.WriteString("\n")
		}
		for _, note := range d.notes {
			b.WriteString(p.argument(note))
		}
		if d.example != "" {
			fmt.Fprintf(&b, "\n```lua\n-- %s_test.lua\n%s```\n", d.name, d.test())
		}
	}
	return b.String()
}

// argument is what a page says of one argument, and of its options.
func (p *page) argument(note string) string {
	m := paramLine.FindStringSubmatch(note)
	name := strings.TrimSuffix(m[1], "?")
	if name == "..." {
		name = "…"
	}
	out := listItem("- ", field{name, m[1] != name && m[1] != "...", m[2], m[3]})
	class, _, _ := strings.Cut(m[2], "|")
	for _, f := range p.fields[class] {
		out += listItem("  - ", f)
	}
	return out
}

func listItem(indent string, f field) string {
	var notes []string
	if f.optional {
		notes = append(notes, "may be left out")
	}
	if f.note != "" {
		notes = append(notes, f.note)
	}
	line := fmt.Sprintf("%s`%s`: `%s`", indent, f.name, f.kind)
	if len(notes) > 0 {
		line += "; " + strings.Join(notes, "; ")
	}
	return line + "\n"
}
