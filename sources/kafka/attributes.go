package kafka

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
)

// fields are the names that attributes cannot have.
var fields = []string{"host", "service", "state", "time", "description", "tags", "metric", "ttl"}

// headers says which of a record's headers become attributes.
type headers struct {
	all   bool
	names []string
}

func (h *headers) want(name string) bool { return h.all || slices.Contains(h.names, name) }

const (
	// maxAttributes and maxAttribute bound what a record brings along.
	maxAttributes = 64
	maxAttribute  = 1 << 10
	// maxDecorated bounds the identities that are remembered.
	maxDecorated = 100_000
)

// attributes gives the events of a record its key and headers. It belongs to one
// goroutine.
type attributes struct {
	key     string
	headers headers
	ids     *engine.Identities

	attrs []engine.Attr // of the record at hand
	text  []byte        // the same in one piece
	known map[decorated]*engine.Identity
}

// decorated is an identity as it was decoded, and what it gets.
type decorated struct {
	id   *engine.Identity
	text string
}

func newAttributes(s *settings, ids *engine.Identities) attributes {
	return attributes{key: s.key, headers: s.headers, ids: ids, known: make(map[decorated]*engine.Identity)}
}

// begin takes the attributes of a record.
func (a *attributes) begin(r *kgo.Record) {
	a.text = a.text[:0]
	if a.key != "" && r.Key != nil {
		a.text = appendAttr(a.text, a.key, r.Key)
	}
	if !a.headers.all && len(a.headers.names) == 0 {
		return
	}
	for i := range r.Headers[:min(len(r.Headers), maxAttributes)] {
		if h := &r.Headers[i]; h.Key != "" && a.headers.want(h.Key) {
			a.text = appendAttr(a.text, h.Key, h.Value)
		}
	}
}

// appendAttr appends a name and a value, each ended by a zero byte.
func appendAttr(b []byte, name string, value []byte) []byte {
	b = append(b, name[:min(len(name), maxAttribute)]...)
	b = append(b, 0)
	for _, c := range value[:min(len(value), maxAttribute)] {
		if c == 0 {
			c = ' '
		}
		b = append(b, c)
	}
	return append(b, 0)
}

// identity returns id with the attributes of the record at hand.
func (a *attributes) identity(id *engine.Identity) *engine.Identity {
	if len(a.text) == 0 {
		return id
	}
	if out := a.known[decorated{id, string(a.text)}]; out != nil && out.Known() {
		return out
	}
	return a.make(id)
}

func (a *attributes) make(id *engine.Identity) *engine.Identity {
	p := engine.Parts{Host: id.Host, Service: id.Service, Has: id.Has, Tags: id.Labels.Tags}
	taken := make(map[string]bool)
	for pairs := strings.Split(string(a.text), "\x00"); len(pairs) > 1; pairs = pairs[2:] {
		name := strings.ToValidUTF8(pairs[0], "\ufffd")
		if slices.Contains(fields, name) {
			name = "header_" + name
		}
		if !taken[name] {
			taken[name] = true
			p.Attrs = append(p.Attrs, engine.Attr{Key: name, Value: strings.ToValidUTF8(pairs[1], "\ufffd")})
		}
	}
	for _, attr := range id.Labels.Attrs {
		if !taken[attr.Key] {
			p.Attrs = append(p.Attrs, attr)
		}
	}
	out, err := a.ids.Intern(p)
	if err != nil {
		return a.ids.Loose(p)
	}
	if len(a.known) >= maxDecorated {
		clear(a.known)
	}
	a.known[decorated{id, string(a.text)}] = out
	return out
}
