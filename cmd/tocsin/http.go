package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"tocsin/engine"
	"tocsin/rules"
)

// Bounds of the HTTP interface.
const (
	apiConnections   = 256
	apiHeaderBytes   = 16 << 10
	apiReadTimeout   = time.Minute     // of a whole request
	apiWriteTimeout  = 2 * time.Minute // of a whole answer
	apiIdleTimeout   = time.Minute
	apiEngineTimeout = 10 * time.Second // for a look at the index to begin
)

// api is the HTTP interface of a running configuration: metrics, health,
// queries, and events in.
//
// Its life: newAPI, listen, serve; ready once events may come; refuse when the
// program begins to stop; close at the end.
type api struct {
	runner  *engine.Runner
	input   engine.Input
	metrics *exposition
	logger  *slog.Logger
	reload  func() (*reloadAnswer, error)

	config  atomic.Pointer[rules.Config]  // that runs; see show
	waiting atomic.Pointer[[]readySource] // its sources that may not be ready

	listener net.Listener
	server   *fasthttp.Server
	serving  sync.WaitGroup

	state atomic.Pointer[string] // why it is not ready; nil: it is
	posts sync.WaitGroup
	// decoders are those that no post uses, of *engine.JSONDecoder.
	decoders sync.Pool
	// gate is held for reading while a post begins, for writing by refuse.
	gate sync.RWMutex
	// hard is done when even what is in flight is given up.
	hard   context.Context
	giveUp context.CancelFunc
}

var (
	stateStarting = "starting"
	stateStopping = "stopping"
)

// newAPI makes the interface. Events come in through input.
func newAPI(runner *engine.Runner, shown *exposition, logger *slog.Logger) *api {
	a := &api{
		runner: runner, metrics: shown, logger: logger,
		input: runner.Input(engine.InputOptions{Name: "http"}),
	}
	a.hard, a.giveUp = context.WithCancel(context.Background())
	a.state.Store(&stateStarting)
	names := engine.NewNames()
	a.decoders.New = func() any { return engine.NewJSONDecoder(a.input.Identities(), names) }
	a.server = &fasthttp.Server{
		Handler:        a.guard(a.route),
		ErrorHandler:   badRequest,
		Logger:         quietLogger{logger},
		Name:           "tocsin",
		Concurrency:    apiConnections,
		ReadBufferSize: apiHeaderBytes,
		ReadTimeout:    apiReadTimeout,
		WriteTimeout:   apiWriteTimeout,
		IdleTimeout:    apiIdleTimeout,
		// Bodies are read as they come, without reading any of them ahead.
		StreamRequestBody:            true,
		MaxRequestBodySize:           1,
		DisablePreParseMultipartForm: true,
		CloseOnShutdown:              true,
		NoDefaultContentType:         true,
		TCPKeepalive:                 true,
	}
	return a
}

// listen opens the port.
func (a *api) listen(ctx context.Context, address string) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf(`cannot listen on tcp %q (settings.http): address already in use; another program has it, perhaps another tocsin: "ss -lntp" shows which`, address)
	}
	if err != nil {
		return fmt.Errorf("cannot listen on tcp %q (settings.http): %w", address, err)
	}
	a.listener = listener
	return nil
}

// address is where it listens.
func (a *api) address() string { return a.listener.Addr().String() }

// serve answers requests, in the background, until close.
func (a *api) serve() {
	a.serving.Go(func() {
		if err := a.server.Serve(a.listener); err != nil {
			a.logger.Error("the HTTP interface ended", "err", err)
		}
	})
}

// ready lets events in.
func (a *api) ready() { a.state.Store(nil) }

// refuse lets no more events in, and waits for those on their way, or until
// ctx is done.
func (a *api) refuse(ctx context.Context) {
	a.gate.Lock()
	a.state.Store(&stateStopping)
	a.gate.Unlock()
	done := make(chan struct{})
	go func() { a.posts.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		a.giveUp()
		<-done
	}
}

// close ends the interface: answers that are on their way may go on until ctx
// is done. It may be called without listen or serve before.
func (a *api) close(ctx context.Context) {
	defer a.giveUp()
	if a.listener == nil {
		return
	}
	stop := context.AfterFunc(ctx, a.giveUp)
	defer stop()
	a.server.ShutdownWithContext(ctx)
	a.listener.Close()
	a.serving.Wait()
}

// guard is around every request: it turns away what a web page of another
// origin had a browser send, counts, and survives a panic.
func (a *api) guard(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		defer func() {
			if r := recover(); r != nil {
				a.logger.Error("panic while answering a request", "path", string(ctx.Path()), "panic", r, "stack", string(debug.Stack()))
				ctx.Response.Reset()
				answerError(ctx, fasthttp.StatusInternalServerError, "internal error; the log has more")
			}
			a.metrics.GetOrCreateCounter(fmt.Sprintf(`tocsin_http_requests_total{path=%q,code="%d"}`,
				knownPath(string(ctx.Path())), ctx.Response.StatusCode())).Inc()
		}()
		if why := foreign(ctx); why != "" {
			ctx.SetConnectionClose()
			answerError(ctx, fasthttp.StatusForbidden, why)
			return
		}
		next(ctx)
	}
}

// foreign says why a request is refused as one that a web page of another
// origin made. On loopback a name of someone else's is DNS rebinding: only
// numbers and localhost are taken there.
func foreign(ctx *fasthttp.RequestCtx) string {
	host := string(ctx.Host())
	if origin := string(ctx.Request.Header.Peek("Origin")); origin != "" {
		if _, of, _ := strings.Cut(origin, "://"); of != host {
			return "requests from web pages of another origin are refused"
		}
	}
	if local, ok := ctx.LocalAddr().(*net.TCPAddr); !ok || !local.IP.IsLoopback() {
		return ""
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	if _, err := netip.ParseAddr(name); err == nil || name == "localhost" || name == "" {
		return ""
	}
	return fmt.Sprintf("the Host %q is refused on a loopback address; use 127.0.0.1 or localhost", name)
}

// endpoint is one path.
type endpoint struct {
	method string
	handle func(*api, *fasthttp.RequestCtx)
}

var endpoints = map[string]endpoint{
	"/metrics":       {fasthttp.MethodGet, (*api).serveMetrics},
	"/healthz":       {fasthttp.MethodGet, (*api).serveHealth},
	"/readyz":        {fasthttp.MethodGet, (*api).serveReady},
	"/api/v1/query":  {fasthttp.MethodGet, (*api).serveQuery},
	"/api/v1/rules":  {fasthttp.MethodGet, (*api).serveRules},
	"/api/v1/events": {fasthttp.MethodPost, (*api).serveEvents},
	"/api/v1/forget": {fasthttp.MethodPost, (*api).serveForget},
	"/api/v1/reload": {fasthttp.MethodPost, (*api).serveReload},
}

// knownPath keeps the paths that anyone may ask for out of the metrics.
func knownPath(path string) string {
	if _, ok := endpoints[path]; ok {
		return path
	}
	return "other"
}

func (a *api) route(ctx *fasthttp.RequestCtx) {
	e, ok := endpoints[string(ctx.Path())]
	if !ok {
		ctx.SetConnectionClose() // the body, if any, stays unread
		answerError(ctx, fasthttp.StatusNotFound,
			"no such path; there are GET /metrics, /healthz, /readyz, /api/v1/query?q=QUERY, /api/v1/rules, and POST /api/v1/events, /api/v1/forget?q=QUERY, /api/v1/reload")
		return
	}
	method := string(ctx.Method())
	if method != e.method && !(method == fasthttp.MethodHead && e.method == fasthttp.MethodGet) {
		ctx.SetConnectionClose()
		ctx.Response.Header.Set("Allow", e.method)
		answerError(ctx, fasthttp.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s, not %s", ctx.Path(), e.method, method))
		return
	}
	e.handle(a, ctx)
}

// apiError is the answer to a request that failed.
type apiError struct {
	Error string `json:"error"`
}

func answerError(ctx *fasthttp.RequestCtx, status int, text string) {
	answerJSON(ctx, status, apiError{text})
}

func answerJSON(ctx *fasthttp.RequestCtx, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		status, body = fasthttp.StatusInternalServerError, []byte(`{"error":"cannot write the answer"}`)
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
}

// badRequest answers what is no HTTP, or too much of it.
func badRequest(ctx *fasthttp.RequestCtx, err error) {
	status := fasthttp.StatusBadRequest
	var small *fasthttp.ErrSmallBuffer
	var timeout net.Error
	switch {
	case errors.As(err, &small):
		status, err = fasthttp.StatusRequestHeaderFieldsTooLarge, fmt.Errorf("the head of the request has more than %d bytes", apiHeaderBytes)
	case errors.As(err, &timeout) && timeout.Timeout():
		status, err = fasthttp.StatusRequestTimeout, errors.New("the request took too long")
	default:
		err = errors.New("this is no HTTP request")
	}
	answerError(ctx, status, err.Error())
}

// quietLogger takes what fasthttp says of single connections.
type quietLogger struct{ logger *slog.Logger }

// Printf implements fasthttp.Logger.
func (l quietLogger) Printf(format string, args ...any) {
	l.logger.Debug("http: " + fmt.Sprintf(format, args...))
}
