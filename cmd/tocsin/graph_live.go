package main

import (
	"fmt"
	"time"

	"tocsin/rules"
)

// liveWindow is the time over which the rates of a drawing are taken.
const liveWindow = time.Second

// liveRates is what a running configuration does, per second.
type liveRates struct {
	seconds   float64 // between the two readings
	sources   map[string]float64
	rules     map[string]*rules.RuleUsage     // by name, of what came in that time
	operators map[string]*rules.OperatorUsage // by path, likewise
	errors    map[string]uint64               // of rules and operators, since they were loaded
}

// readLive takes two readings of a running tocsin.
func readLive(c *connection) (*liveRates, error) {
	first, err := c.usage(true)
	if err != nil {
		return nil, err
	}
	<-time.After(liveWindow)
	second, err := c.usage(true)
	if err != nil {
		return nil, err
	}
	return newLiveRates(first, second)
}

func newLiveRates(first, second *rulesAnswer) (*liveRates, error) {
	l := &liveRates{
		seconds: second.Age - first.Age, sources: make(map[string]float64),
		rules: make(map[string]*rules.RuleUsage), operators: make(map[string]*rules.OperatorUsage), errors: make(map[string]uint64),
	}
	if l.seconds <= 0 {
		return nil, fmt.Errorf("the rules were reloaded meanwhile; try again")
	}
	for name, n := range second.Sources {
		l.sources[name] = float64(n-min(n, first.Sources[name])) / l.seconds
	}
	for i := range second.Rules {
		r := &second.Rules[i]
		if r.Kind == rules.RuleUsed {
			l.errors["rule "+r.Name] = r.Errors
		}
		for _, o := range r.Operators {
			l.errors[o.Path] = o.Errors
		}
	}
	since := second.Since(first.Usage)
	for i := range since {
		r := &since[i]
		if r.Kind == rules.RuleUsed {
			l.rules[r.Name] = r
		}
		for i := range r.Operators {
			l.operators[r.Operators[i].Path] = &r.Operators[i]
		}
	}
	return l, nil
}

// rate returns how many events a second go along an arrow; ok is false when
// nothing that runs tells of it.
func (l *liveRates) rate(a *rules.Arrow) (rate float64, ok bool) {
	for _, f := range a.Flows {
		switch {
		case f.Source != "":
			n, known := l.sources[f.Source]
			rate, ok = rate+n, ok || known
		case f.Rule != "":
			if r := l.rules[f.Rule]; r != nil {
				rate, ok = rate+float64(r.In)/l.seconds, true
			}
		default:
			if o := l.operators[f.Path]; o != nil {
				rate, ok = rate+float64(flowOf(o, f))/l.seconds, true
			}
		}
	}
	return rate, ok
}

// flowOf is what an operator got or passed on.
func flowOf(o *rules.OperatorUsage, f rules.Flow) uint64 {
	switch {
	case !f.Passes:
		return o.In
	case o.Outs != nil:
		return o.Outs[f.Out]
	}
	return o.Out
}

// trouble says what is wrong in a box; "" when nothing is.
func (l *liveRates) trouble(b *rules.Box) string {
	var now rules.UsageCounts
	total := uint64(0)
	if b.Kind == rules.RuleBox {
		if r := l.rules[b.Title]; r != nil {
			now.Add(r.UsageCounts)
		}
		total = l.errors["rule "+b.Title]
	}
	for _, path := range b.Paths {
		if o := l.operators[path]; o != nil {
			now.Add(o.UsageCounts)
		}
		total += l.errors[path]
	}
	text := ""
	if total > 0 {
		text = fmt.Sprintf("%d errors, %s/s now", total, perSecond(float64(now.Errors)/l.seconds))
	}
	switch {
	case now.Quarantined && text != "":
		return "quarantined; " + text
	case now.Quarantined:
		return "quarantined"
	}
	return text
}

// missing counts the operators of a drawing that do not run.
func (l *liveRates) missing(d *rules.Drawing) (n int) {
	for _, b := range d.Boxes {
		for _, path := range b.Paths {
			if l.operators[path] == nil {
				n++
			}
		}
		if b.Kind == rules.RuleBox && l.rules[b.Title] == nil {
			n++
		}
	}
	return n
}
