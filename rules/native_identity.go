package rules

import (
	"github.com/yuin/gopher-lua/ast"

	"tocsin/engine"
)

// decideByIdentity compiles the part at the start of a condition that the
// identity alone decides: all of it, or what stands before an "and". The engine
// asks for it once per identity, so a function that begins with
// "e.service == … and" costs nothing for the events of other services.
func (c *compiler) decideByIdentity(e ast.Expr) {
	if part, all := c.identityPart(e); part != nil {
		c.program.identity, c.program.byIdentity = c.condition(part), all
	}
}

// identityPart returns that part, nil if there is none, and whether it is all.
func (c *compiler) identityPart(e ast.Expr) (part ast.Expr, all bool) {
	if c.isOfIdentity(e) {
		return e, true
	}
	if chain, ok := e.(*ast.LogicalOpExpr); ok && chain.Operator == "and" {
		part, _ = c.identityPart(chain.Lhs)
	}
	return part, false
}

// isOfIdentity reports whether only the identity decides the value of an
// expression: neither other fields nor variables, which may change.
func (c *compiler) isOfIdentity(e ast.Expr) bool {
	if _, ok := literal(e); ok {
		return true
	}
	switch e := e.(type) {
	case *ast.AttrGetExpr:
		name, ok := e.Key.(*ast.StringExpr)
		return ok && c.isEvent(e.Object) && engine.FieldNamed(name.Value).IsStatic()
	case *ast.RelationalOpExpr:
		return c.isOfIdentity(e.Lhs) && c.isOfIdentity(e.Rhs)
	case *ast.LogicalOpExpr:
		return c.isOfIdentity(e.Lhs) && c.isOfIdentity(e.Rhs)
	case *ast.StringConcatOpExpr:
		return c.isOfIdentity(e.Lhs) && c.isOfIdentity(e.Rhs)
	case *ast.UnaryNotOpExpr:
		return c.isOfIdentity(e.Expr)
	case *ast.FuncCallExpr:
		return e.Method == "tagged" && c.isEvent(e.Receiver) && len(e.Args) == 1 && c.isOfIdentity(e.Args[0])
	}
	return false
}

// runStatic says what an identity alone decides about a program's condition.
func (f *frame) runStatic(p *program, id *engine.Identity) engine.Verdict {
	if p.identity == nil || id == nil {
		return engine.Maybe
	}
	f.event = &engine.Event{ID: id}
	switch v := p.identity(f); {
	case v == no:
		return engine.Never
	case v == yes && p.byIdentity:
		return engine.Always
	}
	return engine.Maybe
}
