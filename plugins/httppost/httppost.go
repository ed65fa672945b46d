// Package httppost sends JSON to an HTTP server for the sinks that page and
// notify. It tells by its errors what is worth a retry, and keeps secrets out
// of them.
package httppost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tocsin/engine"
)

// answerMax is how much of an answer is read, and quoteMax how much of it an
// error quotes.
const (
	answerMax = 64 << 10
	quoteMax  = 300
)

// Options say where and how to send. They are checked by New.
type Options struct {
	// URL is http or https. Its user, path and query may be secret: errors
	// show the scheme and host only.
	URL string
	// Headers are added to each request.
	Headers map[string]string
	// Timeout bounds one request, the answer included.
	Timeout time.Duration
	// Secrets are blotted out where an answer repeats them.
	Secrets []string
}

// Client sends to one URL. It is used by one goroutine at a time.
type Client struct {
	options Options
	origin  string // scheme and host, for messages
	http    http.Client
}

// New checks the options and makes a client. It connects to nothing.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the URL is not of the form http://HOST/… or https://HOST/…")
	}
	for name, value := range o.Headers {
		if !isToken(name) || strings.ContainsAny(value, "\r\n\x00") {
			return nil, fmt.Errorf("header %q cannot be sent: its name or its value has characters that are not allowed", name)
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 1
	transport.MaxResponseHeaderBytes = answerMax
	c := &Client{options: o, origin: u.Scheme + "://" + u.Host}
	c.http = http.Client{Transport: transport, Timeout: o.Timeout, CheckRedirect: sameOrigin}
	return c, nil
}

// sameOrigin follows a redirect only if the POST stays a POST and goes to the
// same server, so that headers and body reach nobody else.
func sameOrigin(r *http.Request, via []*http.Request) error {
	if r.Method != via[0].Method || r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// Post sends one body of JSON. The key, unless it is empty, goes along as
// Idempotency-Key, by which a server can tell what it got twice. A status of 2xx is success. Another 4xx than
// 408, 425 and 429 is a Permanent error, and so is a redirect that is not
// followed. Retry-After of a 429 or 503 is passed on by engine.RetryAfter.
func (c *Client) Post(ctx context.Context, key string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.URL, bytes.NewReader(body))
	if err != nil {
		return engine.Permanent(c.fail(withoutURL(err)))
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "tocsin")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	for name, value := range c.options.Headers {
		if strings.EqualFold(name, "Host") {
			r.Host = value
		} else {
			r.Header.Set(name, value)
		}
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return c.fail(withoutURL(err))
	}
	defer answer.Body.Close()
	// What cannot be read of an answer is missing from the message only.
	text, _ := io.ReadAll(io.LimitReader(answer.Body, answerMax))
	return c.judge(answer, text)
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) judge(answer *http.Response, text []byte) error {
	status := answer.StatusCode
	if status/100 == 2 {
		return nil
	}
	err := c.fail(fmt.Errorf("status %s%s", answer.Status, c.quote(text)))
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		if wait := retryAfter(answer.Header.Get("Retry-After"), time.Now()); wait > 0 {
			return engine.RetryAfter(err, wait)
		}
		return err
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return err
	case status/100 == 3 || status/100 == 4:
		return engine.Permanent(err)
	}
	return err
}

func (c *Client) fail(err error) error {
	return fmt.Errorf("cannot post to %q: %w", c.origin, err)
}

// quote shows the beginning of an answer, secrets left out.
func (c *Client) quote(text []byte) string {
	s := strings.TrimSpace(string(text))
	for _, secret := range c.options.Secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	switch {
	case s == "":
		return ""
	case len(s) > quoteMax:
		return ": " + strconv.Quote(s[:quoteMax]) + "…"
	}
	return ": " + strconv.Quote(s)
}

// withoutURL takes the URL, which may hold secrets, out of an error.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// retryAfter reads the header of that name: seconds, or a date (RFC 9110,
// 10.2.3). It returns 0 when there is none.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 86_400)) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// isToken reports whether name may be that of a header (RFC 9110, 5.6.2).
func isToken(name string) bool {
	for _, c := range name {
		if c > '~' || c <= ' ' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c) {
			return false
		}
	}
	return name != ""
}
