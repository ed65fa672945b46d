package main

import (
	"math"

	"github.com/valyala/fasthttp"

	"tocsin/engine"
)

// forgetAnswer is the answer to a request to forget.
type forgetAnswer struct {
	Forgotten int `json:"forgotten"`
}

// serveForget answers POST /api/v1/forget?q=QUERY: the events that match leave
// the index, and no event tells of it.
func (a *api) serveForget(ctx *fasthttp.RequestCtx) {
	s := &scan{api: a}
	if !s.parse(ctx) {
		return
	}
	match := func(ev *engine.Event) bool {
		ok, _ := s.query.Match(ev)
		return ok
	}
	var answer forgetAnswer
	for below := math.MaxInt; below > 0; {
		err := s.do(func(e *engine.Engine) {
			var n int
			below, n = e.Index().Forget(below, scanEntries, match)
			answer.Forgotten += n
		})
		if err != nil {
			answerError(ctx, fasthttp.StatusServiceUnavailable, err.Error())
			return
		}
	}
	answerJSON(ctx, fasthttp.StatusOK, answer)
}
