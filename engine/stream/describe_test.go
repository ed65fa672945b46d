package stream

import (
	"reflect"
	"testing"

	"tocsin/engine"
)

func TestDescribe(t *testing.T) {
	g := NewGraph(engine.New(engine.Options{Bare: true}, 0))
	g.Site = Site{Pos: "a.lua:1"}
	parts, err := g.Events().Split(taggedAny{"x"})
	if err != nil {
		t.Fatal(err)
	}
	g.Site = Site{Pos: "a.lua:2"}
	parts[1].Changed(engine.FieldNamed("state"), ChangedOptions{})
	g.Site = Site{Pos: "a.lua:3", Rule: "r"}
	merged, err := Merge(parts...)
	if err != nil {
		t.Fatal(err)
	}
	head := g.Head()
	head.Emit()

	d := g.Describe(head)
	want := []Operator{
		{Path: "events", Outs: []OperatorOut{{Next: []int{2}}}},
		{Path: "head", Site: Site{Pos: "a.lua:3", Rule: "r"}, Outs: []OperatorOut{{Next: []int{5}}}},
		{Name: "split", Path: "events/split", Site: Site{Pos: "a.lua:1"}, Outs: []OperatorOut{{Name: "rest", Next: []int{3, 4}}, {Name: "1", Next: []int{4}}}},
		{Name: "changed", Path: "events/split/changed", Site: Site{Pos: "a.lua:2"}, Outs: []OperatorOut{{}}, PassesFirst: true},
		{Name: "merge", Path: "events/split:1/merge", Site: Site{Pos: "a.lua:3", Rule: "r"}, Outs: []OperatorOut{{}}},
		{Name: "emit", Path: "head/emit@r", Site: Site{Pos: "a.lua:3", Rule: "r"}, Outs: []OperatorOut{{}}},
	}
	if !reflect.DeepEqual(d.Operators, want) {
		t.Errorf("got  %+v\nwant %+v", d.Operators, want)
	}
	for _, c := range []struct {
		of   *Stream
		want Place
	}{{g.Events(), Place{0, 0}}, {parts[0], Place{2, 1}}, {parts[1], Place{2, 0}}, {merged, Place{4, 0}}, {head, Place{1, 0}}} {
		if got := d.Place(c.of); got != c.want {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
}
