package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/valyala/fasthttp"

	"tocsin/engine"
	"tocsin/rules"
)

const (
	// usageTimeout is how long reading what is busy may take.
	usageTimeout = 5 * time.Second
	// usageTries is how often it begins anew after a reload.
	usageTries = 3
	// metricRules is how many rules /metrics tells of, the most expensive ones;
	// the others are one line.
	metricRules = 500
)

// rulesAnswer is the answer to GET /api/v1/rules.
type rulesAnswer struct {
	*rules.Usage
	// Sources are the events that came, by source.
	Sources map[string]uint64 `json:"sources"`
}

// serveRules answers GET /api/v1/rules: what each rule has done, and with
// operators=1 each operator.
func (a *api) serveRules(ctx *fasthttp.RequestCtx) {
	u, err := a.usage()
	if err != nil {
		answerError(ctx, fasthttp.StatusServiceUnavailable, err.Error())
		return
	}
	if string(ctx.QueryArgs().Peek("operators")) != "1" {
		for i := range u.Rules {
			u.Rules[i].Operators = nil
		}
	}
	answerJSON(ctx, fasthttp.StatusOK, rulesAnswer{u, a.runner.Received()})
}

// show has the interface tell of another configuration.
func (a *api) show(c *rules.Config) {
	a.config.Store(c)
	a.showSources(c.Sources)
}

// errReplaced says that a configuration is not the one that runs.
var errReplaced = errors.New("the rules are being reloaded")

// usage reads what the configuration that runs has done.
func (a *api) usage() (u *rules.Usage, err error) {
	ctx, cancel := context.WithTimeout(a.hard, usageTimeout)
	defer cancel()
	for range usageTries {
		config := a.config.Load()
		u, err = config.Usage(func(f func()) error {
			running := true
			err := a.runner.Do(ctx, func(e *engine.Engine) {
				if running = e == config.Engine; running {
					f()
				}
			})
			if !running {
				return errReplaced
			}
			return err
		})
		if !errors.Is(err, errReplaced) {
			break
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errEngineBusy
	}
	return u, err
}

// writeUsage writes the metrics of the rules: those that took the most time one
// by one.
func writeUsage(w io.Writer, all []rules.RuleUsage) {
	shown := all[:min(len(all), metricRules)]
	others := rules.RuleUsage{Kind: "others", Name: "(others)"}
	for i := range all[len(shown):] {
		r := &all[len(shown)+i]
		others.In += r.In
		others.Out += r.Out
		others.Seconds += r.Seconds
		others.Groups += r.Groups
		others.Errors += r.Errors
	}
	if len(shown) < len(all) {
		shown = append(shown[:len(shown):len(shown)], others)
	}
	for _, m := range []struct {
		name  string
		value func(r *rules.RuleUsage) any
	}{
		{"tocsin_rule_events_in_total", func(r *rules.RuleUsage) any { return r.In }},
		{"tocsin_rule_events_out_total", func(r *rules.RuleUsage) any { return r.Out }},
		{"tocsin_rule_seconds_total", func(r *rules.RuleUsage) any { return r.Seconds }},
		{"tocsin_rule_groups", func(r *rules.RuleUsage) any { return r.Groups }},
		{"tocsin_rule_errors_total", func(r *rules.RuleUsage) any { return r.Errors }},
	} {
		for i := range shown {
			r := &shown[i]
			fmt.Fprintf(w, "%s{rule=%q,kind=%q} %v\n", m.name, r.Name, r.Kind, m.value(r))
		}
	}
}
