package engine

import "slices"

// Router finds, for each identity, which of many predicates its events can
// match, once per identity, so that an event costs what matches it and not
// what there is.
//
// A predicate that requires some text in a field (Literals) is found by
// looking that text up; only the others are asked one by one.
type Router[T any] struct {
	targets []target[T]
	tables  []literalTable
	scan    []int // targets without a literal
	shared  map[string]*Route[T]
	key     []byte
}

type target[T any] struct {
	pred Predicate // nil: every event
	// What routes have of it, with and without a look at the event. Routes are
	// kept by identities, which live longer than the router: see Clear.
	always, maybe *Hop[T]
}

// literalTable finds the targets that require one of many texts in one field.
type literalTable struct {
	field Field
	tag   bool
	texts map[string][]int
}

// Route is what an identity can match in one Router. Many identities share
// one, and it is immutable.
type Route[T any] struct {
	router *Router[T]
	// Hops are in the order in which the targets were added.
	Hops []*Hop[T]
}

// Hop is one target that an identity can match.
type Hop[T any] struct {
	// Rest decides about the event; nil when each event matches.
	Rest Predicate
	// To is what Add was given.
	To T
}

// NewRouter returns a router without targets.
func NewRouter[T any]() *Router[T] { return &Router[T]{shared: make(map[string]*Route[T])} }

// Add adds a target for the events that pred holds for; a nil pred holds for
// all. Targets can be added only before the first call of Route.
func (r *Router[T]) Add(pred Predicate, to T) {
	i := len(r.targets)
	r.targets = append(r.targets, target[T]{pred, &Hop[T]{To: to}, &Hop[T]{Rest: pred, To: to}})
	if l, ok := pred.(Literals); ok {
		if literals := l.Literals(); len(literals) > 0 {
			l := mostSelective(literals)
			t := r.tableOf(l)
			t.texts[l.Text] = append(t.texts[l.Text], i)
			return
		}
	}
	r.scan = append(r.scan, i)
}

// mostSelective prefers a service to a host, and either to anything else:
// hosts have many services, and tags are on many hosts.
func mostSelective(literals []Literal) Literal {
	best := literals[0]
	for _, l := range literals[1:] {
		if !l.Tag && (l.Field.kind == fieldService || l.Field.kind == fieldHost && (best.Tag || best.Field.kind != fieldService)) {
			best = l
		}
	}
	return best
}

func (r *Router[T]) tableOf(l Literal) *literalTable {
	for i := range r.tables {
		if r.tables[i].tag == l.Tag && (l.Tag || r.tables[i].field == l.Field) {
			return &r.tables[i]
		}
	}
	r.tables = append(r.tables, literalTable{field: l.Field, tag: l.Tag, texts: make(map[string][]int)})
	return &r.tables[len(r.tables)-1]
}

// Clear lets go of all targets. Routes that were given out and are still kept
// lead nowhere then, and keep nothing of the targets alive. The router cannot be
// used any more.
func (r *Router[T]) Clear() {
	for _, t := range r.targets {
		*t.always, *t.maybe = Hop[T]{}, Hop[T]{}
	}
	*r = Router[T]{}
}

// Route works out the route of an identity. The caller keeps it.
func (r *Router[T]) Route(id *Identity) *Route[T] {
	can := make([]Verdict, 0, 16)
	r.key = r.key[:0]
	found := r.candidates(id)
	for _, i := range found {
		verdict := Always
		if pred := r.targets[i].pred; pred != nil {
			verdict = pred.Static(id)
		}
		can = append(can, verdict)
		if verdict != Never {
			r.key = append(r.key, byte(verdict), byte(i), byte(i>>8), byte(i>>16), byte(i>>24))
		}
	}
	if route := r.shared[string(r.key)]; route != nil {
		return route
	}
	route := &Route[T]{router: r}
	for at, i := range found {
		switch can[at] {
		case Always:
			route.Hops = append(route.Hops, r.targets[i].always)
		case Maybe:
			route.Hops = append(route.Hops, r.targets[i].maybe)
		}
	}
	// Identities that differ in what they match could be many; then each
	// keeps its own route.
	if len(r.shared) < 1<<16 {
		r.shared[string(r.key)] = route
	}
	return route
}

// candidates returns the targets that id's texts do not rule out, in order.
func (r *Router[T]) candidates(id *Identity) []int {
	found := append([]int(nil), r.scan...)
	for _, table := range r.tables {
		if table.tag {
			for _, tag := range id.Labels.Tags {
				found = append(found, table.texts[tag]...)
			}
		} else if v := table.field.OfIdentity(id); v.Kind == Text {
			found = append(found, table.texts[v.Str]...)
		}
	}
	// Each of the lists is sorted, and there are few of them.
	slices.Sort(found)
	return found
}
