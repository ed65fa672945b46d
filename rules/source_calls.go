package rules

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

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
		eachNode(reflect.ValueOf(chunk), func(call *ast.FuncCallExpr) {
			s := sourceCall{file: file, line: call.Line(), name: call.Method, method: call.Method != "", args: call.Args}
			if name, ok := call.Func.(*ast.IdentExpr); ok {
				s.name = name.Value
			}
			out = append(out, s)
		})
	}
	return out, nil
}

// eachNode finds the nodes of one type in a syntax tree, inner ones first.
// placeCalls has bounded its depth.
func eachNode[T any](v reflect.Value, found func(T)) {
	switch v.Kind() {
	case reflect.Interface:
		eachNode(v.Elem(), found)
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		eachNode(v.Elem(), found)
		if node, ok := v.Interface().(T); ok {
			found(node)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			eachNode(v.Field(i), found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachNode(v.Index(i), found)
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

// ofEvents are the operators whose functions get an event first.
var ofEvents = []string{"where", "split", "map", "flatmap", "by", "changed", "each"}

// changes returns the assignments to fields of an event, in functions that are
// written as arguments of an operator.
func (s *sourceCall) changes() (out []*ast.AttrGetExpr) {
	if !s.method || !slices.Contains(ofEvents, s.name) {
		return nil
	}
	for _, arg := range s.args {
		fn, ok := arg.(*ast.FunctionExpr)
		if !ok || len(fn.ParList.Names) == 0 {
			continue
		}
		isEvent := func(e ast.Expr) bool {
			name, ok := e.(*ast.IdentExpr)
			return ok && name.Value == fn.ParList.Names[0]
		}
		other := false // the name stands for something else, as a table
		var found []*ast.AttrGetExpr
		eachNode(reflect.ValueOf(fn.Stmts), func(assign *ast.AssignStmt) {
			for _, to := range assign.Lhs {
				if field, ok := to.(*ast.AttrGetExpr); ok && isEvent(field.Object) {
					found = append(found, field)
				}
				other = other || isEvent(to)
			}
		})
		if !other {
			out = append(out, found...)
		}
	}
	return out
}
