package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/valyala/fasthttp"

	"tocsin/engine"
	"tocsin/rules"
)

// startRules runs a rules file, with HTTP on a free port, and returns where
// that is.
func startRules(t *testing.T, text string) (*running, string) {
	t.Helper()
	path := writeFile(t, "rules.lua", `settings { http = "127.0.0.1:0" }`+"\n"+text)
	c := startLine(t, nil, "run", path)
	return c, "http://" + c.listening("http")
}

// ask sends a request and returns the status and the body.
func ask(t *testing.T, method, address string, body io.Reader, headers ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		}
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// postEvents posts events and returns the answer.
func postEvents(t *testing.T, base string, body io.Reader) (int, eventsAnswer) {
	t.Helper()
	status, text := ask(t, "POST", base+"/api/v1/events", body)
	var answer eventsAnswer
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return status, answer
}

// askFor returns the events that match a query.
func askFor(t *testing.T, base, query, more string) string {
	t.Helper()
	status, text := ask(t, "GET", base+"/api/v1/query?q="+url.QueryEscape(query)+more, nil)
	if status != 200 {
		t.Fatalf("status %d: %s", status, text)
	}
	return text
}

func TestHTTP(t *testing.T) {
	c, base := startRules(t, "")
	defer c.stop()
	for _, r := range []struct {
		method, path string
		headers      []string
		status       int
		body         string
	}{
		{"GET", "/healthz", nil, 200, "^ok\n$"},
		{"GET", "/readyz", nil, 200, "^ok\n$"},
		{"HEAD", "/readyz", nil, 200, "^$"},
		{"GET", "/metrics", nil, 200, `(?m)^tocsin_index_entries 0$`},
		{"GET", "/metrics", nil, 200, `(?m)^process_resident_memory_bytes \d`},
		{"GET", "/", nil, 404, `there are GET /metrics`},
		{"POST", "/metrics", nil, 405, `/metrics takes GET, not POST`},
		{"GET", "/api/v1/events", nil, 405, `takes POST, not GET`},
		{"GET", "/api/v1/query", nil, 400, `the parameter q is missing`},
		{"GET", "/api/v1/query?q=metric+%3D%3D+5", nil, 400, `cannot parse query: .*\\n    metric == 5\\n           \^`},
		{"GET", "/api/v1/query?q=true&limit=x", nil, 400, `limit`},
		{"GET", "/api/v1/query?q=true", nil, 200, `^$`},
		{"POST", "/api/v1/events", []string{"Origin", "http://evil.example"}, 403, `another origin`},
		{"POST", "/api/v1/events", []string{"Origin", "null"}, 403, `another origin`},
		{"POST", "/api/v1/events", []string{"Origin", base}, 200, `"accepted":0`},
		{"GET", "/api/v1/query?q=true", []string{"Host", "evil.example:5580"}, 403, `"evil.example\\?" is refused|evil.example`},
		{"POST", "/api/v1/forget", nil, 400, `the parameter q is missing, as in /api/v1/forget\?q=`},
		{"GET", "/api/v1/forget?q=true", nil, 405, `takes POST`},
		{"GET", "/readyz", []string{"Host", "localhost"}, 200, `ok`},
		{"GET", "/readyz", []string{"Host", "[::1]:5580"}, 200, `ok`},
		{"GET", "/readyz", []string{"X", strings.Repeat("x", 20<<10)}, 431, `more than 16384 bytes`},
	} {
		status, body := ask(t, r.method, base+r.path, nil, r.headers...)
		if status != r.status {
			t.Errorf("%s %s: status %d, want %d", r.method, r.path, status, r.status)
		}
		matches(t, r.method+" "+r.path, body, r.body)
	}
}

func TestEventsOverHTTP(t *testing.T) {
	c, base := startRules(t, "")
	defer c.stop()
	status, answer := postEvents(t, base, strings.NewReader(`
{"host":"b","service":"x","metric":2,"time":1700000000,"ttl":1e9,"tags":["t"],"role":"app"}
{"host":"a","metric":
{"host":"a","service":"x","metric":1,"time":1700000000,"ttl":1e9}
{"host":7}
{"host":"c"}`))
	if status != 400 || answer.Accepted != 3 || answer.Refused != 2 || len(answer.Errors) != 2 ||
		answer.Errors[0].Line != 3 || answer.Errors[1].Line != 5 || !strings.Contains(answer.Errors[1].Error, `key "host"`) {
		t.Errorf("status %d, answer %+v", status, answer)
	}
	want := `{"host":"a","service":"x","time":1700000000,"metric":1,"ttl":1000000000}
{"host":"b","service":"x","time":1700000000,"metric":2,"ttl":1000000000,"tags":["t"],"role":"app"}
`
	if got := askFor(t, base, "metric", ""); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := askFor(t, base, "metric", "&limit=1"); strings.Count(got, "\n") != 1 {
		t.Errorf("limited to 1: %s", got)
	}
}

// TestTooManyIdentitiesOverHTTP wants the sender to be told.
func TestTooManyIdentitiesOverHTTP(t *testing.T) {
	c := startLine(t, nil, "run", writeFile(t, "rules.lua", `settings { http = "127.0.0.1:0", identities = 1 }`))
	defer c.stop()
	base := "http://" + c.listening("http")
	postEvents(t, base, strings.NewReader(`{"host":"a"}`))
	for range 2 {
		status, answer := postEvents(t, base, strings.NewReader(`{"host":"a"}`+"\n"+`{"host":"b"}`))
		if status != 400 || answer.Accepted != 1 || answer.Refused != 1 || !strings.Contains(answer.Errors[0].Error, "too many identities") {
			t.Errorf("status %d, answer %+v", status, answer)
		}
	}
}

func TestEventsOverHTTPAreBounded(t *testing.T) {
	c, base := startRules(t, "")
	defer c.stop()
	good := `{"host":"a","metric":1}` + "\n"

	status, answer := postEvents(t, base, strings.NewReader(strings.Repeat("bad\n", 150)+good))
	if status != 400 || answer.Accepted != 1 || answer.Refused != 150 || len(answer.Errors) != maxErrors {
		t.Errorf("many bad lines: status %d, %d accepted, %d refused, %d told", status, answer.Accepted, answer.Refused, len(answer.Errors))
	}
	long := `{"host":"` + strings.Repeat("x", engine.MaxJSONBytes) + `"}` + "\n"
	status, answer = postEvents(t, base, strings.NewReader(good+long+good))
	if status != 400 || answer.Accepted != 2 || answer.Refused != 1 || answer.Errors[0].Line != 2 {
		t.Errorf("a long line: status %d, answer %+v", status, answer)
	}
	good = `{"host":"a","description":"` + strings.Repeat("x", 32<<10) + `"}` + "\n"
	large := strings.Repeat(good, maxBody/len(good)+1)
	status, body := ask(t, "POST", base+"/api/v1/events", onlyReader{strings.NewReader(large)})
	if status != 413 || !strings.Contains(body, "send it in pieces") || !strings.Contains(body, fmt.Sprintf(`"accepted":%d`, maxBody/len(good))) {
		t.Errorf("a large body of unknown length: status %d, %.200s", status, body)
	}
}

// onlyReader hides how long a body is.
type onlyReader struct{ io.Reader }

// TestLargeBodyIsRefusedUnread announces more than is taken, and wants the
// answer without having sent it.
func TestLargeBodyIsRefusedUnread(t *testing.T) {
	c, base := startRules(t, "")
	defer c.stop()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n{", maxBody+1)
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 413" {
		t.Errorf("got %q, %v", answer, err)
	}
}

func TestManyEventsComeWhole(t *testing.T) {
	c, base := startRules(t, "")
	defer c.stop()
	const n = 3 * sortedEvents
	var body bytes.Buffer
	for i := range n {
		fmt.Fprintf(&body, `{"host":"h%d","service":"s","metric":%d}`+"\n", i, i)
	}
	if status, answer := postEvents(t, base, &body); status != 200 || answer.Accepted != n {
		t.Fatalf("status %d, answer %+v", status, answer)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(askFor(t, base, "true", "")) {
		seen[line] = true
	}
	if len(seen) != n {
		t.Errorf("%d of %d events", len(seen), n)
	}
	if got := strings.Count(askFor(t, base, "true", fmt.Sprintf("&limit=%d", 2*sortedEvents)), "\n"); got != 2*sortedEvents {
		t.Errorf("%d events, limited to %d", got, 2*sortedEvents)
	}
	lines := strings.Split(askFor(t, base, "metric < 5000", ""), "\n")
	if len(lines) != 5001 || !strings.HasPrefix(lines[0], `{"host":"h0"`) || !strings.HasPrefix(lines[2], `{"host":"h10"`) {
		t.Errorf("%d lines, from %q", len(lines), lines[0])
	}
}

func TestGarbageOverHTTP(t *testing.T) {
	c, base := startRules(t, "")
	defer c.stop()
	for _, garbage := range []string{
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GET\r\n\r\n", "\x00\x00\x00\x00\r\n\r\n",
		"POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
		"POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{}",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, garbage)
		conn.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, conn) // until it is closed
		conn.Close()
	}
	if status, _ := ask(t, "GET", base+"/readyz", nil); status != 200 {
		t.Errorf("status %d after garbage", status)
	}
}

// request calls a handler without a connection.
func request(handle fasthttp.RequestHandler, method, path, body string) (int, string) {
	var r fasthttp.Request
	r.Header.SetMethod(method)
	r.SetRequestURI(path)
	r.SetBodyString(body)
	var ctx fasthttp.RequestCtx
	ctx.Init(&r, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}, nil)
	handle(&ctx)
	return ctx.Response.StatusCode(), string(ctx.Response.Body())
}

func testAPI() *api {
	r := engine.NewRunner(engine.New(engine.Options{}, 0), engine.NewWallClock(nowOf(0)))
	return newAPI(r, newExposition(), slog.New(slog.DiscardHandler))
}

func TestReadiness(t *testing.T) {
	a := testAPI()
	wants := func(status int, body string) {
		t.Helper()
		if got, text := request(a.route, "GET", "/readyz", ""); got != status || text != body+"\n" {
			t.Errorf("readyz: %d %q, want %d %q", got, text, status, body)
		}
		if status != 200 {
			if got, text := request(a.route, "POST", "/api/v1/events", "{}"); got != status || !strings.Contains(text, body) {
				t.Errorf("events: %d %q", got, text)
			}
		}
	}
	wants(503, "starting")
	a.ready()
	wants(200, "ok")
	a.refuse(context.Background())
	wants(503, "stopping")
	a.close(context.Background())
}

func TestHealthOfAnEngineThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := testAPI() // nobody runs its engine
		if status, body := request(a.route, "GET", "/healthz", ""); status != 503 {
			t.Errorf("%d %s", status, body)
		}
		if status, body := request(a.route, "GET", "/api/v1/query?q=true", ""); status != 503 || !strings.Contains(body, "too busy") {
			t.Errorf("%d %s", status, body)
		}
		a.close(context.Background())
	})
}

func TestPanicIsAnAnswer(t *testing.T) {
	a := testAPI()
	defer a.close(context.Background())
	status, body := request(a.guard(func(*fasthttp.RequestCtx) { panic("oh") }), "GET", "/metrics", "")
	if status != 500 || strings.Contains(body, "oh") {
		t.Errorf("%d %s", status, body)
	}
}

// failingLog is a journal on a disk that fails.
type failingLog struct{}

func (failingLog) Append(b *engine.Batch, _ engine.Served) {
	b.Settle(errors.New("disk on fire"))
}

func TestEventsThatAreNotKept(t *testing.T) {
	r := engine.NewRunner(engine.New(engine.Options{}, 0), engine.NewWallClock(nowOf(0)))
	r.SetLog(failingLog{})
	a := newAPI(r, newExposition(), slog.New(slog.DiscardHandler))
	if err := a.listen(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	a.serve()
	a.ready()
	var running sync.WaitGroup
	running.Go(func() { r.Run(t.Context()) })
	status, answer := postEvents(t, "http://"+a.address(), strings.NewReader(`{"host":"a"}`))
	if status != 503 || answer.Accepted != 0 || answer.Failure != "disk on fire" {
		t.Errorf("%d %+v", status, answer)
	}
	a.close(context.Background())
	r.Stop()
	running.Wait()
}

// awaySource is a source whose server is away.
type awaySource struct{ engine.Source }

func (awaySource) Ready() error { return errors.New("the server is away") }

func TestReadinessOfSources(t *testing.T) {
	a := testAPI()
	a.ready()
	for _, test := range []struct {
		source engine.Source
		status int
		body   string
	}{{awaySource{}, 503, "source s: the server is away\n"}, {nil, 200, "ok\n"}} {
		a.showSources([]*rules.Source{{Name: "s", Source: test.source}})
		if status, body := request(a.route, "GET", "/readyz", ""); status != test.status || body != test.body {
			t.Errorf("got %d %q, want %d %q", status, body, test.status, test.body)
		}
	}
}
