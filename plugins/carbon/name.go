package carbon

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tocsin/engine"
)

// ErrTagWithout is one of the reasons why a name means nothing.
var ErrTagWithout = errors.New(`a tag of the name is not of the form "key=value"`)

var (
	errNoName      = errors.New("the name is empty")
	errControl     = errors.New("the name has control characters")
	errTooManyTags = fmt.Errorf("the name has more than %d tags", maxTags)
)

// maxTags bounds the attributes of one identity.
const maxTags = 64

// Parts returns what a raw name, `path;key=value;key=value`, means. The
// strings of the result are parts of name where that is possible, so that
// keeping name keeps them all.
//
// The tag "host" is the host, other tags are attributes; both win over what a
// template says. A tag with the name of another field of events is kept as the
// attribute "tag_" and that name. A tag without a value is left out. Bytes that
// are not UTF-8 are replaced by U+FFFD.
//
// The format of tags is that of
// https://graphite.readthedocs.io/en/stable/tags.html.
func (n *Naming) Parts(name string) (engine.Parts, error) {
	var p engine.Parts
	for i := range len(name) {
		if name[i] < ' ' || name[i] == 0x7f {
			return p, errControl
		}
	}
	path, tags, tagged := strings.Cut(strings.ToValidUTF8(name, "\ufffd"), ";")
	if path == "" {
		return p, errNoName
	}
	n.apply(path, &p)
	if tagged {
		return p, setTags(&p, tags)
	}
	return p, nil
}

// Intern returns the identity of ids that name means. Besides the errors of Parts
// there is engine.ErrTooManyIdentities.
func (n *Naming) Intern(name string, ids *engine.Identities) (*engine.Identity, error) {
	parts, err := n.Parts(name)
	if err != nil {
		return nil, err
	}
	return ids.Intern(parts)
}

func (n *Naming) apply(path string, p *engine.Parts) {
	for i := range n.templates {
		if t := &n.templates[i]; t.matches(path) {
			t.apply(path, p)
			return
		}
	}
	p.SetService(path)
}

func setTags(p *engine.Parts, tags string) error {
	count := 0
	for tag := range strings.SplitSeq(tags, ";") {
		key, value, ok := strings.Cut(tag, "=")
		switch {
		case tag == "" || ok && key != "" && value == "":
			continue
		case key == "" || !ok:
			return ErrTagWithout
		case key == "host":
			p.SetHost(value)
		case slices.Contains(ownFields, key):
			p.SetAttr("tag_"+key, value)
		default:
			p.SetAttr(key, value)
		}
		if count++; count > maxTags {
			return errTooManyTags
		}
	}
	return nil
}
