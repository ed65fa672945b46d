package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"
	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/engine/stream"
)

// ruleOptions are what rule(name) { … } takes.
type ruleOptions struct {
	Every time.Duration `opt:"every"`
	On    any           `opt:"on"`
	Eval  any           `opt:"eval,required"`
	Host  string        `opt:"host"`
	TTL   float64       `opt:"ttl"`
	Tags  []string      `opt:"tags"`
}

// rule is a named rule.
type rule struct {
	config *Config
	name   string
	pos    string
	eval   *lua.LFunction
	every  time.Duration // 0: on a stream
	host   string
	hasTTL bool
	ttl    time.Duration
	tags   []string
	last   engine.Event // what it emitted last
	spoke  bool         // there is a last

	emitted uint64 // events that it made

	quarantine quarantine

	evaluations, skipped *metrics.Counter
}

// declareRule is rule(name) { … }: it returns the function that takes the
// table.
func (c *Config) declareRule(L *lua.LState) int {
	a := &args{config: c, L: L, name: "rule"}
	if a.count() > 1 {
		a.fail("takes the name only; write rule \"NAME\" { … }, or rule(\"NAME\") { … }")
	}
	name, place := a.text(1, "a name"), pos(L)
	if name == "" {
		a.fail("the name is empty")
	}
	if before := c.rules[name]; before != nil {
		a.fail("there is a rule %q already, at %s", name, before.pos)
	}
	c.unfinished[name] = place
	L.Push(L.NewFunction(func(L *lua.LState) int {
		delete(c.unfinished, name)
		c.makeRule(&args{config: c, L: L, name: fmt.Sprintf("rule %q", name)}, name, place)
		return 0
	}))
	return 1
}

func (c *Config) makeRule(a *args, name, place string) {
	c.drawable(a.L, c.main)
	a.atMost(1)
	if before := c.rules[name]; before != nil {
		a.fail("there is a rule of that name already, at %s", before.pos)
	}
	table := a.table(1, "a table of options")
	o := ruleOptions{TTL: -1}
	a.options(1, &o)
	eval, ok := o.Eval.(*lua.LFunction)
	if !ok {
		a.fail(`option "eval" must be a function, got %s`, describe(optionValue(o.Eval)))
	}
	r := &rule{
		config: c, name: name, pos: place, eval: eval, every: o.Every, host: o.Host, tags: o.Tags,
		quarantine:  quarantine{config: c, name: name},
		evaluations: c.Metrics.GetOrCreateCounter(fmt.Sprintf("tocsin_rule_evaluations_total{rule=%q}", name)),
		skipped:     c.Metrics.GetOrCreateCounter(fmt.Sprintf("tocsin_rule_skipped_total{rule=%q}", name)),
	}
	if o.TTL >= 0 {
		r.ttl, r.hasTTL = engine.Seconds(o.TTL), true
	} else if table.RawGetString("ttl") != lua.LNil {
		a.fail(`option "ttl" must not be negative`)
	}
	every := table.RawGetString("every") != lua.LNil
	switch on := o.On; {
	case every == (on != nil):
		a.fail(`needs either "every" or "on"`)
	case every:
		if o.Every <= 0 {
			a.fail(`option "every" must be above 0`)
		}
		if !r.hasTTL {
			r.ttl, r.hasTTL = 3*o.Every, true
		}
		c.Graph.Site = stream.Site{Pos: place, Rule: name}
		c.Graph.Every("rule "+name, o.Every, func() error { return r.evaluate(0) })
	default:
		v, _ := on.(lua.LValue)
		at := placeValue(v)
		if at == nil {
			a.fail(`option "on" must be a stream, got %s`, describe(optionValue(on)))
		}
		if at.flow != c.main {
			a.fail(`option "on" must be a stream of the configuration`)
		}
		c.Graph.Site = stream.Site{Pos: place, Rule: name}
		at.stream.Each(r.onMessage)
	}
	c.rules[name] = r
	c.Graph.Keep("rule "+name, r)
}

// Save writes what the rule said last. With Load it implements stream.Extra.
func (r *rule) Save(w *engine.RecordWriter) { w.Event(&r.last) }

// Load reads what Save wrote.
func (r *rule) Load(s *engine.RecordReader) {
	if last := s.Event(); s.End() == nil {
		r.last, r.spoke = last, last.ID != nil
	}
}

// onMessage evaluates a rule on a stream.
func (r *rule) onMessage(m engine.Message) error {
	if m.List {
		return fmt.Errorf("rule %q takes events, but got a list: put flatten() or a fold before it", r.name)
	}
	e := &m.Events[0]
	return r.evaluate(e.Depth+1, r.config.luaEvent(e))
}

// evaluate calls the rule's function and emits what it returns, unless the rule
// is in quarantine.
func (r *rule) evaluate(depth uint8, args ...lua.LValue) error {
	if r.quarantine.held() {
		r.skipped.Inc()
		return nil
	}
	r.evaluations.Inc()
	v, cut, err := r.config.run(r.eval, args)
	if err == nil {
		err = r.emit(v, depth)
	}
	if err == nil {
		r.quarantine.succeeded()
		return nil
	}
	if re, ok := err.(*engine.RuleError); ok {
		re.Rule = r.name
	}
	r.quarantine.failed(err, cut)
	return err
}

// emit makes an event of what the function returned.
func (r *rule) emit(v lua.LValue, depth uint8) error {
	c := r.config
	if v == lua.LNil {
		return nil
	}
	var e engine.Event
	if state, ok := v.(lua.LString); ok {
		e = engine.Event{ID: c.Engine.Identities().Loose(engine.Parts{})}
		e.SetState(string(state))
	} else {
		var err error
		if e, err = c.toEvent(v); err != nil {
			return returned(r.eval, fmt.Errorf("%w; a rule returns an event, a state or nil", err))
		}
		if e.ID == nil {
			return nil
		}
	}
	if depth > engine.MaxDepth {
		return fmt.Errorf("an event was derived more than %d times from another; does the rule read what it makes?", engine.MaxDepth)
	}
	r.complete(&e)
	e.Depth = depth
	e.Arrival = c.Engine.Now()
	r.last, r.spoke = e, true
	r.emitted++
	c.Engine.Emit(e)
	return nil
}

// complete adds what the rule's options say and the event does not.
func (r *rule) complete(e *engine.Event) {
	p := e.ID.Parts()
	if p.Has&engine.HasService == 0 {
		p.SetService(r.name)
	}
	if p.Has&engine.HasHost == 0 && r.host != "" {
		p.SetHost(r.host)
	}
	if len(r.tags) > 0 {
		p.Tags = append(slices.Clone(p.Tags), r.tags...)
	}
	e.ID = r.config.Engine.Identities().Loose(p)
	if e.Has&engine.HasTTL == 0 {
		ttl := r.ttl
		if !r.hasTTL {
			ttl = r.config.Engine.TTL()
		}
		e.SetTTL(ttl)
	}
}

// every is every(dt, fn).
func (c *Config) every(L *lua.LState) int {
	a := &args{config: c, L: L, name: "every"}
	c.drawable(L, c.main)
	a.atMost(2)
	period, fn := a.seconds(1), a.function(2)
	if period <= 0 {
		a.fail("the time must be above 0")
	}
	c.Graph.Site = stream.Site{Pos: pos(L)}
	c.Graph.Every("function", period, func() error {
		_, err := c.call(fn)
		return err
	})
	return 0
}
