package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// defaultAPI is where a running tocsin is, unless settings.http says otherwise.
const defaultAPI = "http://127.0.0.1:5580"

// connection is what commands that talk to a running tocsin have in common.
type connection struct {
	Addr string `default:"${addr}" env:"TOCSIN_ADDR" placeholder:"URL" help:"Where the running tocsin is (settings.http). Default: ${addr}."`
}

// do sends a request and returns the answer if its status is 200, or one of
// the others that are named.
func (c *connection) do(method, path string, query url.Values, body io.Reader, also ...int) (*http.Response, error) {
	base := c.Addr
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, usageError(fmt.Errorf("--addr %q is not an address such as %s", c.Addr, defaultAPI))
	}
	u = u.JoinPath(path)
	u.RawQuery = query.Encode()
	request, err := http.NewRequest(method, u.String(), body)
	if err != nil {
		return nil, err
	}
	answer, err := httpClient().Do(request)
	if err != nil {
		return nil, unreachable(base, err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	for _, status := range also {
		if answer.StatusCode == status {
			return answer, nil
		}
	}
	defer answer.Body.Close()
	return nil, refusal(base, answer)
}

// httpClient waits for a while for a connection and for the first line of an
// answer, and as long as need be for the rest.
func httpClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		ResponseHeaderTimeout: time.Minute,
	}}
}

func unreachable(base string, err error) error {
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	hint := ""
	if errors.Is(err, syscall.ECONNREFUSED) {
		hint = `; is "tocsin run" running, and --addr what its settings.http says?`
	}
	return fmt.Errorf("cannot reach %s: %w%s", base, err, hint)
}

// refusal makes an error of an answer whose status is not good.
func refusal(base string, answer *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	var told apiError
	if json.Unmarshal(text, &told) != nil || told.Error == "" {
		return fmt.Errorf("%s answered %s: %s", base, answer.Status, plain(string(bytes.TrimSpace(text))))
	}
	err := errors.New(strings.Join(mapLines(told.Error, plain), "\n"))
	if answer.StatusCode == http.StatusBadRequest {
		return usageError(err)
	}
	return err
}

func mapLines(text string, f func(string) string) []string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = f(line)
	}
	return lines
}
