package pagerduty

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/engine"
)

// The bounds that the Events API v2 sets.
const (
	dedupKeyMax = 255  // characters
	summaryMax  = 1024 // characters
)

// alert is the body of a request.
type alert struct {
	RoutingKey  string   `json:"routing_key"`
	EventAction string   `json:"event_action"`
	DedupKey    string   `json:"dedup_key"`
	Payload     *payload `json:"payload,omitempty"` // absent in a resolve
}

type payload struct {
	Summary       string         `json:"summary"`
	Source        string         `json:"source"`
	Severity      string         `json:"severity"`
	Timestamp     string         `json:"timestamp,omitempty"`
	Component     string         `json:"component,omitempty"`
	Group         string         `json:"group,omitempty"`
	Class         string         `json:"class,omitempty"`
	CustomDetails map[string]any `json:"custom_details,omitempty"`
}

// newAlert makes the request for an event: ok and resolved end the alert, any
// other state, expired and none included, is one.
func newAlert(e *engine.Event, key string) alert {
	a := alert{RoutingKey: key, EventAction: "trigger", DedupKey: dedupKey(e)}
	if e.State == "ok" || e.State == "resolved" {
		a.EventAction = "resolve"
		return a
	}
	id := e.ID
	p := &payload{Summary: summary(e), Source: id.Host, Severity: severity(e.State), Component: id.Service, CustomDetails: details(e)}
	if p.Source == "" {
		p.Source = "tocsin"
	}
	if e.Has&engine.HasTime != 0 {
		p.Timestamp = e.Time.Wall().Format(time.RFC3339Nano)
	}
	p.Group, _ = id.Labels.Attr("group")
	p.Class, _ = id.Labels.Attr("class")
	a.Payload = p
	return a
}

// severity is the state where that is one of PagerDuty's; an error otherwise,
// since nobody knows that all is well.
func severity(state string) string {
	switch state {
	case "critical", "warning", "info":
		return state
	}
	return "error"
}

// dedupKey names the alert of an event: host and service. A slash in the host
// is written as %2F, so that the first slash is the one between them. A key
// that is too long is replaced by its hash.
func dedupKey(e *engine.Event) string {
	host := strings.NewReplacer("%", "%25", "/", "%2F").Replace(e.ID.Host)
	key := host + "/" + e.ID.Service
	if utf8.RuneCountInString(key) > dedupKeyMax {
		sum := sha256.Sum256([]byte(key))
		return hex.EncodeToString(sum[:])
	}
	return key
}

// summary is the description, or else a sentence that does without.
func summary(e *engine.Event) string {
	s := strings.TrimSpace(e.Description)
	if s == "" {
		s = strings.TrimSpace(e.ID.Host + " " + e.ID.Service)
		if e.Has&engine.HasState != 0 {
			s += " is " + e.State
		}
		if e.Has&engine.HasMetric != 0 {
			s += fmt.Sprintf(" (%v)", e.Metric)
		}
		s = strings.TrimSpace(s)
	}
	if s == "" {
		s = "an event without host, service and state"
	}
	if utf8.RuneCountInString(s) > summaryMax {
		s = string([]rune(s)[:summaryMax-1]) + "…"
	}
	return s
}

// details holds all of the event that is not elsewhere in the payload.
func details(e *engine.Event) map[string]any {
	out := map[string]any{}
	for _, a := range e.ID.Labels.Attrs {
		out[a.Key] = a.Value
	}
	if tags := e.ID.Labels.Tags; len(tags) > 0 {
		out["tags"] = tags
	}
	if e.Has&engine.HasState != 0 {
		out["state"] = e.State
	}
	if e.Has&engine.HasDescription != 0 {
		out["description"] = e.Description
	}
	if e.Has&engine.HasMetric != 0 {
		if out["metric"] = e.Metric; math.IsNaN(e.Metric) || math.IsInf(e.Metric, 0) {
			out["metric"] = fmt.Sprint(e.Metric) // JSON has no such number
		}
	}
	if e.Has&engine.HasTTL != 0 {
		out["ttl"] = engine.InSeconds(e.TTL)
	}
	return out
}
