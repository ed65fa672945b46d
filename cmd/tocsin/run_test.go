package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary stand in for tocsin, for the tests that need a
// process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("TOCSIN_TEST_AS_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// sendLine sends graphite lines over one TCP connection.
func sendLine(t *testing.T, address string, lines string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, lines); err != nil {
		t.Fatal(err)
	}
}

// sendGarbage sends what the other end may refuse to read to its end.
func sendGarbage(t *testing.T, address, garbage string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, garbage); err == nil {
		conn.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, conn) // until it is closed
	}
}

// awaitMetric asks for the metrics until they have the line: a source counts a
// batch when the engine may be done with it already.
func awaitMetric(t *testing.T, base, line string) {
	t.Helper()
	deadline := time.Now().Add(testTimeout)
	for {
		_, text := ask(t, "GET", base+"/metrics", nil)
		if strings.Contains(text, "\n"+line+"\n") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no %s in\n%s", line, text)
		}
	}
}

// receiver takes what sink.webhook posts.
func receiver(t *testing.T) (url string, bodies <-chan string) {
	got := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- string(body)
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

func TestRunFromSocketToSink(t *testing.T) {
	url, posts := receiver(t)
	archive := filepath.Join(t.TempDir(), "events.json")
	c, base := startRules(t, fmt.Sprintf(`
source.graphite { listen = "127.0.0.1:0", templates = { "shop.* .role.host.service*" }, tags = { "wire" } }
local hook = sink.webhook { url = %q }
local archive = sink.file { path = %q }
events:where 'service = "http"':classify { critical = "metric < 1" }:changed("state", { init = "ok" }):by "host":to(hook)
events:where 'service = "http"':to(archive)
`, url, archive))
	graphite := c.listening("source graphite")
	sendLine(t, graphite, "shop.app.app1.http 1 1700000000\nno line\nshop.app.app1.http 0 1700000001\nshop.app.app1.http 0 1700000002\n")
	want := `{"host":"app1","service":"http","state":"critical","time":1700000001,"metric":0,"tags":["wire"],"role":"app"}`
	if got := <-posts; got != want {
		t.Errorf("posted\n%s\nwant\n%s", got, want)
	}
	// What the receiver has, others have too.
	if got := askFor(t, base, "tagged \"wire\"", ""); !strings.Contains(got, `"time":1700000002`) {
		t.Errorf("the index has %s", got)
	}
	awaitMetric(t, base, `tocsin_source_bad_lines_total{source="graphite"} 1`)
	awaitMetric(t, base, `tocsin_source_events_total{source="graphite"} 3`)
	c.stop()
	data, err := os.ReadFile(archive)
	if err != nil || strings.Count(string(data), "\n") != 3 {
		t.Errorf("archive: %v\n%s", err, data)
	}
	if _, err := net.Dial("tcp", graphite); err == nil {
		t.Error("the port is still open")
	}
}

func TestHangupReopensFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.json")
	url, posts := receiver(t)
	c, base := startRules(t, fmt.Sprintf(`
local archive, hook = sink.file { path = %q }, sink.webhook { url = %q }
events:to(archive):to(hook)`, path, url))
	post := func(host string) {
		t.Helper()
		postEvents(t, base, strings.NewReader(`{"host":"`+host+`"}`))
		<-posts
	}
	post("before")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	c.signals <- syscall.SIGHUP
	c.err.await(t, "files are opened again")
	post("after")
	c.stop()
	old, _ := os.ReadFile(path + ".1")
	now, _ := os.ReadFile(path)
	if !strings.Contains(string(old), "before") || !strings.Contains(string(now), "after") {
		t.Errorf("moved away:\n%snew:\n%s", old, now)
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, text := range []string{
		`settings { http = "` + taken.Addr().String() + `" }`,
		`settings { http = "" } source.graphite { listen = "` + taken.Addr().String() + `" }`,
	} {
		r := runLine(t, "", "run", writeFile(t, "rules.lua", text))
		if r.code != exitFailed {
			t.Errorf("%s: exit code %d", text, r.code)
		}
		matches(t, text, r.err, `tocsin: .*cannot listen on tcp "`+taken.Addr().String()+`".*address already in use; another program has it`)
	}
}

func TestRunWithoutHTTP(t *testing.T) {
	c := startLine(t, nil, "run", writeFile(t, "rules.lua", `settings { http = "" } source.graphite { listen = "127.0.0.1:0" }`))
	c.listening("source graphite")
	if r := c.stop(); strings.Contains(r.err, "(http)") {
		t.Errorf("it listens:\n%s", r.err)
	}
}

func TestGarbageBesideGoodLines(t *testing.T) {
	url, posts := receiver(t)
	c, _ := startRules(t, fmt.Sprintf(`
source.graphite { listen = "127.0.0.1:0", pickle = "127.0.0.1:0" }
events:where 'service = "good"':to(sink.webhook { url = %q })`, url))
	lines := c.listening("source graphite")
	pickles := c.err.await(t, `listening on tcp ([0-9.:]+) \(pickle\)`)[1]
	for _, garbage := range []string{"\x00\xff\xfe", strings.Repeat("x", 1<<20), "\n\n\n", "GET / HTTP/1.1\r\n\r\n", "\xff\xff\xff\xff"} {
		sendGarbage(t, lines, garbage+"\n")
		sendGarbage(t, pickles, garbage)
	}
	sendLine(t, lines, "good 1 1700000000\n")
	if got := <-posts; !strings.Contains(got, `"service":"good"`) {
		t.Error(got)
	}
	c.stop()
}

// TestSecondSignal ends at once while a sink hangs, but not when the first signal
// came twice, as from timeout.
func TestSecondSignal(t *testing.T) {
	for _, c := range []struct {
		second os.Signal
		code   int
	}{{os.Interrupt, exitAtOnce}, {syscall.SIGTERM, exitOK}} {
		t.Run(c.second.String(), func(t *testing.T) {
			hang, calls := make(chan struct{}), make(chan struct{}, 10)
			server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				calls <- struct{}{}
				<-hang
			}))
			defer server.Close()
			p, base := startRules(t, fmt.Sprintf(`events:to(sink.webhook { url = %q })`, server.URL))
			postEvents(t, base, strings.NewReader(`{"host":"a"}`))
			<-calls
			p.signals <- syscall.SIGTERM
			p.signals <- c.second
			p.err.await(t, "a second signal ends at once")
			if c.code == exitOK {
				close(hang)
			} else {
				defer close(hang)
			}
			if r := p.wait(); r.code != c.code || strings.Contains(r.err, "ended at once") != (c.code == exitAtOnce) {
				t.Errorf("exit code %d:\n%s", r.code, r.err)
			}
		})
	}
}

// TestNothingAcceptedIsLost stops while events come in over HTTP, and wants all
// that were accepted in the file of a sink.
func TestNothingAcceptedIsLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.json")
	c, base := startRules(t, fmt.Sprintf(`events:to(sink.file { path = %q, full = "block" })`, path))
	var accepted, posts atomic.Int64
	enough := make(chan struct{})
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for {
				answer, err := http.Post(base+"/api/v1/events", "", strings.NewReader(strings.Repeat("{\"host\":\"a\"}\n", 100)))
				if err != nil {
					return // it is gone
				}
				var told eventsAnswer
				json.NewDecoder(answer.Body).Decode(&told)
				answer.Body.Close()
				accepted.Add(int64(told.Accepted))
				if posts.Add(1) == 50 {
					close(enough)
				}
				if answer.StatusCode != http.StatusOK {
					return
				}
			}
		})
	}
	<-enough
	c.stop()
	senders.Wait()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := int64(bytes.Count(data, []byte("\n"))); got != accepted.Load() || got < 5000 {
		t.Errorf("%d events were accepted, %d are in the file", accepted.Load(), got)
	}
}

// tocsin starts a process of its own.
func tocsin(t *testing.T, env []string, args ...string) (*exec.Cmd, *output) {
	t.Helper()
	errors := newOutput()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), append(env, "TOCSIN_TEST_AS_MAIN=1")...)
	cmd.Stderr = errors
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd, errors
}

func TestKilledAndStartedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.json")
	file := writeFile(t, "rules.lua", fmt.Sprintf(`
settings { http = "127.0.0.1:0" }
source.graphite { listen = "127.0.0.1:0" }
events:to(sink.file { path = %q })`, path))
	for _, end := range []os.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		cmd, errors := tocsin(t, nil, "run", file)
		base := "http://" + errors.await(t, `listening on tcp ([0-9.:]+) \(http\)`)[1]
		if status, answer := postEvents(t, base, strings.NewReader(`{"host":"a"}`)); status != 200 || answer.Accepted != 1 {
			t.Errorf("%v: status %d", end, status)
		}
		// The port that the first one had is free for the next.
		graphite := errors.await(t, `listening on tcp ([0-9.:]+) \(source graphite\)`)[1]
		if text, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		} else if err := os.WriteFile(file, []byte(strings.Replace(string(text), "127.0.0.1:0\" }\nevents", graphite+"\" }\nevents", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		sendLine(t, graphite, "x 1 -1\n")
		if err := cmd.Process.Signal(end); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		if end == syscall.SIGTERM && err != nil {
			t.Errorf("%v:\n%s", err, errors.String())
		}
	}
	if data, err := os.ReadFile(path); err != nil || !strings.Contains(string(data), `{"host":"a"`) {
		t.Errorf("%v: %s", err, data)
	}
}

func TestSystemdIsTold(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	told := func() string {
		buf := make([]byte, 100)
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	credentials := t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, "HOOK"), []byte("http://127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := writeFile(t, "rules.lua", `settings { http = "127.0.0.1:0" } events:to(sink.webhook { url = secret "HOOK" })`)
	cmd, errors := tocsin(t, []string{"NOTIFY_SOCKET=" + socket, "CREDENTIALS_DIRECTORY=" + credentials}, "run", file)
	if got := told(); got != "READY=1" {
		t.Errorf("told %q", got)
	}
	cmd.Process.Signal(syscall.SIGHUP)
	matches(t, "told", told(), `^RELOADING=1\nMONOTONIC_USEC=\d+$`)
	if got := told(); got != "READY=1" {
		t.Errorf("told %q", got)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if got := told(); got != "STOPPING=1" {
		t.Errorf("told %q", got)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v:\n%s", err, errors.String())
	}
}

func TestMissingSecret(t *testing.T) {
	r := runLine(t, "", "run", writeFile(t, "rules.lua", "\nsink.webhook { url = secret 'TOCSIN_TEST_NO_SUCH' }"))
	if r.code != exitFailed {
		t.Errorf("exit code %d", r.code)
	}
	matches(t, "standard error", r.err, `^tocsin: .*rules.lua:2: .*there is no secret "TOCSIN_TEST_NO_SUCH"`)
}
