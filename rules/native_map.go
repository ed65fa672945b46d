package rules

import (
	"github.com/yuin/gopher-lua/ast"

	"tocsin/engine"
)

// event compiles what a function given to map returns: the event, a changed
// copy of it, nil, or a choice of these.
func (c *compiler) event(e ast.Expr) eventExpression {
	switch {
	case c.isEvent(e):
		return func(f *frame) (kept, ok bool) {
			f.out = *f.event
			return true, true
		}
	case isNil(e):
		return func(*frame) (kept, ok bool) { return false, true }
	}
	switch e := e.(type) {
	case *ast.LogicalOpExpr:
		return c.eventChoice(e)
	case *ast.FuncCallExpr:
		if e.Method == "with" && c.isEvent(e.Receiver) && len(e.Args) == 1 {
			if t, ok := e.Args[0].(*ast.TableExpr); ok {
				return c.with(t)
			}
		}
	}
	c.refuse(e, "it returns neither the event, e:with { … } nor nil")
	return nil
}

func isNil(e ast.Expr) bool {
	_, ok := e.(*ast.NilExpr)
	return ok
}

// eventChoice compiles "condition and event", with or without "or event".
func (c *compiler) eventChoice(e *ast.LogicalOpExpr) eventExpression {
	if e.Operator == "and" {
		value, then := c.value(e.Lhs), c.event(e.Rhs)
		return func(f *frame) (kept, ok bool) {
			v, ok := value(f)
			if !ok || !truth(v) {
				return false, ok && v.Kind == engine.Absent // false is no event
			}
			return then(f)
		}
	}
	choice, ok := e.Lhs.(*ast.LogicalOpExpr)
	if !ok || choice.Operator != "and" || isNil(choice.Rhs) {
		c.refuse(e, "it returns a choice that is not of the form a and b or c")
		return nil
	}
	if _, ok := choice.Rhs.(*ast.LogicalOpExpr); ok {
		c.refuse(e, "it returns a choice that is not of the form a and b or c")
		return nil
	}
	holds, then, otherwise := c.condition(choice.Lhs), c.event(choice.Rhs), c.event(e.Rhs)
	return func(f *frame) (kept, ok bool) {
		switch holds(f) {
		case yes:
			return then(f)
		case no:
			return otherwise(f)
		}
		return false, false
	}
}

// fieldToSet is one field of e:with { … }.
type fieldToSet struct {
	name   string
	value  expression
	remove condition // of a name that may stand for none: whether it does
}

// with compiles e:with { … } with names that are written out.
func (c *compiler) with(t *ast.TableExpr) eventExpression {
	var fields []fieldToSet
	seen := make(map[string]bool)
	ofEvent := true
	for _, part := range t.Fields {
		name, ok := part.Key.(*ast.StringExpr)
		if !ok || seen[name.Value] || name.Value == "tags" {
			c.refuse(t, "it sets tags, or fields whose names are not written out once")
			return nil
		}
		seen[name.Value] = true
		ofEvent = ofEvent && !engine.FieldNamed(name.Value).IsStatic()
		field := fieldToSet{name: name.Value, value: c.value(part.Value)}
		if id, ok := part.Value.(*ast.IdentExpr); ok && id.Value == "none" && c.local("none") < 0 {
			none := c.reference(id)
			field.remove = func(f *frame) verdict { return verdictOf(none(f) == f.none) }
		}
		fields = append(fields, field)
	}
	if ofEvent {
		return func(f *frame) (kept, ok bool) { return true, f.setFields(fields) }
	}
	return func(f *frame) (kept, ok bool) { return true, f.changeFields(fields) }
}

// read returns the value to set; given is false when there is none.
func (t *fieldToSet) read(f *frame) (v engine.Value, given, ok bool) {
	if t.remove != nil && t.remove(f) == yes {
		return engine.Value{}, true, true
	}
	v, ok = t.value(f)
	return v, v.Kind != engine.Absent, ok
}

// changeFields is e:with for fields of all kinds.
func (f *frame) changeFields(fields []fieldToSet) bool {
	var change engine.Change
	for i := range fields {
		v, given, ok := fields[i].read(f)
		if !ok || given && change.Set(fields[i].name, v) != nil {
			return false
		}
	}
	f.out = change.Apply(f.event, f.ids())
	return true
}

// setFields is e:with for fields that are not of the identity.
func (f *frame) setFields(fields []fieldToSet) bool {
	f.out = *f.event
	for i := range fields {
		v, given, ok := fields[i].read(f)
		if !ok || given && !setField(&f.out, fields[i].name, v) {
			return false
		}
	}
	return true
}

// setField sets a field of an event to a value of its kind.
func setField(e *engine.Event, name string, v engine.Value) bool {
	switch {
	case name == "metric" && v.Kind == engine.Number:
		e.SetMetric(v.Num)
	case name == "time" && v.Kind == engine.Number:
		e.SetTime(engine.TimeOf(v.Num))
	case name == "ttl" && v.Kind == engine.Number:
		e.SetTTL(engine.Seconds(v.Num))
	case name == "state" && v.Kind == engine.Text:
		e.SetState(v.Str)
	case name == "description" && v.Kind == engine.Text:
		e.SetDescription(v.Str)
	case v.Kind == engine.Absent:
		var change engine.Change
		if change.Set(name, v) != nil {
			return false
		}
		change.ToEvent(e, false)
	default:
		return false
	}
	return true
}
