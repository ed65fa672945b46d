package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tocsin/engine"
	"tocsin/engine/query"
	"tocsin/engine/stream"
)

// Warning is something in a rules file that is no error, but likely wrong.
type Warning struct {
	// Pos is where, as "FILE:LINE".
	Pos string
	// What is likely wrong, and what to do about it.
	What, Advice string
}

func (w Warning) String() string { return w.Pos + ": warning: " + w.What + "; " + w.Advice }

// Warnings returns what is likely wrong with a configuration that was loaded
// without Options.Output and has not been started, in the order of its files.
func (c *Config) Warnings() ([]Warning, error) {
	calls, err := c.sourceCalls()
	if err != nil {
		return nil, err
	}
	var out []Warning
	for _, call := range calls {
		out = append(out, call.warnings()...)
	}
	out = append(out, c.flowWarnings()...)
	out = append(out, c.selfWarnings(calls)...)
	slices.SortStableFunc(out, func(a, b Warning) int { return c.comparePlaces(a.Pos, b.Pos) })
	return slices.Compact(out), nil
}

// comparePlaces orders places by file, as they were read, and by line.
func (c *Config) comparePlaces(a, b string) int {
	fileA, lineA := c.splitPlace(a)
	fileB, lineB := c.splitPlace(b)
	return cmp.Or(cmp.Compare(fileA, fileB), cmp.Compare(lineA, lineB))
}

func (c *Config) splitPlace(pos string) (file, line int) {
	i := strings.LastIndexByte(pos, ':')
	line, _ = strconv.Atoi(pos[i+1:])
	return slices.Index(c.Files, pos[:max(i, 0)]), line
}

// boundless are the fields whose values never end.
var boundless = []string{"time", "metric", "description"}

// warnings are those that a call shows by itself.
func (s *sourceCall) warnings() (out []Warning) {
	for _, text := range s.queries() {
		if why := query.Contradiction(text); why != "" {
			out = append(out, Warning{s.pos(), fmt.Sprintf("no event can match the query %s: %s", quote(text), why), "correct the query"})
		}
		if written, meant := query.Unquoted(text); written != "" {
			out = append(out, Warning{s.pos(), written + " compares two fields", "for a text write " + meant})
		}
	}
	for _, field := range s.changes() {
		name := "…"
		if text, ok := literalText(field.Key); ok {
			name = text
		}
		out = append(out, Warning{fmt.Sprintf("%s:%d", s.file, field.Object.Line()), fmt.Sprintf("the function of %s sets %s of an event, which cannot be changed", s.name, name),
			fmt.Sprintf("return a copy, as e:with { %s = … }", name)})
	}
	if !s.method || s.name != "by" {
		return out
	}
	for _, arg := range s.args {
		if key, ok := literalText(arg); ok && slices.Contains(boundless, key) {
			out = append(out, Warning{s.pos(), fmt.Sprintf("by %q makes a group for each %s there ever is", key, key),
				`group by what has few values, such as "host" or "service"`})
		}
	}
	return out
}

// selfWarnings are those of rules that ask the index for their own events.
func (c *Config) selfWarnings(calls []sourceCall) (out []Warning) {
	for _, r := range c.rulesByPlace() {
		for _, text := range r.asks(calls) {
			if r.matches(text) {
				out = append(out, Warning{r.pos, fmt.Sprintf("rule %q asks the index for %s, which its own events match", r.name, quote(text)),
					"give it another name, or ask for less"})
			}
		}
	}
	return out
}

// matches reports whether a query asks for the service that a rule's events have,
// and for nothing that they have not.
func (r *rule) matches(text string) bool {
	q, err := query.Parse(text)
	if err != nil {
		return false
	}
	own := false
	for _, l := range q.Literals() {
		switch {
		case l.Tag && slices.Contains(r.tags, l.Text):
		case !l.Tag && l.Field.Name() == "host" && l.Text == r.host:
		case !l.Tag && l.Field.Name() == "service" && l.Text == r.name:
			own = true
		default:
			return false
		}
	}
	host := "nil"
	if r.host != "" {
		host = strconv.Quote(r.host)
	}
	return own && query.Contradiction("("+text+") and host = "+host) == ""
}

// ends are the operators that a stream may end with.
var ends = []string{"to", "emit", "index", "each", "tap"}

// flowWarnings are those that the streams show as they are connected.
func (c *Config) flowWarnings() (out []Warning) {
	d, heads := c.describeGraph()
	tapped := make(map[int]bool)
	for _, s := range c.taps {
		tapped[d.Place(s).Operator] = true
	}
	for i := heads; i < len(d.Operators); i++ {
		op := &d.Operators[i]
		if !feeds(op) && !tapped[i] && !slices.Contains(ends, op.Name) {
			out = append(out, Warning{op.Site.Pos, fmt.Sprintf("the stream behind %s goes nowhere", op.Name), "end it with to, emit, index or each, or remove it"})
		}
		if op.PassesFirst {
			if s := c.firstReaches(d, i); s != nil {
				out = append(out, Warning{op.Site.Pos, fmt.Sprintf("changed has no init, so after each start the first event goes to sink %s even if all is well", s.Name),
					`say what is well, as in changed("state", { init = "ok" })`})
			}
		}
	}
	return out
}

// describeGraph describes all streams. The first operators are heads: that of
// events, and those of the sources' through.
func (c *Config) describeGraph() (d *stream.Description, heads int) {
	var through []*stream.Stream
	for _, s := range c.Sources {
		if s.Through != nil {
			through = append(through, s.Through)
		}
	}
	return c.Graph.Describe(through...), 1 + len(through)
}

func feeds(op *stream.Operator) bool {
	for _, out := range op.Outs {
		if len(out.Next) > 0 {
			return true
		}
	}
	return false
}

// selective are the operators that may keep the first event back.
var selective = []string{
	"where", "split", "tagged", "tagged_any", "over", "under", "expired", "live", "map", "flatmap", "changed", "runs", "at_least", "emit",
}

// firstReaches returns a sink that notifies people of whatever an operator
// passes; nil when there is none, or when a sink that shows the state of things
// gets it as well: that wants the first event.
func (c *Config) firstReaches(d *stream.Description, from int) (notifies *Sink) {
	queue, seen := []int{from}, map[int]bool{from: true}
	for len(queue) > 0 {
		op := &d.Operators[queue[0]]
		queue = queue[1:]
		for _, output := range op.Sinks {
			s := output.(discard).sink
			if _, shows := s.Sink.(engine.Actuator); shows {
				return nil
			}
			if _, ok := s.Sink.(engine.Notifier); ok && notifies == nil {
				notifies = s
			}
		}
		for _, out := range op.Outs {
			for _, next := range out.Next {
				if !seen[next] && !slices.Contains(selective, d.Operators[next].Name) {
					seen[next] = true
					queue = append(queue, next)
				}
			}
		}
	}
	return notifies
}
