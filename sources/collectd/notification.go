package collectd

import (
	"strings"

	"tocsin/engine"
)

// Tag is the tag of events that were notifications.
const Tag = "notification"

// severityState says which state a notification's severity stands for.
func severityState(severity uint64) (state string, ok bool) {
	switch severity {
	case 1:
		return "critical", true
	case 2:
		return "warning", true
	case 4:
		return "ok", true
	}
	return "", false
}

// notification makes an event of a text and the parts before it, of which any
// may be missing but time and severity. There is no interval, and so no ttl.
func (d *Decoder) notification(st *state, message []byte) {
	condition, ok := severityState(st.severity)
	if !ok {
		d.problem(UnknownSeverity, nil)
		return
	}
	if st.time == 0 || len(message) == 0 {
		d.problem(Incomplete, nil)
		return
	}
	name := st.name()
	p := engine.Parts{Tags: []string{Tag}, Attrs: name.Attrs()}
	if len(st.host) > 0 {
		p.SetHost(valid(st.host))
	}
	if service := name.Service(); service != "" {
		p.SetService(service)
	}
	id, err := d.identities.Intern(p)
	if err != nil {
		d.problem(TooMany, nil)
		return
	}
	e := d.event(id)
	e.SetState(condition)
	e.SetDescription(valid(message))
	e.SetTime(st.time)
}

// valid returns b as a string of its own, without what is not UTF-8.
func valid(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }
