package query

import (
	"time"

	"tocsin/engine"
)

// code is what a condition is compiled to. None of its functions is nil.
type code struct {
	// static says what the identity alone decides.
	static func(*engine.Identity) engine.Verdict
	// match decides from scratch.
	match func(*engine.Event) bool
	// rest decides where static said engine.Maybe, and only there.
	rest func(*engine.Event) bool
	// pure tells that static never says engine.Maybe.
	pure bool
}

// byEvent is the code of a condition that no identity decides.
func byEvent(holds func(*engine.Event) bool) code {
	return code{
		static: func(*engine.Identity) engine.Verdict { return engine.Maybe },
		match:  holds,
		rest:   holds,
	}
}

// byIdentity is the code of a condition that each identity decides.
func byIdentity(holds func(*engine.Identity) bool) code {
	match := func(e *engine.Event) bool { return holds(e.ID) }
	return code{
		static: func(id *engine.Identity) engine.Verdict { return verdict(holds(id)) },
		match:  match,
		rest:   match,
		pure:   true,
	}
}

func verdict(holds bool) engine.Verdict {
	if holds {
		return engine.Always
	}
	return engine.Never
}

func (n constNode) compile(*Env) code {
	return byIdentity(func(*engine.Identity) bool { return bool(n) })
}

func (n taggedNode) compile(*Env) code {
	return byIdentity(func(id *engine.Identity) bool { return id.Tagged(string(n)) })
}

func (n presentNode) compile(*Env) code {
	f := n.field
	switch {
	case isTags(f): // without joining them to a text
		return byIdentity(func(id *engine.Identity) bool { return len(id.Labels.Tags) > 0 })
	case f.IsStatic():
		return byIdentity(func(id *engine.Identity) bool { return f.OfIdentity(id).Kind != engine.Absent })
	case f.IsMetric():
		return byEvent(func(e *engine.Event) bool { return e.Has&engine.HasMetric != 0 })
	}
	return byEvent(func(e *engine.Event) bool { return f.Of(e).Kind != engine.Absent })
}

func (expiredNode) compile(env *Env) code {
	if env == nil || env.Now == nil {
		return byEvent((*engine.Event).IsExpired)
	}
	now, ttl, expiry := env.Now, env.DefaultTTL, env.Expiry
	if ttl == nil {
		ttl = func() time.Duration { return engine.DefaultTTL }
	}
	if expiry == nil {
		expiry = engine.Time.Add
	}
	return byEvent(func(e *engine.Event) bool {
		if e.IsExpired() {
			return true
		}
		// An event whose ttl is 0 expires once the streams have seen it, so
		// none has expired at the instant of its arrival.
		at := now()
		return at > e.Arrival && at >= expiry(e.Arrival, e.TTLOr(ttl()))
	})
}

func (n notNode) compile(env *Env) code {
	of := n.of.compile(env)
	return code{
		static: func(id *engine.Identity) engine.Verdict {
			switch of.static(id) {
			case engine.Never:
				return engine.Always
			case engine.Always:
				return engine.Never
			}
			return engine.Maybe
		},
		match: negation(of.match),
		rest:  negation(of.rest),
		pure:  of.pure,
	}
}

func negation(holds func(*engine.Event) bool) func(*engine.Event) bool {
	return func(e *engine.Event) bool { return !holds(e) }
}

func (n andNode) compile(env *Env) code {
	return join(n, env, engine.Never, engine.Always, conjunction)
}

func (n orNode) compile(env *Env) code { return join(n, env, engine.Always, engine.Never, disjunction) }

// join compiles a chain of and (which one Never decides, and which is Always
// if all parts are) or of or (the other way about).
func join(nodes []node, env *Env, decides, otherwise engine.Verdict, merge func([]func(*engine.Event) bool) func(*engine.Event) bool) code {
	var (
		static  []func(*engine.Identity) engine.Verdict
		all     []func(*engine.Event) bool
		dynamic []code
	)
	for _, n := range nodes {
		c := n.compile(env)
		static = append(static, c.static)
		all = append(all, c.match)
		if !c.pure {
			dynamic = append(dynamic, c)
		}
	}
	return code{
		static: func(id *engine.Identity) engine.Verdict {
			v := otherwise
			for _, part := range static {
				switch part(id) {
				case decides:
					return decides
				case engine.Maybe:
					v = engine.Maybe
				}
			}
			return v
		},
		match: merge(all),
		rest:  restOf(dynamic, merge),
		pure:  len(dynamic) == 0,
	}
}

// restOf returns what is left of a chain when its static answer was Maybe.
// Then none of the pure parts decided, so all of them can be left out. If one
// part is left, the Maybe was its own; of several, some may be decided, so
// each has to be asked from scratch.
func restOf(dynamic []code, merge func([]func(*engine.Event) bool) func(*engine.Event) bool) func(*engine.Event) bool {
	if len(dynamic) == 1 {
		return dynamic[0].rest
	}
	var parts []func(*engine.Event) bool
	for _, c := range dynamic {
		parts = append(parts, c.match)
	}
	return merge(parts)
}

func conjunction(parts []func(*engine.Event) bool) func(*engine.Event) bool {
	if len(parts) == 2 {
		a, b := parts[0], parts[1]
		return func(e *engine.Event) bool { return a(e) && b(e) }
	}
	return func(e *engine.Event) bool {
		for _, holds := range parts {
			if !holds(e) {
				return false
			}
		}
		return true
	}
}

func disjunction(parts []func(*engine.Event) bool) func(*engine.Event) bool {
	if len(parts) == 2 {
		a, b := parts[0], parts[1]
		return func(e *engine.Event) bool { return a(e) || b(e) }
	}
	return func(e *engine.Event) bool {
		for _, holds := range parts {
			if holds(e) {
				return true
			}
		}
		return false
	}
}
