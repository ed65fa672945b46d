package carbon

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/engine"
)

// Naming says what the dotted parts of names mean, by a list of templates. It
// is immutable.
type Naming struct {
	templates []template
}

// template is one parsed template, such as "servers.* .host.service*".
type template struct {
	pattern []string // what the name's first parts must be; "*" is anything
	parts   []int    // for each part of a name, an index into fields, or skip
	rest    bool     // the last of parts takes all that is left
	fields  []string // distinct names: "host", "service", attributes
}

const skip = -1

// ownFields are an event's own fields, whose names no attribute should have.
var ownFields = []string{"host", "service", "state", "description", "time", "metric", "ttl", "tags"}

// NewNaming parses a list of templates. Of the templates that match a name
// the first counts; without any, the whole name is the service.
//
// A template is an optional pattern, a blank, and what each dotted part is:
// host, service, the name of an attribute, or nothing, to leave it out. A *
// after the last one makes it take the rest of the name. Parts of one name are
// joined by a dot.
func NewNaming(templates []string) (*Naming, error) {
	n := &Naming{}
	for _, text := range templates {
		t, err := parseTemplate(text)
		if err != nil {
			return nil, fmt.Errorf("cannot parse template %q: %w", text, err)
		}
		n.templates = append(n.templates, t)
	}
	return n, nil
}

func parseTemplate(text string) (template, error) {
	var t template
	words := strings.Fields(text)
	switch len(words) {
	case 1:
	case 2:
		t.pattern = strings.Split(words[0], ".")
		for _, part := range t.pattern {
			if part == "" || part != "*" && strings.Contains(part, "*") {
				return t, fmt.Errorf("the part %q of the pattern %q is neither a name nor *", part, words[0])
			}
		}
	default:
		return t, fmt.Errorf("expected an optional pattern, a blank and the parts, got %d words", len(words))
	}
	parts := strings.Split(words[len(words)-1], ".")
	for i, part := range parts {
		field, rest := strings.CutSuffix(part, "*")
		if rest && i < len(parts)-1 {
			return t, fmt.Errorf("%q takes the rest of the name, so it must be the last part", part)
		}
		if err := checkField(field); err != nil {
			return t, err
		}
		t.rest = rest
		t.parts = append(t.parts, t.field(field))
	}
	if len(t.fields) == 0 {
		return t, fmt.Errorf("it names no part; name host, service or an attribute")
	}
	return t, nil
}

func checkField(field string) error {
	for _, c := range field {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return fmt.Errorf("%q is not a name: expected letters, digits, _ and -, and * at the end only", field)
		}
	}
	if field != "host" && field != "service" && slices.Contains(ownFields, field) {
		return fmt.Errorf("%q is a field of every event, and cannot be an attribute", field)
	}
	return nil
}

// field returns the index of a field, which it adds if it is new.
func (t *template) field(name string) int {
	if name == "" {
		return skip
	}
	if i := slices.Index(t.fields, name); i >= 0 {
		return i
	}
	t.fields = append(t.fields, name)
	return len(t.fields) - 1
}

// matches reports whether the first parts of name are those of the pattern.
func (t *template) matches(name string) bool {
	for i, want := range t.pattern {
		part, rest, more := strings.Cut(name, ".")
		if want != "*" && part != want {
			return false
		}
		if !more && i < len(t.pattern)-1 {
			return false
		}
		name = rest
	}
	return true
}

// value is what a field of a template got from a name: name[from:to], or
// joined, if the parts do not stand side by side.
type value struct {
	set      bool
	from, to int
	joined   string
}

func (v *value) add(name string, from, to int) {
	switch {
	case !v.set:
		v.set, v.from, v.to = true, from, to
	case v.joined == "" && v.to+1 == from:
		v.to = to
	default:
		v.joined = v.text(name) + "." + name[from:to]
	}
}

func (v *value) text(name string) string {
	if v.joined != "" {
		return v.joined
	}
	return name[v.from:v.to]
}

// apply fills p from a name that matches. Fields that the name is too short
// for stay absent.
func (t *template) apply(name string, p *engine.Parts) {
	var few [8]value
	values := few[:]
	if len(t.fields) > len(few) {
		values = make([]value, len(t.fields))
	}
	for i, at := 0, 0; i < len(t.parts) && at <= len(name); i++ {
		end := len(name)
		if !t.rest || i < len(t.parts)-1 {
			if dot := strings.IndexByte(name[at:], '.'); dot >= 0 {
				end = at + dot
			}
		}
		if field := t.parts[i]; field != skip {
			values[field].add(name, at, end)
		}
		at = end + 1
	}
	for i, field := range t.fields {
		if v := &values[i]; v.set {
			setField(p, field, v.text(name))
		}
	}
}

func setField(p *engine.Parts, field, text string) {
	switch field {
	case "host":
		p.SetHost(text)
	case "service":
		p.SetService(text)
	default:
		p.SetAttr(field, text)
	}
}
