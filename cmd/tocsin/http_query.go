package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"tocsin/engine"
	"tocsin/engine/query"
)

const (
	// scanEntries is how many entries one call to the engine looks at, so that
	// no call holds events up for more than about a millisecond.
	scanEntries = 2048
	// sortedEvents is up to how many events come sorted by host and service.
	// Of more, each is sent as it is found.
	sortedEvents = 10_000
	// answerPiece is about how many bytes are encoded at a time.
	answerPiece = 64 << 10
)

// serveQuery answers GET /api/v1/query?q=QUERY&limit=N: the events of the index
// that match, as JSON lines.
func (a *api) serveQuery(ctx *fasthttp.RequestCtx) {
	args := ctx.QueryArgs()
	limit := 0
	if text := args.Peek("limit"); len(text) > 0 {
		n, err := strconv.Atoi(string(text))
		if err != nil || n < 1 {
			answerError(ctx, fasthttp.StatusBadRequest, fmt.Sprintf("the parameter limit is %q, expected a whole number above 0", text))
			return
		}
		limit = n
	}
	s := &scan{api: a, limit: limit}
	if !s.parse(ctx) {
		return
	}
	if err := s.collect(); err != nil {
		answerError(ctx, fasthttp.StatusServiceUnavailable, err.Error())
		return
	}
	ctx.SetContentType("application/x-ndjson")
	ctx.SetBodyStream(s, -1)
}

// scan is a look through the index, in pieces. It is the body of the answer: its
// Read goes on with the scan as the client takes what there is.
type scan struct {
	api   *api
	query *query.Query
	limit int // 0: none

	// Of the engine, during a call.
	now   engine.Time
	ttl   time.Duration
	after func(engine.Time, time.Duration) engine.Time

	at    int // next place in the index
	done  bool
	found []engine.Event // not yet encoded
	count int            // found in all
	text  bytes.Buffer   // encoded, not yet read
	line  []byte
}

// parse reads the query of a request, or answers what is wrong with it.
func (s *scan) parse(ctx *fasthttp.RequestCtx) (ok bool) {
	args := ctx.QueryArgs()
	if !args.Has("q") {
		answerError(ctx, fasthttp.StatusBadRequest, fmt.Sprintf(`the parameter q is missing, as in %s?q=state%%20%%3D%%20%%22critical%%22`, ctx.Path()))
		return false
	}
	var err error
	s.query, err = query.ParseWith(string(args.Peek("q")), &query.Env{
		Now:        func() engine.Time { return s.now },
		DefaultTTL: func() time.Duration { return s.ttl },
		Expiry:     func(arrival engine.Time, ttl time.Duration) engine.Time { return s.after(arrival, ttl) },
	})
	if err != nil {
		answerError(ctx, fasthttp.StatusBadRequest, err.Error())
	}
	return err == nil
}

// collect scans until the end, or until there are too many events to sort.
func (s *scan) collect() error {
	for !s.done && len(s.found) <= sortedEvents {
		if err := s.more(); err != nil {
			return err
		}
	}
	if s.done {
		slices.SortFunc(s.found, func(a, b engine.Event) int {
			return cmp.Or(cmp.Compare(a.ID.Host, b.ID.Host), cmp.Compare(a.ID.Service, b.ID.Service))
		})
		if s.limit > 0 {
			s.found = s.found[:min(s.limit, len(s.found))]
		}
	}
	return nil
}

var errEngineBusy = errors.New("the engine is too busy to answer")

// more looks at the next entries. Events are copied out: what encodes them does
// not hold the engine up.
func (s *scan) more() error {
	return s.do(func(e *engine.Engine) {
		s.at, s.done = e.Index().Scan(s.at, scanEntries, func(ev *engine.Event) {
			if ok, _ := s.query.Match(ev); ok {
				s.found = append(s.found, *ev)
			}
		})
	})
}

// do calls f on the engine's goroutine.
func (s *scan) do(f func(*engine.Engine)) error {
	within, cancel := context.WithTimeout(s.api.hard, apiEngineTimeout)
	defer cancel()
	err := s.api.runner.Do(within, func(e *engine.Engine) {
		s.now, s.ttl, s.after = e.Now(), e.TTL(), e.After
		f(e)
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return errEngineBusy
	}
	return err
}

// Read encodes what was found, and looks for more when all of that is read. An
// error cuts the answer off, so that the client sees that it is not whole.
func (s *scan) Read(p []byte) (int, error) {
	for s.text.Len() == 0 {
		if len(s.found) == 0 {
			if s.done || s.limit > 0 && s.count >= s.limit {
				return 0, io.EOF
			}
			if err := s.more(); err != nil {
				return 0, err
			}
		}
		s.encode()
	}
	return s.text.Read(p)
}

func (s *scan) encode() {
	n := 0
	for n < len(s.found) && s.text.Len() < answerPiece && (s.limit == 0 || s.count < s.limit) {
		s.line = append(engine.AppendJSON(s.line[:0], &s.found[n]), '\n')
		s.text.Write(s.line)
		n++
		s.count++
	}
	if s.limit > 0 && s.count >= s.limit {
		n = len(s.found)
	}
	s.found = s.found[n:]
	if len(s.found) == 0 {
		s.found = nil
	}
}
