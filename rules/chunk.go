package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// maxSource bounds the size of one file in bytes.
const maxSource = 8 << 20

// chunks keeps compiled files, so that each test of a file need not compile it
// again.
type chunks struct {
	byPath map[string]*lua.FunctionProto
	read   func(path string) ([]byte, error)
	names  map[string]map[int][]string // of variables that are read, by file and line
	cover  *Coverage                   // nil: nothing is marked
	// natives are the functions of the files, compiled to Go where they can be.
	natives map[*lua.FunctionProto]*compiledFunction
}

func newChunks(o Options) *chunks {
	c := &chunks{
		byPath: make(map[string]*lua.FunctionProto), read: o.ReadFile,
		names: make(map[string]map[int][]string), natives: make(map[*lua.FunctionProto]*compiledFunction),
	}
	if c.read == nil {
		c.read = readSource
	}
	if read, reads := c.read, o.Reads; reads != nil {
		c.read = func(path string) ([]byte, error) {
			reads(path)
			return read(path)
		}
	}
	return c
}

// file returns the compiled file at path. Errors begin with FILE:LINE where
// there is a line.
func (c *chunks) file(path string) (*lua.FunctionProto, error) {
	if proto := c.byPath[path]; proto != nil {
		return proto, nil
	}
	text, err := c.read(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read rules: %w", err)
	}
	proto, err := c.compile(path, text)
	if err != nil {
		return nil, err
	}
	c.byPath[path] = proto
	return proto, nil
}

// readSource reads a file that is not too large to be one of rules.
func readSource(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSource+1)) // compile refuses what is larger
}

// compile compiles a text; name is what errors call it.
func (c *chunks) compile(name string, text []byte) (*lua.FunctionProto, error) {
	if len(text) > maxSource {
		return nil, fmt.Errorf("cannot read rules %q: it has more than %d bytes", name, maxSource)
	}
	if bytes.HasPrefix(text, []byte("#!")) {
		text = append([]byte("--"), text...)
	}
	chunk, err := parse.Parse(bytes.NewReader(text), name)
	if err != nil {
		return nil, syntaxError(name, text, err)
	}
	chunk, placed, err := placeCalls(name, chunk, c.cover.marker(name, text))
	if err != nil {
		return nil, err
	}
	c.names[name] = placed.names
	functions := markFunctions(placed.functions)
	proto, err := compileTree(chunk, name)
	if err != nil {
		return nil, syntaxError(name, text, err)
	}
	c.linkNatives(proto, functions)
	return proto, nil
}

// syntaxError brings what the parser and the compiler say into one form.
func syntaxError(name string, text []byte, err error) error {
	var inParse *parse.Error
	var inCompile *lua.CompileError
	switch {
	case errors.As(err, &inParse):
		message := strings.TrimSpace(inParse.Message)
		if inParse.Pos.Line == parse.EOF {
			return fmt.Errorf("%s:%d: %s at the end of the file", name, 1+bytes.Count(text, []byte("\n")), message)
		}
		line := inParse.Pos.Line
		if message == "unterminated string" {
			line-- // it was seen at the start of the next line
		}
		if inParse.Token == "" {
			return fmt.Errorf("%s:%d: %s", name, line, message)
		}
		return fmt.Errorf("%s:%d: %s near %q", name, line, message, inParse.Token)
	case errors.As(err, &inCompile):
		return fmt.Errorf("%s:%d: %s", name, inCompile.Line, inCompile.Message)
	}
	return fmt.Errorf("%s: %w", name, err)
}
