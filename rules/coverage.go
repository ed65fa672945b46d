package rules

import (
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"tocsin/engine/stream"
)

// Coverage collects which lines and which operators of the rules files the
// tests reached. It is for one run of Test, after which it can be asked. The
// files of tests themselves are left out.
//
// Lua has no hook that tells of lines, so files are compiled with an assignment
// before each statement, which marks it in a table.
type Coverage struct {
	files      []*coveredFile // in the order read
	statements []statement    // of all files
	operators  map[operatorKey]*OperatorCoverage
	order      []operatorKey
	without    map[string]bool // files of tests
}

type coveredFile struct {
	path string
	text []byte
}

// statement is one that begins on a line.
type statement struct {
	file    *coveredFile
	line    int
	reached bool
}

// OperatorCoverage is how much one operator of a rules file passed, over all
// tests.
type OperatorCoverage struct {
	// File and Line are where it stands.
	File string
	Line int
	// Name is that of the operator, and of one of its streams if it returns
	// several: "where", "split 1".
	Name string
	// Passed is how many events and lists it passed on, a list being one.
	Passed int
}

// operatorKey tells operators apart. A loop draws several at one place; they
// are counted one by one.
type operatorKey struct {
	pos, name string
	nth       int
}

// NewCoverage makes a Coverage that has seen nothing.
func NewCoverage() *Coverage {
	return &Coverage{operators: make(map[operatorKey]*OperatorCoverage), without: make(map[string]bool)}
}

// coverageTable is the global in which statements are marked. No rules file can
// write such a name, so none can hide it by a variable of its own.
const coverageTable = "(coverage)"

// marker returns what makes the marks of a file, or nil if it needs none.
func (c *Coverage) marker(path string, text []byte) func(line int) ast.Stmt {
	if c == nil || c.without[path] {
		return nil
	}
	file := &coveredFile{path, text}
	c.files = append(c.files, file)
	return func(line int) ast.Stmt {
		c.statements = append(c.statements, statement{file: file, line: line})
		return markStatement(len(c.statements), line)
	}
}

// markStatement is the statement "(coverage)[n] = true".
func markStatement(n, line int) ast.Stmt {
	table := &ast.IdentExpr{Value: coverageTable}
	key := &ast.NumberExpr{Value: strconv.Itoa(n)}
	place := &ast.AttrGetExpr{Object: table, Key: key}
	value := &ast.TrueExpr{}
	s := &ast.AssignStmt{Lhs: []ast.Expr{place}, Rhs: []ast.Expr{value}}
	for _, node := range []ast.PositionHolder{table, key, place, value, s} {
		node.SetLine(line)
		node.SetLastLine(line)
	}
	return s
}

// begin gives a Lua state the table of marks.
func (c *Coverage) begin(L *lua.LState) *lua.LTable {
	marks := L.CreateTable(len(c.statements), 0)
	for i := range c.statements {
		marks.RawSetInt(i+1, lua.LFalse)
	}
	L.SetGlobal(coverageTable, marks)
	return marks
}

// end notes what was marked.
func (c *Coverage) end(marks *lua.LTable) {
	for i := range c.statements {
		if marks.RawGetInt(i+1) == lua.LTrue {
			c.statements[i].reached = true
		}
	}
}

// add notes what the operators of a graph passed.
func (c *Coverage) add(g *stream.Graph) {
	drawn := make(map[operatorKey]int)
	for _, p := range g.Passages() {
		file, line := splitPos(p.Site.Pos)
		if c.without[file] {
			continue
		}
		name := p.Operator
		if p.Site.Rule != "" {
			name = "rule " + strconv.Quote(p.Site.Rule)
		} else if p.Out != "" {
			name += " " + p.Out
		}
		key := operatorKey{pos: p.Site.Pos, name: name}
		drawn[key]++
		key.nth = drawn[key]
		op := c.operators[key]
		if op == nil {
			op = &OperatorCoverage{File: file, Line: line, Name: name}
			c.operators[key] = op
			c.order = append(c.order, key)
		}
		op.Passed += int(p.Passed)
	}
}

// splitPos splits "FILE:LINE".
func splitPos(pos string) (file string, line int) {
	i := strings.LastIndexByte(pos, ':')
	if i < 0 {
		return pos, 0
	}
	line, err := strconv.Atoi(pos[i+1:])
	if err != nil {
		return pos, 0
	}
	return pos[:i], line
}

// LineCoverage says how far one line of a file was reached.
type LineCoverage struct {
	Line int
	// Statements is how many begin on the line, Reached how many of them a test
	// reached: a function written on one line may never have been called.
	Statements, Reached int
}

// Files returns the paths of the files that the tests read, sorted.
func (c *Coverage) Files() []string {
	var paths []string
	for _, f := range c.files {
		paths = append(paths, f.path)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// Lines returns the lines of a file on which statements begin, in order.
func (c *Coverage) Lines(path string) []LineCoverage {
	byLine := make(map[int]*LineCoverage)
	for _, s := range c.statements {
		if s.file.path != path {
			continue
		}
		l := byLine[s.line]
		if l == nil {
			l = &LineCoverage{Line: s.line}
			byLine[s.line] = l
		}
		l.Statements++
		if s.reached {
			l.Reached++
		}
	}
	var lines []LineCoverage
	for _, l := range byLine {
		lines = append(lines, *l)
	}
	slices.SortFunc(lines, func(a, b LineCoverage) int { return a.Line - b.Line })
	return lines
}

// Operators returns the operators of a file by line, and in the order drawn
// within one.
func (c *Coverage) Operators(path string) []OperatorCoverage {
	var list []OperatorCoverage
	for _, key := range c.order {
		if op := c.operators[key]; op.File == path {
			list = append(list, *op)
		}
	}
	slices.SortStableFunc(list, func(a, b OperatorCoverage) int { return a.Line - b.Line })
	return list
}
