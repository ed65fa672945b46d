package main

import (
	"context"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"tocsin/engine"
	"tocsin/rules"
)

// healthTimeout is how long the engine has to answer.
const healthTimeout = time.Second

// serveMetrics answers GET /metrics in Prometheus' text format.
func (a *api) serveMetrics(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("text/plain; version=0.0.4; charset=utf-8")
	a.metrics.write(ctx)
	if u, err := a.usage(); err != nil {
		fmt.Fprintf(ctx, "# metrics of rules are missing: %v\n", err)
	} else {
		writeUsage(ctx, u.Rules)
	}
}

// serveHealth answers GET /healthz: 200 while the engine's goroutine answers.
// When it does not, a restart is in order.
func (a *api) serveHealth(ctx *fasthttp.RequestCtx) {
	within, cancel := context.WithTimeout(a.hard, healthTimeout)
	defer cancel()
	if err := a.runner.Do(within, func(*engine.Engine) {}); err != nil {
		answerText(ctx, fasthttp.StatusServiceUnavailable, "the engine does not answer")
		return
	}
	answerText(ctx, fasthttp.StatusOK, "ok")
}

// readySource is a source that can say whether it reaches what it reads from.
type readySource struct {
	engine.Readier
	name string
}

func (a *api) showSources(sources []*rules.Source) {
	var able []readySource
	for _, s := range sources {
		if r, ok := s.Source.(engine.Readier); ok {
			able = append(able, readySource{r, s.Name})
		}
	}
	a.waiting.Store(&able)
}

// serveReady answers GET /readyz: 200 while events are taken, and all sources
// reach what they read from.
func (a *api) serveReady(ctx *fasthttp.RequestCtx) {
	if why := a.state.Load(); why != nil {
		answerText(ctx, fasthttp.StatusServiceUnavailable, *why)
		return
	}
	if able := a.waiting.Load(); able != nil {
		for _, s := range *able {
			if err := s.Ready(); err != nil {
				answerText(ctx, fasthttp.StatusServiceUnavailable, fmt.Sprintf("source %s: %v", s.name, err))
				return
			}
		}
	}
	answerText(ctx, fasthttp.StatusOK, "ok")
}

func answerText(ctx *fasthttp.RequestCtx, status int, text string) {
	ctx.SetStatusCode(status)
	ctx.SetContentType("text/plain; charset=utf-8")
	ctx.SetBodyString(text + "\n")
}
