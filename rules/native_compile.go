package rules

import (
	"cmp"
	"fmt"
	"slices"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"tocsin/engine"
)

// compiledFunction is a function of a file with its programs.
type compiledFunction struct {
	tree     *ast.FunctionExpr
	order    int // in its file
	lastLine int
	programs [forms]*program
}

// variable is a variable from outside of a function: one of an enclosing
// function, or a global. It is read at each run, as the VM does.
type variable struct {
	name    string
	upvalue int // -1: a global
}

// outcome is how a statement ends.
type outcome uint8

const (
	next     outcome = iota // the statement behind it follows
	finished                // the function has returned
	gaveUp                  // the VM has to say
)

type step func(*frame) outcome

// compiler compiles one function in one form.
type compiler struct {
	form      form
	parameter string // the event's name; "" when there is none
	locals    []string
	used      int // slots of the frame
	program   *program
}

// markFunctions compiles functions to programs, and puts a mark in place of the
// last line of each, by which the function that the VM's compiler makes of it is
// known again.
func markFunctions(trees []*ast.FunctionExpr) []*compiledFunction {
	out := make([]*compiledFunction, len(trees))
	for i, tree := range trees {
		out[i] = &compiledFunction{tree: tree, order: i, lastLine: cmp.Or(tree.LastLine(), tree.Line())}
		for as := range forms {
			c := &compiler{form: as, program: &program{}}
			c.function(tree)
			out[i].programs[as] = c.program
		}
		tree.SetLastLine(-1 - i)
	}
	return out
}

// linkNatives finds the functions that were marked within what was compiled,
// and takes the marks away.
func (c *chunks) linkNatives(proto *lua.FunctionProto, marked []*compiledFunction) {
	for _, inner := range proto.FunctionPrototypes {
		if mark := inner.LastLineDefined; mark < 0 {
			f := marked[-1-mark]
			inner.LastLineDefined = f.lastLine
			for i, line := range inner.DbgSourcePositions {
				if line == mark {
					inner.DbgSourcePositions[i] = f.lastLine
				}
			}
			f.link(inner)
			c.natives[inner] = f
		}
		c.linkNatives(inner, marked)
	}
}

// link finds the variables, now that the VM's compiler has told which are
// those of an enclosing function.
func (f *compiledFunction) link(proto *lua.FunctionProto) {
	for _, p := range f.programs {
		if int(proto.NumParameters) != len(f.tree.ParList.Names) && p.why == "" {
			p.why = "it is a method"
		}
		for _, v := range p.variables {
			v.upvalue = slices.Index(proto.DbgUpvalues, v.name)
		}
	}
}

// refuse notes why the function stays in the VM; the first reason counts.
func (c *compiler) refuse(at ast.PositionHolder, format string, args ...any) {
	if c.program.why != "" {
		return
	}
	c.program.why = fmt.Sprintf(format, args...)
	if line := at.Line(); line > 0 {
		c.program.why += fmt.Sprintf(" (line %d)", line)
	}
}

func (c *compiler) function(fn *ast.FunctionExpr) {
	switch {
	case fn.ParList.HasVargs:
		c.refuse(fn, "it takes any number of arguments")
		return
	case len(fn.ParList.Names) > 1:
		c.refuse(fn, "it takes more than one argument")
		return
	case len(fn.ParList.Names) == 1 && c.form == ofValue:
		c.declare(fn, fn.ParList.Names[0])
	case len(fn.ParList.Names) == 1:
		c.parameter = fn.ParList.Names[0]
	}
	p := c.program
	if ret := onlyReturn(fn.Stmts); ret != nil && c.form != eventToEvent {
		p.test, p.value = c.condition(ret), c.value(ret)
		c.decideByIdentity(ret)
		return
	}
	run := c.block(fn.Stmts)
	if c.form == eventToEvent {
		p.event = func(f *frame) (kept, ok bool) {
			f.kept = false
			ok = run(f) != gaveUp
			return f.kept, ok
		}
		return
	}
	p.value = func(f *frame) (engine.Value, bool) {
		f.result = engine.Value{}
		ok := run(f) != gaveUp
		return f.result, ok
	}
	p.test = truthOf(p.value)
}

// onlyReturn returns the one result of a function that does nothing but return
// it.
func onlyReturn(body []ast.Stmt) ast.Expr {
	if len(body) != 1 {
		return nil
	}
	if ret, ok := body[0].(*ast.ReturnStmt); ok && len(ret.Exprs) == 1 {
		return ret.Exprs[0]
	}
	return nil
}

// block compiles a list of statements with a scope of its own.
func (c *compiler) block(list []ast.Stmt) step {
	outside := slices.Clone(c.locals)
	var run []step
	for _, s := range list {
		run = append(run, c.statement(s))
	}
	c.locals = outside
	return func(f *frame) outcome {
		for _, s := range run {
			if how := s(f); how != next {
				return how
			}
		}
		return next
	}
}

func (c *compiler) statement(s ast.Stmt) step {
	switch s := s.(type) {
	case *ast.ReturnStmt:
		return c.returns(s)
	case *ast.IfStmt:
		holds, then, otherwise := c.condition(s.Condition), c.block(s.Then), c.block(s.Else)
		return func(f *frame) outcome {
			switch holds(f) {
			case yes:
				return then(f)
			case no:
				return otherwise(f)
			}
			return gaveUp
		}
	case *ast.DoBlockStmt:
		return c.block(s.Stmts)
	case *ast.LocalAssignStmt:
		return c.declares(s)
	case *ast.AssignStmt:
		return c.assigns(s)
	}
	c.refuse(s, "it has %s", nameStatement(s))
	return nil
}

func nameStatement(s ast.Stmt) string {
	switch s.(type) {
	case *ast.FuncCallStmt:
		return "a call whose result it does not use"
	case *ast.FuncDefStmt:
		return "a function of its own"
	case *ast.GotoStmt, *ast.LabelStmt, *ast.BreakStmt:
		return "a jump"
	}
	return "a loop"
}

func (c *compiler) returns(s *ast.ReturnStmt) step {
	if len(s.Exprs) > 1 {
		c.refuse(s, "it returns more than one value")
		return nil
	}
	if len(s.Exprs) == 0 {
		return func(*frame) outcome { return finished }
	}
	if c.form == eventToEvent {
		make := c.event(s.Exprs[0])
		return func(f *frame) outcome {
			kept, ok := make(f)
			if !ok {
				return gaveUp
			}
			f.kept = kept
			return finished
		}
	}
	value := c.value(s.Exprs[0])
	return func(f *frame) outcome {
		v, ok := value(f)
		if !ok {
			return gaveUp
		}
		f.result = v
		return finished
	}
}

// declares compiles a declaration of locals. Each has its value, or none has.
func (c *compiler) declares(s *ast.LocalAssignStmt) step {
	if len(s.Exprs) > 0 && len(s.Exprs) != len(s.Names) {
		c.refuse(s, "it declares variables from another number of values")
		return nil
	}
	values := make([]expression, len(s.Names))
	for i := range values {
		values[i] = constant(engine.Value{})
		if len(s.Exprs) > 0 {
			values[i] = c.value(s.Exprs[i])
		}
	}
	slots := make([]int, len(s.Names))
	for i, name := range s.Names {
		slots[i] = c.declare(s, name)
	}
	if len(slots) == 1 {
		return sets(slots[0], values[0])
	}
	return func(f *frame) outcome {
		for i, value := range values {
			v, ok := value(f)
			if !ok {
				return gaveUp
			}
			f.locals[slots[i]] = v
		}
		return next
	}
}

// declare gives a local a slot of its own, and has its name hide those before.
func (c *compiler) declare(at ast.PositionHolder, name string) int {
	if c.used == maxLocals {
		c.refuse(at, "it has more than %d local variables", maxLocals)
		return 0
	}
	for len(c.locals) < c.used {
		c.locals = append(c.locals, "") // of blocks that have ended
	}
	c.locals = append(c.locals, name)
	c.used++
	return c.used - 1
}

// local returns the slot of a local, or -1.
func (c *compiler) local(name string) int {
	for i := len(c.locals) - 1; i >= 0; i-- {
		if c.locals[i] == name {
			return i
		}
	}
	return -1
}

func (c *compiler) assigns(s *ast.AssignStmt) step {
	if len(s.Lhs) == 1 && len(s.Rhs) == 1 {
		if name, ok := s.Lhs[0].(*ast.IdentExpr); ok {
			if slot := c.local(name.Value); slot >= 0 {
				return sets(slot, c.value(s.Rhs[0]))
			}
		}
	}
	c.refuse(s, "it assigns to what is not one local variable")
	return nil
}

func sets(slot int, value expression) step {
	return func(f *frame) outcome {
		v, ok := value(f)
		if !ok {
			return gaveUp
		}
		f.locals[slot] = v
		return next
	}
}
