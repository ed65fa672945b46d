package valuelist

import (
	"slices"
	"strings"
	"testing"

	"tocsin/engine"
)

func TestTypes(t *testing.T) {
	types := BuiltinTypes()
	if len(types.sources) < 300 {
		t.Errorf("only %d types are built in", len(types.sources))
	}
	const file = "# comment\n\nif_octets\tin:DERIVE:0:U, out:derive:U:1e9\r\nnew value:GAUGE:-5:5 # and a word\n"
	if err := types.Read(strings.NewReader(file), "my.db"); err != nil {
		t.Fatal(err)
	}
	for typ, want := range map[string][]DataSource{
		"if_octets": {{"in", "derive"}, {"out", "derive"}}, "new": {{"value", "gauge"}},
		"load": {{"shortterm", "gauge"}, {"midterm", "gauge"}, {"longterm", "gauge"}},
	} {
		if sources, ok := types.Of(typ, len(want)); !ok || !slices.Equal(sources, want) {
			t.Errorf("%s: got %q, want %q", typ, sources, want)
		}
	}
	for n, want := range map[int][]DataSource{1: {{Name: "value"}}, 3: {{Name: "0"}, {Name: "1"}, {Name: "2"}}} {
		if sources, ok := types.Of("if_octets", n); ok || !slices.Equal(sources, want) {
			t.Errorf("%d values: got %q, want %q", n, sources, want)
		}
	}
}

func TestTypesErrors(t *testing.T) {
	for line, want := range map[string]string{
		"lonely":                            `my.db:2: type "lonely" has no data source`,
		"x value:GAUGE:0":                   `my.db:2: type "x": data source "value:GAUGE:0": expected name:TYPE:min:max`,
		"x :GAUGE:0:U":                      `my.db:2: type "x": data source ":GAUGE:0:U": expected name:TYPE:min:max`,
		"x value:GAGUE:0:U":                 `my.db:2: type "x": data source "value:GAGUE:0:U": expected GAUGE, COUNTER, DERIVE or ABSOLUTE, got "GAGUE"`,
		"x value:GAUGE:zero:U":              `my.db:2: type "x": data source "value:GAUGE:zero:U": expected a number or U as a limit, got "zero"`,
		"x a:GAUGE:0:U, a:GAUGE:0:U":        `my.db:2: type "x": data source "a" is there twice`,
		"x " + strings.Repeat("y", 100_000): `my.db:2: cannot read types: bufio.Scanner: token too long`,
	} {
		err := BuiltinTypes().Read(strings.NewReader("ok value:GAUGE:0:U\n"+line+"\n"), "my.db")
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func FuzzTypes(f *testing.F) {
	f.Add(builtinTypes[:2000])
	f.Add("x a:GAUGE:0:U, b:DERIVE:U:5\n# c\n")
	f.Fuzz(func(t *testing.T, text string) {
		types := &Types{sources: make(map[string][]DataSource)}
		if err := types.Read(strings.NewReader(text), "f"); err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Fatal(err)
		}
		for typ, names := range types.sources {
			if typ == "" || len(names) == 0 {
				t.Fatalf("type %q has data sources %q", typ, names)
			}
		}
	})
}

func TestName(t *testing.T) {
	n := Name{"cpu", "0", "if_octets", ""}
	if got := n.ServiceOf(DataSource{"rx", "derive"}, 2); got != "cpu-0/if_octets/rx" {
		t.Error(got)
	}
	if got := n.ServiceOf(DataSource{"value", "gauge"}, 1); got != "cpu-0/if_octets" {
		t.Error(got)
	}
	want := []engine.Attr{{Key: "ds_name", Value: "rx"}, {Key: "plugin", Value: "cpu"}, {Key: "plugin_instance", Value: "0"}, {Key: "type", Value: "if_octets"}}
	if got := n.AttrsOf(DataSource{Name: "rx"}); !slices.Equal(got, want) {
		t.Error(got)
	}
	if got := (Name{Plugin: "p"}).Service(); got != "p" {
		t.Error(got)
	}
}
