package httppost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tocsin/engine"
)

func serve(t *testing.T, handle http.HandlerFunc) string {
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

func client(t *testing.T, o Options) *Client {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestPost(t *testing.T) {
	var got *http.Request
	var body []byte
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
	})
	c := client(t, Options{URL: url + "/hook?token=1", Headers: map[string]string{"X-Token": "t", "Host": "hooks.test", "content-type": "text/x"}})
	if err := c.Post(t.Context(), "", []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if got.Method != "POST" || got.RequestURI != "/hook?token=1" || got.Host != "hooks.test" || string(body) != `{"a":1}` ||
		got.Header.Get("X-Token") != "t" || got.Header.Get("Content-Type") != "text/x" || got.Header.Get("User-Agent") != "tocsin" {
		t.Errorf("got %s %s at %s, %v, %s", got.Method, got.RequestURI, got.Host, got.Header, body)
	}
}

func TestStatus(t *testing.T) {
	for status, permanent := range map[int]bool{
		400: true, 401: true, 404: true, 413: true, 408: false, 425: false, 429: false, 500: false, 502: false, 503: false, 302: true,
	} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
			w.WriteHeader(status)
			fmt.Fprintf(w, "refused\nkey s3cret %s", strings.Repeat("x", 1<<20))
		})
		err := client(t, Options{URL: url, Secrets: []string{"s3cret", ""}}).Post(t.Context(), "", []byte(`{}`))
		if err == nil || engine.IsPermanent(err) != permanent {
			t.Errorf("%d: permanent is %v, want %v: %v", status, !permanent, permanent, err)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, fmt.Sprint("status ", status)) || !strings.Contains(text, `"refused\nkey *** xxx`) || len(text) > 500 {
			t.Errorf("%d: %s", status, text)
		}
	}
}

func TestRedirects(t *testing.T) {
	calls := 0
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the other server was called") })
	for name, c := range map[string]struct {
		status int
		to     string
		calls  int
		ok     bool
	}{
		"same server":  {307, "/there", 2, true},
		"becomes GET":  {303, "/there", 1, false},
		"other server": {307, elsewhere, 1, false},
		"in circles":   {308, "/", 4, false},
	} {
		calls = 0
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			calls++
			if r.URL.Path == "/" {
				w.Header().Set("Location", c.to)
				w.WriteHeader(c.status)
			}
		})
		err := client(t, Options{URL: url + "/"}).Post(t.Context(), "", []byte(`{}`))
		if (err == nil) != c.ok || calls != c.calls {
			t.Errorf("%s: %d calls, want %d; %v", name, calls, c.calls, err)
		}
	}
}

func TestErrorsHideTheURL(t *testing.T) {
	c := client(t, Options{URL: "http://user:passw0rd@127.0.0.1:1/services/T0KEN?key=s3cret"})
	err := c.Post(t.Context(), "", []byte(`{}`))
	if err == nil || engine.IsPermanent(err) {
		t.Fatalf("got %v", err)
	}
	for _, secret := range []string{"passw0rd", "T0KEN", "s3cret"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%v shows %s", err, secret)
		}
	}
	if !strings.Contains(err.Error(), `cannot post to "http://127.0.0.1:1": `) {
		t.Errorf("%v does not name the server", err)
	}
}

func TestHangingServer(t *testing.T) {
	release := make(chan bool)
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		w.(http.Flusher).Flush()
		<-release
	})
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := client(t, Options{URL: url}).Post(ctx, "", []byte(`{}`)); err == nil || engine.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
	hang := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	if err := client(t, Options{URL: hang, Timeout: 50 * time.Millisecond}).Post(t.Context(), "", []byte(`{}`)); err == nil || engine.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestNewErrors(t *testing.T) {
	for name, c := range map[string]struct {
		options Options
		want    string
	}{
		"no scheme":  {Options{URL: "hooks.s3cret.test"}, "not of the form"},
		"scheme":     {Options{URL: "ftp://s3cret"}, "not of the form"},
		"broken":     {Options{URL: "http://s3cret:%zz"}, "not of the form"},
		"name":       {Options{URL: "http://a", Headers: map[string]string{"a b": "s3cret"}}, `header "a b"`},
		"empty name": {Options{URL: "http://a", Headers: map[string]string{"": ""}}, `header ""`},
		"value":      {Options{URL: "http://a", Headers: map[string]string{"A": "s3cret\r\nB: c"}}, `header "A"`},
	} {
		if _, err := New(c.options); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want %q and no secret", name, err, c.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "0": 0, "-5": 0, "soon": 0, "120": 2 * time.Minute, "9999999": 24 * time.Hour,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:03:05 GMT": 0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	err := client(t, Options{URL: url}).Post(t.Context(), "", []byte(`{}`))
	if plain := errors.New("x"); fmt.Sprintf("%T", err) != fmt.Sprintf("%T", engine.RetryAfter(plain, time.Second)) {
		t.Errorf("got %T: %v", err, err)
	}
}
