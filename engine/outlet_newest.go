package engine

var _ keeper = (*actuateQueue)(nil)

// newestWishes are the wishes that an actuate queue keeps: the newest for each
// target, the oldest targets first.
type newestWishes struct {
	wishes  map[string]*newestWish
	targets ring[string]
	// changed are the targets whose wishes have changed since the last
	// checkpoint; only if there was one.
	changed []string
	tracked bool
}

type newestWish struct {
	event   Event
	changed bool // it is in newestWishes.changed
}

// set keeps a wish. When there are too many targets, the oldest one that is
// not pending is forgotten.
func (n *newestWishes) set(target string, e *Event, pending func(string) bool) {
	w := n.wishes[target]
	if w == nil {
		for n.targets.full() {
			oldest := *n.targets.at(0)
			n.targets.drop(1)
			if pending(oldest) {
				n.targets.push(oldest)
				continue
			}
			delete(n.wishes, oldest)
			n.change(oldest)
		}
		w = &newestWish{}
		n.wishes[target] = w
		n.targets.push(target)
	}
	w.event = *e
	if !w.changed {
		w.changed = true
		n.change(target)
	}
}

// change notes a target for the next checkpoint. If none comes for long, the
// one that does has to write all.
func (n *newestWishes) change(target string) {
	switch {
	case !n.tracked:
	case len(n.changed) < 2*n.targets.limit:
		n.changed = append(n.changed, target)
	default:
		n.changed, n.tracked = nil, false
	}
}

func (q *actuateQueue) save(c *Checkpoint, prefix string) {
	n := &q.newest
	put := func(target string, w *newestWish) {
		w.changed = false
		held := notice{message: Message{Events: []Event{w.event}}}
		c.Put(prefix+target, func(w *RecordWriter) { writeNotice(w, wishRecord, &held) })
	}
	if !n.tracked || c.Whole {
		c.Drop(prefix)
		for i := range n.targets.len() {
			target := *n.targets.at(i)
			put(target, n.wishes[target])
		}
	} else {
		for _, target := range n.changed {
			if w := n.wishes[target]; w != nil {
				put(target, w)
			} else {
				c.Remove(prefix + target)
			}
		}
	}
	clear(n.changed)
	n.changed, n.tracked = n.changed[:0], true
}

func (q *actuateQueue) holding() []notice {
	held := make([]notice, q.newest.targets.len())
	for i := range held {
		w := q.newest.wishes[*q.newest.targets.at(i)]
		held[i].message.Events = []Event{w.event}
	}
	return held
}

// restore wishes again. The sink may see other targets in the events than
// before.
func (q *actuateQueue) restore(held []notice) added {
	var events []Event
	for _, n := range held {
		events = append(events, n.message.Events...)
	}
	q.prepare(events, nil)
	return q.add(events, nil)
}
