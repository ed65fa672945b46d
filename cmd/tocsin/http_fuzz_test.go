package main

import (
	"bytes"
	"context"
	"testing"
)

// FuzzEventsBody posts any body, and wants each line that is not blank to be
// either accepted or refused.
func FuzzEventsBody(f *testing.F) {
	for _, body := range []string{
		"", "\n\n", `{"host":"a","metric":1}`, "{}\r\n{}\n", "{\"host\":\"a\"}\nbad\n\x00\n{", "null\n[]\n1\n\"x\"\n",
		`{"tags":["a","b"],"time":"2023-11-14T22:13:20Z","ttl":0,"k":true}` + "\n  \t\n",
	} {
		f.Add([]byte(body))
	}
	a := testAPI()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); a.runner.Run(ctx) }()
	f.Cleanup(func() { cancel(); <-done })
	f.Fuzz(func(t *testing.T, body []byte) {
		p := newPost(a)
		if err := p.read(ctx, bytes.NewReader(body)); err != nil {
			t.Fatal(err)
		}
		if err := p.wait(ctx); err != nil {
			t.Fatal(err)
		}
		lines := 0
		for line := range bytes.Lines(body) {
			if len(bytes.TrimSpace(line)) > 0 {
				lines++
			}
		}
		if p.answer.Accepted+p.answer.Refused != lines || len(p.answer.Errors) != min(p.answer.Refused, maxErrors) {
			t.Errorf("%d lines, answer %+v", lines, p.answer)
		}
	})
}
