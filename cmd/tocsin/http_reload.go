package main

import (
	"errors"

	"github.com/valyala/fasthttp"
)

// serveReload answers POST /api/v1/reload when the reload is done: with what has
// changed, or with what is wrong in the rules.
func (a *api) serveReload(ctx *fasthttp.RequestCtx) {
	answer, err := a.reload()
	switch {
	case errors.Is(err, errNotNow):
		answerError(ctx, fasthttp.StatusServiceUnavailable, err.Error())
	case err != nil:
		answerError(ctx, fasthttp.StatusUnprocessableEntity, err.Error())
	default:
		answerJSON(ctx, fasthttp.StatusOK, answer)
	}
}
