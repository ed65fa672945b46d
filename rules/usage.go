package rules

import (
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tocsin/engine/stream"
)

// Usage is what each part of a configuration has done since it was loaded.
type Usage struct {
	// Age is for how long the configuration has been there, in seconds.
	Age float64 `json:"age"`
	// Rules are in the order of their time, the longest first.
	Rules []RuleUsage `json:"rules"`
}

// UsageKind says what a RuleUsage tells of.
type UsageKind string

// The kinds of what is busy.
const (
	RuleUsed      UsageKind = "rule"
	StreamUsed    UsageKind = "stream"     // all that hangs on one line behind events
	ThroughUsed   UsageKind = "through"    // a source's own stream
	EveryUsed     UsageKind = "every"      // a function on a schedule
	AutoIndexUsed UsageKind = "auto_index" // the setting
)

// RuleUsage is what one rule, or another part of a configuration, has done.
type RuleUsage struct {
	Kind UsageKind `json:"kind"`
	// Name is that of the rule or the source; of what has none, the place.
	Name string `json:"rule"`
	// Pos is where it is declared, as "FILE:LINE", from the folder of the rules
	// file on.
	Pos string `json:"place"`
	UsageCounts
	Operators []OperatorUsage `json:"operators,omitempty"`
}

// UsageCounts is what was done. Of an operator, In and Out are the events and
// lists that it got and passed on, and Seconds is without what stands behind it.
type UsageCounts struct {
	// In are the events that came, of a rule on a schedule the times that it was
	// due. Of a stream those count whose host, service, tags and attributes its
	// condition allows.
	In uint64 `json:"in"`
	// Out are the events that it made, or handed to sinks, rules, functions and
	// events; a list counts as one.
	Out    uint64 `json:"out"`
	Errors uint64 `json:"errors"`
	// Seconds is the time that it took. For rules it is measured, for all else
	// estimated from samples.
	Seconds float64 `json:"seconds"`
	// Groups is how many groups its bys have now.
	Groups int `json:"groups"`
	// Quarantined says that it, or a function on one of its lines, is left out.
	Quarantined bool `json:"quarantined"`
}

// Add adds what something else has done.
func (u *UsageCounts) Add(other UsageCounts) {
	u.In += other.In
	u.Out += other.Out
	u.Errors += other.Errors
	u.Seconds += other.Seconds
	u.Groups += other.Groups
	u.Quarantined = u.Quarantined || other.Quarantined
}

// OperatorUsage is what one operator has done.
type OperatorUsage struct {
	// Name is the operator's name, Text how it is written.
	Name string `json:"operator"`
	Text string `json:"text"`
	Pos  string `json:"place"`
	// Path tells it from all others.
	Path string `json:"path"`
	// Depth is how many operators stand between events, or the source, and it.
	Depth int `json:"depth"`
	UsageCounts
	// Outs has what it passed to each of several streams, by their names; the
	// first of some operators is named "".
	Outs map[string]uint64 `json:"outs,omitempty"`
}

// usagePiece is how many operators one call on the engine's goroutine reads, so
// that no call holds events up for long.
const usagePiece = 1024

// Usage reads what all parts have done, in pieces. do calls a function on the
// engine's goroutine and waits for it. It may be called on any goroutine once
// the configuration has been started.
func (c *Config) Usage(do func(func()) error) (*Usage, error) {
	u := c.usage.of(c)
	work := make([]stream.Work, len(u.workers))
	states := make([]ruleState, len(u.rows))
	held := make(map[string]bool)
	for at := 0; at < len(work); at += usagePiece {
		err := do(func() { c.Graph.Work(at, work[at:min(at+usagePiece, len(work))]) })
		if err != nil {
			return nil, err
		}
	}
	for at := 0; at < len(states); at += usagePiece {
		err := do(func() { u.readRules(states, at, min(at+usagePiece, len(states))) })
		if err != nil {
			return nil, err
		}
	}
	out := &Usage{}
	err := do(func() {
		out.Age = c.Engine.Meter().Age().Seconds()
		for _, q := range c.quarantines {
			held[c.shortPos(q.name)] = q.pause > 0
		}
	})
	if err != nil {
		return nil, err
	}
	out.Rules = u.sum(work, states, held)
	return out, nil
}

// usageRows are the parts of a configuration by which usage is summed up. They
// are made when they are first asked for.
type usageRows struct {
	once    sync.Once
	config  *Config
	workers []stream.Worker
	texts   []string // of the operators, as written
	row     []int    // of the operators; -1: none
	rows    []usageRow
}

type usageRow struct {
	kind      UsageKind
	name, pos string
	rule      *rule // nil: none
}

// ruleState is what is read of a rule, or of auto_index, besides its operator.
type ruleState struct {
	in, out, errors uint64
	took            time.Duration
	quarantined     bool
}

func (u *usageRows) of(c *Config) *usageRows {
	u.once.Do(func() { u.make(c) })
	return u
}

// make assigns each operator to a row.
func (u *usageRows) make(c *Config) {
	u.config, u.workers = c, c.Graph.Workers()
	u.texts, u.row = make([]string, len(u.workers)), make([]int, len(u.workers))
	for _, w := range c.written {
		u.texts[c.Graph.NumberOf(w.behind)] = w.text
	}
	through := make(map[int]*Source)
	for _, s := range c.Sources {
		if s.Through != nil {
			through[c.Graph.NumberOf(s.Through)] = s
		}
	}
	known := make(map[usageRow]int)
	for i := range u.workers {
		r, ok := u.rowOf(i, through)
		if !ok {
			u.row[i] = -1
			continue
		}
		n, seen := known[r]
		if !seen {
			n = len(u.rows)
			known[r] = n
			u.rows = append(u.rows, r)
		}
		u.row[i] = n
	}
	if c.Settings.AutoIndex != nil {
		u.rows = append(u.rows, usageRow{AutoIndexUsed, "auto_index", c.shortPos(c.settingsPos), nil})
	}
}

func (u *usageRows) rowOf(i int, through map[int]*Source) (r usageRow, ok bool) {
	c, w := u.config, &u.workers[i]
	from := w.From
	if w.Head {
		from = i
	}
	if s := through[from]; s != nil {
		return usageRow{ThroughUsed, s.Name, c.shortPos(s.Pos), nil}, true
	}
	pos := c.shortPos(w.Site.Pos)
	switch {
	case w.Head:
		return usageRow{}, false
	case w.Site.Rule != "":
		return usageRow{RuleUsed, w.Site.Rule, pos, c.rules[w.Site.Rule]}, true
	case w.Begin < 0:
		return usageRow{EveryUsed, pos, pos, nil}, true
	}
	pos = c.shortPos(u.workers[w.Begin].Site.Pos)
	return usageRow{StreamUsed, pos, pos, nil}, true
}

// shortPos is a place as seen from the folder of the rules file.
func (c *Config) shortPos(pos string) string {
	if len(c.Files) == 0 {
		return pos
	}
	return strings.TrimPrefix(pos, filepath.Dir(c.Files[0])+string(filepath.Separator))
}

// readRules reads what is not told by operators, of the rows from one number up
// to another. Engine's goroutine only.
func (u *usageRows) readRules(states []ruleState, from, to int) {
	for i := from; i < to; i++ {
		if r := u.rows[i].rule; r != nil {
			states[i] = ruleState{out: r.emitted, quarantined: r.quarantine.pause > 0}
		} else if u.rows[i].kind == AutoIndexUsed {
			a := u.config.Engine.AutoIndexed()
			states[i] = ruleState{in: a.In, out: a.Out, errors: a.Errors, took: a.Time}
		}
	}
}

// leaves reports whether what an operator gets has left the streams.
func leaves(w *stream.Worker) bool {
	switch w.Name {
	case "to", "emit", "index", "each":
		return true
	}
	return false
}

// sum adds the work of the operators up. held are the places of functions that
// are in quarantine.
func (u *usageRows) sum(work []stream.Work, states []ruleState, held map[string]bool) []RuleUsage {
	rows := make([]RuleUsage, len(u.rows))
	for i, r := range u.rows {
		s := &states[i]
		rows[i] = RuleUsage{Kind: r.kind, Name: r.name, Pos: r.pos}
		rows[i].UsageCounts = UsageCounts{In: s.in, Out: s.out, Errors: s.errors, Seconds: s.took.Seconds(), Quarantined: s.quarantined}
	}
	for i := range work {
		if u.row[i] >= 0 {
			u.add(rows, i, &work[i], held)
		}
	}
	sortUsage(rows)
	return rows
}

// add adds the work of one operator to its row.
func (u *usageRows) add(rows []RuleUsage, i int, work *stream.Work, held map[string]bool) {
	w, r := &u.workers[i], &rows[u.row[i]]
	begins := w.Head || w.Begin < 0 || w.Begin == i && r.Kind == StreamUsed || r.Kind == RuleUsed
	if begins {
		r.In += work.In
	}
	if leaves(w) {
		from := r
		if r.Kind == RuleUsed { // of the stream that the rule reads
			from = &rows[u.row[w.Begin]]
		}
		from.Out += work.In
	}
	pos := u.config.shortPos(w.Site.Pos)
	did := UsageCounts{Errors: work.Errors, Seconds: work.Time.Seconds(), Groups: work.Groups, Quarantined: held[pos]}
	r.Add(did)
	if w.Head {
		return
	}
	did.In, did.Out = work.In, work.Out
	o := OperatorUsage{Name: w.Name, Text: u.texts[i], Pos: pos, Path: w.Path, Depth: w.Depth, UsageCounts: did}
	if len(w.Outs) > 0 {
		o.Outs = make(map[string]uint64, len(w.Outs))
		for at, name := range w.Outs {
			o.Outs[name] = work.Outs[at]
		}
	}
	r.Operators = append(r.Operators, o)
}
