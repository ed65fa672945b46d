package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"tocsin/engine"
)

const (
	// maxBody bounds the body of one post of events.
	maxBody = 16 << 20
	// maxErrors is how many bad lines are told of one by one.
	maxErrors = 100
)

// eventsAnswer is the answer to POST /api/v1/events.
type eventsAnswer struct {
	Accepted int         `json:"accepted"`
	Refused  int         `json:"refused"`
	Errors   []lineError `json:"errors,omitempty"` // the first 100
	// Failure says why what comes after the last line was not read.
	Failure string `json:"error,omitempty"`
}

type lineError struct {
	Line  int    `json:"line"`
	Error string `json:"error"`
}

// serveEvents answers POST /api/v1/events, whose body is JSON lines. Good lines
// are taken whatever the others are. The answer comes when the events have been
// through the streams, and are in the journal if there is one.
func (a *api) serveEvents(ctx *fasthttp.RequestCtx) {
	a.gate.RLock()
	why := a.state.Load()
	if why == nil {
		a.posts.Add(1)
	}
	a.gate.RUnlock()
	if why != nil {
		ctx.SetConnectionClose()
		ctx.Response.Header.Set("Retry-After", "5")
		answerError(ctx, fasthttp.StatusServiceUnavailable, "no events are taken: "+*why)
		return
	}
	defer a.posts.Done()
	if ctx.Request.Header.ContentLength() > maxBody {
		ctx.SetConnectionClose()
		answerError(ctx, fasthttp.StatusRequestEntityTooLarge, errLargeBody.Error())
		return
	}
	p := newPost(a)
	defer a.decoders.Put(p.decoder)
	err := p.read(a.hard, ctx.RequestBodyStream())
	if err = errors.Join(err, p.wait(a.hard)); err != nil {
		ctx.SetConnectionClose() // the rest of the body stays unread
		p.answer.Failure = err.Error()
	}
	status := fasthttp.StatusOK
	switch {
	case errors.Is(err, errLargeBody):
		status = fasthttp.StatusRequestEntityTooLarge
	case errors.Is(err, context.Canceled) || errors.Is(err, engine.ErrStopped) || errors.As(err, new(*notTaken)):
		status = fasthttp.StatusServiceUnavailable
	case err != nil || p.answer.Refused > 0:
		status = fasthttp.StatusBadRequest
	}
	a.metrics.GetOrCreateCounter(`tocsin_source_bad_lines_total{source="http"}`).Add(p.answer.Refused)
	answerJSON(ctx, status, &p.answer)
}

var (
	errLargeBody = fmt.Errorf("the body has more than %d bytes; send it in pieces", maxBody)
	errLargeLine = fmt.Errorf("the line has more than %d bytes", engine.MaxJSONBytes)
)

// post is one request with events.
type post struct {
	in      engine.Input
	decoder *engine.JSONDecoder
	batch   *engine.Batch
	answer  eventsAnswer

	taken   atomic.Int64 // events that the engine took
	failed  atomic.Pointer[notTaken]
	pending atomic.Int64 // batches on their way, and 1 until wait
	settled chan struct{}
}

func newPost(a *api) *post {
	p := &post{in: a.input, decoder: a.decoders.Get().(*engine.JSONDecoder), settled: make(chan struct{})}
	p.pending.Store(1)
	return p
}

// read takes the lines of a body. It waits while the engine is behind.
func (p *post) read(ctx context.Context, body io.Reader) error {
	if body == nil {
		return nil
	}
	limited := &io.LimitedReader{R: body, N: maxBody + 1}
	in := bufio.NewReaderSize(limited, 64<<10)
	for number := 1; ; number++ {
		line, err := readLine(in)
		switch {
		case errors.Is(err, errLongLine):
			p.refuse(number, errLargeLine)
			if err = skipLine(in); err == nil {
				continue
			}
		case limited.N <= 0:
			err = errLargeBody
		case len(bytes.TrimSpace(line)) > 0:
			p.take(number, line)
		}
		if err == nil && p.batch != nil && (p.batch.Full() || in.Buffered() == 0) {
			err = p.send(ctx)
		}
		if err == io.EOF {
			return p.send(ctx)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("line %d: %w", number, err), p.send(ctx))
		}
	}
}

// skipLine reads to the end of a line.
func skipLine(in *bufio.Reader) error {
	for {
		_, err := in.ReadSlice('\n')
		if err != bufio.ErrBufferFull {
			return err
		}
	}
}

// take adds the event of one line to the batch.
func (p *post) take(number int, line []byte) {
	event, err := p.decoder.Decode(line)
	if err != nil {
		p.refuse(number, err)
		return
	}
	if p.batch == nil {
		p.batch = p.in.Batch()
	}
	*p.batch.Add(event.ID) = event
}

func (p *post) refuse(number int, err error) {
	p.answer.Refused++
	if len(p.answer.Errors) < maxErrors {
		p.answer.Errors = append(p.answer.Errors, lineError{number, err.Error()})
	}
}

// send hands the batch to the engine.
func (p *post) send(ctx context.Context) error {
	b := p.batch
	if b == nil {
		return nil
	}
	p.batch = nil
	n := len(b.Events)
	b.Done = func(err error) {
		if err == nil {
			p.taken.Add(int64(n))
		} else {
			p.failed.CompareAndSwap(nil, &notTaken{err})
		}
		p.release()
	}
	p.pending.Add(1)
	if err := p.in.Send(ctx, b); err != nil {
		p.release()
		return err
	}
	return nil
}

func (p *post) release() {
	if p.pending.Add(-1) == 0 {
		close(p.settled)
	}
}

// wait returns when all that was sent has been through the streams, and is in the
// journal if there is one, or ctx is done.
func (p *post) wait(ctx context.Context) (err error) {
	p.release()
	select {
	case <-p.settled:
		if failed := p.failed.Load(); failed != nil {
			err = failed
		}
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.answer.Accepted = int(p.taken.Load())
	return err
}

// notTaken is why events were not taken, through no fault of theirs.
type notTaken struct{ error }

func (e *notTaken) Unwrap() error { return e.error }
