package stream

import (
	"fmt"
	"slices"
	"time"

	"tocsin/engine"
)

// Flapping says when a state changes too often.
type Flapping struct {
	// Window is how long a change of state counts.
	Window time.Duration
	// High is from how many changes on it is flapping, until there are only
	// Low or fewer.
	High, Low int
}

// Flapping sets the attribute "flapping" of every event, to "true" or "false".
func (s *Stream) Flapping(o Flapping) (*Stream, error) {
	switch {
	case o.Window <= 0:
		return nil, fmt.Errorf("flapping needs a window above 0, not %g", engine.InSeconds(o.Window))
	case o.High < 1:
		return nil, fmt.Errorf("flapping needs high of at least 1, not %d", o.High)
	case o.Low < 0 || o.Low >= o.High:
		return nil, fmt.Errorf("flapping needs low from 0 to below high (%d), not %d", o.High, o.Low)
	}
	f := &flapping{Flapping: o}
	for i, value := range []string{"false", "true"} {
		f.marks[i] = s.graph.relabelling(func(p *engine.Parts) { p.SetAttr("flapping", value) })
	}
	return s.addWithState(f, "flapping"), nil
}

type flapping struct {
	node
	Flapping
	marks [2]*engine.Deriver // to "false" and to "true"
	made  engine.Event
}

type flappingState struct {
	untimed
	state    string
	any      bool // there was an event with a state
	flapping bool
	newest   engine.Time
	// changes are the times of the latest changes, sorted. More than High of
	// them tell nothing more.
	changes []engine.Time
}

func (s *flappingState) save(w *engine.RecordWriter) {
	w.Text(s.state)
	w.Bool(s.any)
	w.Bool(s.flapping)
	w.Time(s.newest)
	w.Int(len(s.changes))
	for _, at := range s.changes {
		w.Time(at)
	}
}

func (f *flapping) load(g *Group, r *engine.RecordReader) {
	s := &flappingState{state: r.Text(), any: r.Bool(), flapping: r.Bool(), newest: r.Time()}
	for range r.Len() {
		s.changes = append(s.changes, r.Time())
	}
	slices.Sort(s.changes)
	s.changes = lastOf(s.changes, f.High)
	g.states[f.slot] = s
}

func (f *flapping) event(g *Group, e *engine.Event) {
	s := stateOf[flappingState](g, &f.node)
	if s == nil {
		s = &flappingState{}
		g.states[f.slot] = s
	}
	f.update(s, e)
	mark := f.marks[0]
	if s.flapping {
		mark = f.marks[1]
	}
	f.made = *e
	f.made.ID = mark.Of(e.ID)
	f.out.event(g, &f.made)
}

// update counts the changes within the window. It ends at the newest event or
// at the clock, whichever is later: nothing is passed when the clock alone
// ends the flapping, so reading the clock does what a timer would.
func (f *flapping) update(s *flappingState, e *engine.Event) {
	at := timeOr(e, f.now())
	s.newest = max(s.newest, at)
	if e.Has&engine.HasState != 0 {
		if s.any && e.State != s.state {
			s.change(at, f.High)
		}
		s.state, s.any = e.State, true
	}
	ended := max(s.newest, f.now()).Add(-f.Window)
	old, found := slices.BinarySearch(s.changes, ended)
	for found && old < len(s.changes) && s.changes[old] == ended {
		old++
	}
	s.changes = slices.Delete(s.changes, 0, old)
	if s.flapping {
		s.flapping = len(s.changes) > f.Low
	} else {
		s.flapping = len(s.changes) >= f.High
	}
}

// change adds a change, keeping the latest of them.
func (s *flappingState) change(at engine.Time, keep int) {
	if len(s.changes) == keep {
		if at <= s.changes[0] {
			return
		}
		s.changes = slices.Delete(s.changes, 0, 1)
	}
	i, _ := slices.BinarySearch(s.changes, at)
	s.changes = slices.Insert(s.changes, i, at)
}
