package rules

import (
	"cmp"
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// Function says how one function of a rules file runs.
type Function struct {
	// File and Line are where it begins.
	File string
	Line int
	// Native tells that it is compiled; otherwise the VM runs it, because of Why.
	Native bool
	Why    string
}

// Functions tells of each function of the files how it runs, in the order of
// the files. It is called before events flow.
func (c *Config) Functions() []Function {
	order := make(map[string]int)
	for i, file := range c.Files {
		order[file] = i + 1
	}
	protos := slices.DeleteFunc(slices.Collect(maps.Keys(c.chunks.natives)), func(p *lua.FunctionProto) bool { return order[p.SourceName] == 0 })
	slices.SortFunc(protos, func(a, b *lua.FunctionProto) int {
		return cmp.Or(order[a.SourceName]-order[b.SourceName], c.chunks.natives[a].order-c.chunks.natives[b].order)
	})
	out := make([]Function, len(protos))
	for i, proto := range protos {
		out[i] = Function{File: proto.SourceName, Line: proto.LineDefined, Why: "nothing took it as a pred or a key, or for map or adjust, when the file was loaded"}
		if as, ok := c.used[proto]; ok {
			out[i].Why = c.chunks.natives[proto].programs[as].why
			out[i].Native = out[i].Why == ""
		}
	}
	return out
}
