package main

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tocsin/rules"
)

var update = flag.Bool("update", false, "write the expected drawing")

func loadDrawing(t *testing.T, path string) *rules.Drawing {
	t.Helper()
	c, err := rules.Load(path, rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d, err := c.Drawing()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// arrows shows the arrows of a drawing by the boxes at their ends: their titles,
// or their first lines.
func arrows(d *rules.Drawing) (out []string) {
	show := func(b rules.Box) string {
		if b.Title == "" {
			return b.Lines[0]
		}
		return string(b.Kind) + " " + b.Title
	}
	for _, a := range d.Arrows {
		line := show(d.Boxes[a.From]) + " -> " + show(d.Boxes[a.To])
		if a.Name != "" {
			line += " (" + a.Name + ")"
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

func TestDrawing(t *testing.T) {
	got := arrows(loadDrawing(t, "testdata/graph/all.lua"))
	want := []string{
		`by("host", "service") -> sink pager`,
		`by("host", "service") -> throttle(1, 60)`,
		`events events -> each(function)`,
		`events events -> over(9)`,
		`events events -> rule all (index)`,
		`events events -> rule servers (index)`,
		`events events -> where 'service = "login" and metric > 3'`,
		`events events -> where 'tagged "shop"'`,
		`map(function) -> merge`,
		`map(function) -> with { state = "critical" } (errors)`,
		`merge -> sink log`,
		`rule login -> rule servers`,
		`rule servers -> where 'service = "servers"'`,
		`source collectd -> events events`,
		`source lab -> where 'not service =~ "debug.%"'`,
		`throttle(1, 60) -> sink log`,
		`where 'not service =~ "debug.%"' -> events events`,
		`where 'service = "login" and metric > 3' -> rule login`,
		`where 'service = "servers"' -> sink pager`,
		`where 'tagged "shop"' -> by("host", "service") (1)`,
		`where 'tagged "shop"' -> map(function) (2)`,
		`where 'tagged "shop"' -> map(function) (rest)`,
		`with { state = "critical" } -> merge`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestBoxes(t *testing.T) {
	d := loadDrawing(t, filepath.Join(root, "examples/shop/shop.lua"))
	want := []rules.Box{
		{Kind: rules.EventsBox, Title: "events"},
		{Kind: rules.SourceBox, Title: "graphite", Pos: "shop.lua:2"},
		{Kind: rules.SourceBox, Title: "collectd", Pos: "shop.lua:3"},
		{Kind: rules.RuleBox, Title: "shop", Pos: "shop.lua:16", Lines: []string{
			"every 0.1 s", `index 'role = "app" and service = "http"'`, `index 'service = "errors"'`, `index 'service = "requests"'`,
			`index 'service = "frontpage" and metric = 1'`,
		}},
		{Kind: rules.SinkBox, Title: "pagerduty", Pos: "shop.lua:5"},
		{Kind: rules.SinkBox, Title: "led", Pos: "shop.lua:6"},
		{Kind: rules.StreamBox, Pos: "shop.lua:8", Lines: []string{
			`where 'service = "cpu/percent-user"'`, `by "host"`, "ewma(30)", `classify { critical = "metric > 95", warning = "metric > 80" }`,
			`stable(10, "state")`, `changed("state", { init = "ok" })`,
		}},
		{Kind: rules.StreamBox, Pos: "shop.lua:30", Lines: []string{`where 'service = "shop"'`, `changed "state"`}},
	}
	for i := range d.Boxes {
		d.Boxes[i].Paths = nil
		d.Boxes[i].Pos = filepath.Base(d.Boxes[i].Pos)
		if d.Boxes[i].Pos == "." {
			d.Boxes[i].Pos = ""
		}
	}
	if !reflect.DeepEqual(d.Boxes, want) {
		t.Errorf("got\n%+v\nwant\n%+v", d.Boxes, want)
	}
}

// TestLayout wants boxes that do not overlap, and arrows that lead to the right.
func TestLayout(t *testing.T) {
	for _, file := range []string{root + "/examples/shop/shop.lua", root + "/examples/shop/demo.lua", "testdata/graph/all.lua"} {
		s := arrange(loadDrawing(t, file), nil)
		for i, a := range s.spots {
			if a.x < 0 || a.y < 0 || a.x+a.width > s.width || a.y+a.height > s.height {
				t.Errorf("%s: %+v leaves the drawing", file, a)
			}
			for _, b := range s.spots[:i] {
				if a.x < b.x+b.width && b.x < a.x+a.width && a.y < b.y+b.height && b.y < a.y+a.height {
					t.Errorf("%s: %v %v and %v %v overlap", file, a.box, a.lines, b.box, b.lines)
				}
			}
		}
		for _, w := range s.wires {
			for i := 1; i < len(w.path); i++ {
				if w.path[i].layer != w.path[i-1].layer+1 {
					t.Errorf("%s: an arrow from layer %d to %d", file, w.path[i-1].layer, w.path[i].layer)
				}
			}
		}
	}
}

func TestGraph(t *testing.T) {
	to := filepath.Join(t.TempDir(), "out.svg")
	if r := runLine(t, "", "graph", "testdata/graph/all.lua", "--svg", to); r.code != exitOK || r.out != "" || r.err != "" {
		t.Fatalf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	written, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	shown := runLine(t, "", "graph", "testdata/graph/all.lua")
	if shown.out != string(written) {
		t.Error("the file differs from what the standard output shows")
	}
	decoder := xml.NewDecoder(strings.NewReader(shown.out))
	text := ""
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if data, ok := token.(xml.CharData); ok {
			text += string(data)
		}
	}
	for _, want := range []string{"all.lua", "with { zone = \"<b>\" }", "sink.webhook", "all.lua:8", "every 5 s"} {
		if !strings.Contains(text, want) {
			t.Errorf("the drawing lacks %q", want)
		}
	}
	if r := runLine(t, "", "graph", "nowhere.lua"); r.code != exitFailed || !strings.Contains(r.err, "cannot read rules") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	if r := runLine(t, "", "graph", "testdata/graph/all.lua", "--svg", "nowhere/out.svg"); r.code != exitFailed || !strings.Contains(r.err, "cannot write the drawing") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

// TestShopDrawing holds the drawing in docs/writing.md to what is drawn. To draw
// it anew: go test ./cmd/tocsin -run TestShopDrawing -update
func TestShopDrawing(t *testing.T) {
	path := filepath.Join(root, "docs/shop.svg")
	r := runLine(t, "", "graph", filepath.Join(root, "examples/shop/shop.lua"))
	if *update {
		if err := os.WriteFile(path, []byte(r.out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if drawn, err := os.ReadFile(path); err != nil || string(drawn) != r.out {
		t.Errorf("docs/shop.svg is not what is drawn (%v); run: go test ./cmd/tocsin -run TestShopDrawing -update", err)
	}
}
