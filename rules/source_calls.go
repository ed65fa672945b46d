package rules

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// sourceCall is a call as it is written in a rules file.
type sourceCall struct {
	file string
	line int
	// name is that of the function or, of a method call, the method.
	name   string
	method bool
	args   []ast.Expr
}

func (s *sourceCall) pos() string { return fmt.Sprintf("%s:%d", s.file, s.line) }

// sourceCalls reads the files of the configuration again and returns the calls
// in them, those within functions too, in the order of the text of each file.
func (c *Config) sourceCalls() ([]sourceCall, error) {
	var out []sourceCall
	for _, file := range c.Files {
		text, err := c.chunks.read(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read rules: %w", err)
		}
		if bytes.HasPrefix(text, []byte("#!")) {
			text = append([]byte("--"), text...)
		}
		chunk, err := parse.Parse(bytes.NewReader(text), file)
		if err != nil {
			return nil, syntaxError(file, text, err)
		}
		if _, _, err := placeCalls(file, chunk, nil); err != nil {
			return nil, err
		}
		eachCall(reflect.ValueOf(chunk), func(call *ast.FuncCallExpr) {
			s := sourceCall{file: file, line: call.Line(), name: call.Method, method: call.Method != "", args: call.Args}
			if name, ok := call.Func.(*ast.IdentExpr); ok {
				s.name = name.Value
			}
			out = append(out, s)
		})
	}
	return out, nil
}

// eachCall finds the calls in a syntax tree. placeCalls has bounded its depth.
func eachCall(v reflect.Value, found func(*ast.FuncCallExpr)) {
	switch v.Kind() {
	case reflect.Interface:
		eachCall(v.Elem(), found)
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		eachCall(v.Elem(), found)
		if call, ok := v.Interface().(*ast.FuncCallExpr); ok {
			found(call)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			eachCall(v.Field(i), found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachCall(v.Index(i), found)
		}
	}
}

// literalText returns the string that an expression is, if it is one.
func literalText(e ast.Expr) (string, bool) {
	s, ok := e.(*ast.StringExpr)
	if !ok {
		return "", false
	}
	return s.Value, true
}

// queries returns the queries among the arguments that are written as they are.
func (s *sourceCall) queries() []string {
	var preds []ast.Expr
	switch {
	case !s.method && s.name != "index":
	case s.name == "where", s.name == "count", s.name == "share", s.name == "index":
		preds = s.args[:min(1, len(s.args))]
	case s.name == "split", s.name == "project":
		preds = s.args
	case s.name == "at_least":
		preds = s.args[min(2, len(s.args)):]
	case s.name == "classify", s.name == "apdex":
		preds = conditions(s.args)
	}
	var out []string
	for _, p := range preds {
		if text, ok := literalText(p); ok {
			out = append(out, text)
		}
	}
	return out
}

// conditions returns the values of a table of conditions: { state = pred }, or
// a list of { "state", pred }.
func conditions(args []ast.Expr) (out []ast.Expr) {
	if len(args) == 0 {
		return nil
	}
	table, _ := args[len(args)-1].(*ast.TableExpr)
	if table == nil {
		return nil
	}
	for _, f := range table.Fields {
		if pair, ok := f.Value.(*ast.TableExpr); ok && len(pair.Fields) == 2 {
			out = append(out, pair.Fields[1].Value)
		} else if f.Key != nil {
			out = append(out, f.Value)
		}
	}
	return out
}
