// Package webhook posts events as JSON to an HTTP server.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/httppost"
)

// Options are what a rules file can set.
type Options struct {
	// URL is where to post. It often holds a key, so it may be a secret.
	URL plugins.Secret `opt:"url,required"`
	// Headers are added to each request; their values may be secrets.
	Headers map[string]plugins.Secret `opt:"headers"`
	// Timeout bounds one request.
	Timeout time.Duration `opt:"timeout"`
}

// Defaults are the options that a rules file need not set.
func Defaults() Options { return Options{Timeout: 10 * time.Second} }

func init() {
	plugins.RegisterSink("webhook", Defaults(), func(env plugins.Env, o Options) (engine.Sink, error) {
		return New(env, o)
	})
}

// Sink is sink.webhook.
type Sink struct {
	name   string
	client *httppost.Client // nil when the URL is a secret without its value
	body   []byte
}

var _ engine.Notifier = (*Sink)(nil)

// New checks the options and makes a sink. It connects to nothing.
func New(env plugins.Env, o Options) (*Sink, error) {
	if o.Timeout <= 0 {
		return nil, errors.New(`option "timeout": must be above 0`)
	}
	if o.URL.Reveal() == "" {
		return &Sink{name: env.Name}, nil
	}
	post := httppost.Options{URL: o.URL.Reveal(), Headers: map[string]string{}, Timeout: o.Timeout}
	for name, value := range o.Headers {
		post.Headers[name] = value.Reveal()
		post.Secrets = append(post.Secrets, value.Reveal())
	}
	client, err := httppost.New(post)
	if err != nil {
		return nil, fmt.Errorf("cannot use the options: %w", err)
	}
	return &Sink{name: env.Name, client: client}, nil
}

// Open connects to nothing: the server may be away for a while.
func (s *Sink) Open(context.Context) error {
	if s.client == nil {
		return errors.New(`option "url" is empty`)
	}
	return nil
}

// Close lets go of the connection.
func (s *Sink) Close() error {
	if s.client != nil {
		s.client.Close()
	}
	return nil
}

// Notify posts one event as an object, or a list as an array.
func (s *Sink) Notify(ctx context.Context, m engine.Message) error {
	s.body = s.body[:0]
	if m.List {
		s.body = append(s.body, '[')
	}
	for i := range m.Events {
		if i > 0 {
			s.body = append(s.body, ',')
		}
		s.body = engine.AppendJSON(s.body, &m.Events[i])
	}
	if m.List {
		s.body = append(s.body, ']')
	}
	return s.client.Post(ctx, m.ID(s.name), s.body)
}
