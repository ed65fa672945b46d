// Package pagerduty opens and resolves PagerDuty alerts by the Events API v2:
// https://developer.pagerduty.com/docs/events-api-v2-overview
//
// alert.go turns an event into an alert; this file sends it.
package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/httppost"
)

// Options are what a rules file can set.
type Options struct {
	// RoutingKey is the integration key of a service or of a ruleset.
	RoutingKey plugins.Secret `opt:"routing_key,required"`
	// URL is where alerts are posted.
	URL string `opt:"url"`
}

// Defaults are the options that a rules file need not set.
func Defaults() Options { return Options{URL: "https://events.pagerduty.com/v2/enqueue"} }

func init() {
	plugins.RegisterSink("pagerduty", Defaults(), func(env plugins.Env, o Options) (engine.Sink, error) {
		return New(env, o)
	})
}

// Sink is sink.pagerduty.
type Sink struct {
	key    plugins.Secret
	client *httppost.Client
}

var _ engine.Notifier = (*Sink)(nil)

// New checks the options and makes a sink. It connects to nothing.
func New(_ plugins.Env, o Options) (*Sink, error) {
	client, err := httppost.New(httppost.Options{URL: o.URL, Timeout: 10 * time.Second, Secrets: []string{o.RoutingKey.Reveal()}})
	if err != nil {
		return nil, fmt.Errorf(`option "url": %w`, err)
	}
	return &Sink{key: o.RoutingKey, client: client}, nil
}

// Open connects to nothing: PagerDuty may be out of reach for a while.
func (s *Sink) Open(context.Context) error {
	if s.key.Reveal() == "" {
		return errors.New(`option "routing_key" is empty`)
	}
	return nil
}

// Close lets go of the connection.
func (s *Sink) Close() error {
	s.client.Close()
	return nil
}

// Notify sends the newest event of each alert in the message, so that trying
// a whole list again does not open what it has resolved. One that PagerDuty
// refuses does not keep the others from being sent.
func (s *Sink) Notify(ctx context.Context, m engine.Message) error {
	var refused []error
	for _, e := range newest(m.Events) {
		body, err := json.Marshal(newAlert(e, s.key.Reveal()))
		if err != nil {
			return engine.Permanent(fmt.Errorf("cannot encode alert %q: %w", dedupKey(e), err))
		}
		switch err := s.client.Post(ctx, "", body); {
		case engine.IsPermanent(err):
			refused = append(refused, fmt.Errorf("alert %q: %w", dedupKey(e), err))
		case err != nil:
			return err
		}
	}
	if len(refused) > 0 {
		return engine.Permanent(errors.Join(refused...))
	}
	return nil
}

// newest returns the last event of each alert, in the order of these.
func newest(events []engine.Event) []*engine.Event {
	last := make(map[string]int, len(events))
	for i := range events {
		last[dedupKey(&events[i])] = i
	}
	var out []*engine.Event
	for i := range events {
		if last[dedupKey(&events[i])] == i {
			out = append(out, &events[i])
		}
	}
	return out
}
