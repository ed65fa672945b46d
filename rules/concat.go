package rules

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// gopher-lua's own ".." makes strings of any length in one instruction, which
// cannot be cut off, and writes numbers in a way of its own. So each ".." is
// compiled as a call of concat. Nothing in a file can change that: the function
// is a constant of the compiled code, and has no name.

// concatMark stands for concat in the tree, which can hold constant strings but
// no functions.
const concatMark = "\x00.."

// compileTree compiles a tree, with concat in the place of "..". The tree is
// afterwards as it was.
func compileTree(chunk []ast.Stmt, name string) (*lua.FunctionProto, error) {
	r := &concats{mark: &ast.StringExpr{Value: concatMark}}
	r.stmts(chunk)
	defer r.undo()
	proto, err := lua.Compile(chunk, name)
	if err == nil {
		setConcat(proto, &lua.LFunction{IsG: true, GFunction: concat})
	}
	return proto, err
}

// setConcat puts the function in the place of the mark.
func setConcat(proto *lua.FunctionProto, fn *lua.LFunction) {
	for i, v := range proto.Constants {
		if v == lua.LString(concatMark) {
			proto.Constants[i] = fn
		}
	}
	for _, inner := range proto.FunctionPrototypes {
		setConcat(inner, fn)
	}
}

// concat is what ".." calls, with all the operands of a chain.
func concat(L *lua.LState) int {
	n, size := L.GetTop(), 0
	var few [8]string
	texts := few[:0]
	for i := 1; i <= n; i++ {
		s, ok := stringOf(L.Get(i))
		if !ok {
			return concatMeta(L, n)
		}
		size += len(s)
		texts = append(texts, s)
	}
	if size > maxString {
		tooLong(L, "..")
	}
	pushMade(L, strings.Join(texts, ""))
	return 1
}

// concatMeta joins from the right, as some operands have their own way to.
func concatMeta(L *lua.LState, n int) int {
	right := L.Get(n)
	for i := n - 1; i >= 1; i-- {
		left := L.Get(i)
		a, isText := stringOf(left)
		b, isTextToo := stringOf(right)
		if isText && isTextToo {
			if len(a)+len(b) > maxString {
				tooLong(L, "..")
			}
			right = lua.LString(a + b)
			continue
		}
		fn := L.GetMetaField(left, "__concat")
		if fn == lua.LNil {
			fn = L.GetMetaField(right, "__concat")
		}
		if fn.Type() != lua.LTFunction {
			fail(L, "cannot perform concat operation between %s and %s", left.Type(), right.Type())
		}
		L.Push(fn)
		L.Push(left)
		L.Push(right)
		L.Call(2, 1)
		right = L.Get(-1)
		L.Pop(1)
	}
	L.Push(right)
	return 1
}

// concats puts calls in the place of "..".
type concats struct {
	mark  *ast.StringExpr
	undos []func()
}

func (r *concats) undo() {
	for _, undo := range r.undos {
		undo()
	}
}

// call makes a call of the expression, whose operands are replaced already.
func (r *concats) call(slot *ast.Expr, e *ast.StringConcatOpExpr) {
	args := []ast.Expr{e.Lhs}
	if right, ok := e.Rhs.(*ast.FuncCallExpr); ok && right.Func == ast.Expr(r.mark) {
		args = append(args, right.Args...)
	} else {
		args = append(args, e.Rhs)
		r.single(e.Rhs)
	}
	call := &ast.FuncCallExpr{Func: r.mark, Args: args, AdjustRet: true}
	call.SetLine(e.Line())
	call.SetLastLine(e.LastLine())
	r.undos = append(r.undos, func() { *slot = e })
	*slot = call
}

// single takes one value of what may yield several.
func (r *concats) single(e ast.Expr) {
	var adjust *bool
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		adjust = &e.AdjustRet
	case *ast.Comma3Expr:
		adjust = &e.AdjustRet
	default:
		return
	}
	before := *adjust
	r.undos = append(r.undos, func() { *adjust = before })
	*adjust = true
}

func (r *concats) stmts(list []ast.Stmt) {
	for _, s := range list {
		r.stmt(s)
	}
}

func (r *concats) stmt(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		r.list(s.Lhs)
		r.list(s.Rhs)
	case *ast.LocalAssignStmt:
		r.list(s.Exprs)
	case *ast.FuncCallStmt:
		r.expr(&s.Expr)
	case *ast.DoBlockStmt:
		r.stmts(s.Stmts)
	case *ast.WhileStmt:
		r.expr(&s.Condition)
		r.stmts(s.Stmts)
	case *ast.RepeatStmt:
		r.stmts(s.Stmts)
		r.expr(&s.Condition)
	case *ast.IfStmt:
		r.expr(&s.Condition)
		r.stmts(s.Then)
		r.stmts(s.Else)
	case *ast.NumberForStmt:
		r.expr(&s.Init)
		r.expr(&s.Limit)
		r.expr(&s.Step)
		r.stmts(s.Stmts)
	case *ast.GenericForStmt:
		r.list(s.Exprs)
		r.stmts(s.Stmts)
	case *ast.FuncDefStmt:
		r.stmts(s.Func.Stmts)
	case *ast.ReturnStmt:
		r.list(s.Exprs)
	}
}

func (r *concats) list(exprs []ast.Expr) {
	for i := range exprs {
		r.expr(&exprs[i])
	}
}

func (r *concats) expr(slot *ast.Expr) {
	switch e := (*slot).(type) {
	case *ast.AttrGetExpr:
		r.expr(&e.Object)
		r.expr(&e.Key)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			r.expr(&f.Key)
			r.expr(&f.Value)
		}
	case *ast.FuncCallExpr:
		r.expr(&e.Func)
		r.expr(&e.Receiver)
		r.list(e.Args)
	case *ast.LogicalOpExpr:
		r.expr(&e.Lhs)
		r.expr(&e.Rhs)
	case *ast.RelationalOpExpr:
		r.expr(&e.Lhs)
		r.expr(&e.Rhs)
	case *ast.StringConcatOpExpr:
		r.expr(&e.Lhs)
		r.expr(&e.Rhs)
		r.call(slot, e)
	case *ast.ArithmeticOpExpr:
		r.expr(&e.Lhs)
		r.expr(&e.Rhs)
	case *ast.UnaryMinusOpExpr:
		r.expr(&e.Expr)
	case *ast.UnaryNotOpExpr:
		r.expr(&e.Expr)
	case *ast.UnaryLenOpExpr:
		r.expr(&e.Expr)
	case *ast.FunctionExpr:
		r.stmts(e.Stmts)
	}
}
