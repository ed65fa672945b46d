package rules

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

// maxNesting bounds how deep expressions and blocks may be nested, because the
// compiler follows them on the stack.
const maxNesting = 1000

// placer walks a syntax tree before it is compiled.
type placer struct {
	depth int
	deep  int                     // the line where it is nested too deep
	names map[int][]string        // of variables that are read, by line
	mark  func(line int) ast.Stmt // makes what is put before each statement; nil: nothing is
	// functions are in the order of the text, outer ones first.
	functions []*ast.FunctionExpr
}

// placeCalls gives each method call of a chain the line that it stands on; the
// parser gives all of them the first line of the chain. If there is a mark, it
// puts one before each statement. It returns the tree and the placer, which
// knows what is in it, and fails when the tree is nested too deep.
func placeCalls(name string, chunk []ast.Stmt, mark func(line int) ast.Stmt) ([]ast.Stmt, *placer, error) {
	p := &placer{names: make(map[int][]string), mark: mark}
	chunk = p.stmts(chunk)
	if p.deep > 0 {
		return nil, nil, fmt.Errorf("%s:%d: nested more than %d deep", name, p.deep, maxNesting)
	}
	return chunk, p, nil
}

// enter counts one level, and reports whether to go on.
func (p *placer) enter(line int) bool {
	p.depth++
	if p.depth > maxNesting && p.deep == 0 {
		p.deep = max(line, 1)
	}
	return p.deep == 0
}

// stmts walks a block and returns what stands in its place.
func (p *placer) stmts(list []ast.Stmt) []ast.Stmt {
	var marked []ast.Stmt
	for _, s := range list {
		if _, isLabel := s.(*ast.LabelStmt); p.mark != nil && !isLabel {
			marked = append(marked, p.mark(s.Line()))
		}
		marked = append(marked, s)
		if p.enter(s.Line()) {
			p.stmt(s)
		}
		p.depth--
	}
	return marked
}

func (p *placer) stmt(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		p.exprs(s.Lhs...)
		p.exprs(s.Rhs...)
	case *ast.LocalAssignStmt:
		p.exprs(s.Exprs...)
	case *ast.FuncCallStmt:
		p.exprs(s.Expr)
	case *ast.DoBlockStmt:
		s.Stmts = p.stmts(s.Stmts)
	case *ast.WhileStmt:
		p.exprs(s.Condition)
		s.Stmts = p.stmts(s.Stmts)
	case *ast.RepeatStmt:
		s.Stmts = p.stmts(s.Stmts)
		p.exprs(s.Condition)
	case *ast.IfStmt:
		p.exprs(s.Condition)
		s.Then = p.stmts(s.Then)
		s.Else = p.stmts(s.Else)
	case *ast.NumberForStmt:
		p.exprs(s.Init, s.Limit, s.Step)
		s.Stmts = p.stmts(s.Stmts)
	case *ast.GenericForStmt:
		p.exprs(s.Exprs...)
		s.Stmts = p.stmts(s.Stmts)
	case *ast.FuncDefStmt:
		p.exprs(s.Name.Func, s.Name.Receiver, s.Func)
	case *ast.ReturnStmt:
		p.exprs(s.Exprs...)
	}
}

func (p *placer) exprs(list ...ast.Expr) {
	for _, e := range list {
		if e == nil {
			continue
		}
		if p.enter(e.Line()) {
			p.expr(e)
		}
		p.depth--
	}
}

func (p *placer) expr(e ast.Expr) {
	switch e := e.(type) {
	case *ast.IdentExpr:
		p.names[e.Line()] = append(p.names[e.Line()], e.Value)
	case *ast.AttrGetExpr:
		p.exprs(e.Object, e.Key)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			p.exprs(f.Key, f.Value)
		}
	case *ast.FuncCallExpr:
		p.exprs(e.Func, e.Receiver)
		p.exprs(e.Args...)
		if e.Method != "" {
			line := max(e.Line(), e.Receiver.Line())
			if len(e.Args) > 0 {
				line = max(line, e.Args[0].Line())
			}
			e.SetLine(line)
		}
	case *ast.LogicalOpExpr:
		p.exprs(e.Lhs, e.Rhs)
	case *ast.RelationalOpExpr:
		p.exprs(e.Lhs, e.Rhs)
	case *ast.StringConcatOpExpr:
		p.exprs(e.Lhs, e.Rhs)
	case *ast.ArithmeticOpExpr:
		p.exprs(e.Lhs, e.Rhs)
	case *ast.UnaryMinusOpExpr:
		p.exprs(e.Expr)
	case *ast.UnaryNotOpExpr:
		p.exprs(e.Expr)
	case *ast.UnaryLenOpExpr:
		p.exprs(e.Expr)
	case *ast.FunctionExpr:
		p.functions = append(p.functions, e)
		e.Stmts = p.stmts(e.Stmts)
	}
}
