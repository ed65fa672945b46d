package rules

import (
	"embed"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"tocsin/plugins"
)

// reference is what a rules file sees, written as definitions that
// lua-language-server reads (LuaCATS annotations,
// https://luals.github.io/wiki/annotations/). The operator pages are made of it.
//
//go:embed reference/*.lua
var reference embed.FS

// Stub is a file of definitions for an editor.
type Stub struct {
	Name string // ends in ".d.lua"
	Text string
}

// Stubs returns the definitions of everything that a rules file and its tests
// see, with the sources and sinks that are registered.
func Stubs() ([]Stub, error) {
	entries, err := reference.ReadDir("reference")
	if err != nil {
		return nil, err
	}
	var out []Stub
	for _, entry := range entries {
		text, err := reference.ReadFile("reference/" + entry.Name())
		if err != nil {
			return nil, err
		}
		out = append(out, Stub{strings.TrimSuffix(entry.Name(), ".lua") + ".d.lua", string(text)})
	}
	return append(out,
		Stub{"sources.d.lua", kindStub("source", "SourceOptions", "", plugins.Sources(), plugins.SourceOptions)},
		Stub{"sinks.d.lua", kindStub("sink", "SinkOptions", "Sink", plugins.Sinks(), plugins.SinkOptions)}), nil
}

// kindStub defines source or sink: a function for each kind, with its options.
func kindStub(what, parent, returns string, kinds []string, options func(string) []plugins.Option) string {
	var b strings.Builder
	b.WriteString("---@meta tocsin\n\n")
	for _, kind := range kinds {
		fmt.Fprintf(&b, "---@class %s.%s: %s\n", what, kind, parent)
		for _, o := range options(kind) {
			optional := "?"
			if o.Required {
				optional = ""
			}
			fmt.Fprintf(&b, "---@field %s%s %s%s\n", o.Name, optional, luaType(o.Type), optionNote(o))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "---@class %ss\n%s = {}\n", what, what)
	for _, kind := range kinds {
		fmt.Fprintf(&b, "\n--- Declares a %s of kind %s; see %ss/%s/README.md.\n---@param options %s.%s\n", what, kind, what, kind, what, kind)
		if returns != "" {
			fmt.Fprintf(&b, "---@return %s\n", returns)
		}
		fmt.Fprintf(&b, "function %s.%s(options) end\n", what, kind)
	}
	return b.String()
}

// luaType names a type of options as annotations do.
func luaType(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "number"
	case reflect.TypeFor[plugins.Secret]():
		return "string|Secret"
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Slice:
		return luaType(t.Elem()) + "[]"
	case reflect.Map:
		return "table<string, " + luaType(t.Elem()) + ">"
	case reflect.Pointer:
		return "table"
	}
	return "any"
}

// optionNote is the comment behind an option: its unit and its default.
func optionNote(o plugins.Option) string {
	var notes []string
	if o.Type == reflect.TypeFor[time.Duration]() {
		notes = append(notes, "seconds")
	}
	if v := reflect.ValueOf(o.Default); !o.Required && v.IsValid() && !v.IsZero() {
		switch d := o.Default.(type) {
		case string:
			notes = append(notes, "default "+strconv.Quote(d))
		case time.Duration:
			notes = append(notes, fmt.Sprintf("default %v", d.Seconds()))
		case bool, int, float64:
			notes = append(notes, fmt.Sprintf("default %v", d))
		}
	}
	if len(notes) == 0 {
		return ""
	}
	return " # " + strings.Join(notes, "; ")
}
