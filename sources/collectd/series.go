package collectd

import (
	"maps"

	"tocsin/engine"
	"tocsin/plugins/valuelist"
)

// table finds the series that a value belongs to, without allocating for one
// seen before. What is the same on many hosts is kept once: the names of a
// (plugin, type, …) group. A host has a small map of its own, as a datagram is
// mostly about one host.
type table struct {
	hosts  map[string]*host
	groups map[string]*group
	size   int // hosts, groups and series
	limit  int // of size, at which the table is swept
}

type host struct {
	name   string
	series map[*source]*series
}

// group is what all value lists of one plugin, plugin instance, type, type
// instance and kinds of values share.
type group struct {
	sources []source
	live    bool // during a sweep: a series has one of the sources
}

// source is one data source of a group.
type source struct {
	group   *group
	service string
	attrs   []engine.Attr
}

// series is one data source on one host.
type series struct {
	id  *engine.Identity
	raw uint64      // the last value of a counter
	at  engine.Time // its time; 0: there was none
}

// minSweep is the size up to which a table is never swept.
const minSweep = 4096

func newTable() table {
	return table{hosts: make(map[string]*host), groups: make(map[string]*group), limit: minSweep}
}

// host returns the host of that name.
func (t *table) host(name []byte) *host {
	h := t.hosts[string(name)]
	if h == nil {
		h = &host{name: valid(name), series: make(map[*source]*series)}
		t.hosts[string(name)] = h
		t.size++
	}
	return h
}

// sweepIfLarge drops what the engine has forgotten, once the table has grown to
// twice what was alive before. No *host or *group may be in use.
func (t *table) sweepIfLarge() {
	if t.size > t.limit {
		t.sweep()
		t.limit = max(minSweep, 2*t.size)
	}
}

// sweep makes new maps, as a map never shrinks.
func (t *table) sweep() {
	size := 0
	for _, g := range t.groups {
		g.live = false
	}
	hosts := make(map[string]*host)
	for name, h := range t.hosts {
		before := len(h.series)
		maps.DeleteFunc(h.series, func(_ *source, s *series) bool { return !s.id.Known() })
		if len(h.series) == 0 {
			continue
		}
		if len(h.series) < before/2 {
			h.series = maps.Collect(maps.All(h.series))
		}
		for src := range h.series {
			src.group.live = true
		}
		hosts[name] = h
		size += 1 + len(h.series)
	}
	groups := make(map[string]*group)
	for key, g := range t.groups {
		if g.live {
			groups[key] = g
		}
	}
	t.hosts, t.groups, t.size = hosts, groups, size+len(groups)
}

// group returns the group of st and these kinds of values, or nil when one of
// the kinds is unknown.
func (d *Decoder) group(st *state, kinds []byte) *group {
	// No name has a NUL in it, so the key is unambiguous.
	key := append(d.key[:0], st.plugin...)
	key = append(append(key, 0), st.pluginInstance...)
	key = append(append(key, 0), st.typ...)
	key = append(append(key, 0), st.typeInstance...)
	key = append(append(key, 0), kinds...)
	d.key = key
	if g := d.table.groups[string(key)]; g != nil {
		return g
	}
	for _, kind := range kinds {
		if int(kind) >= len(kindNames) {
			return nil
		}
	}
	g := d.newGroup(st, kinds)
	d.table.groups[string(key)] = g
	d.table.size++
	return g
}

func (d *Decoder) newGroup(st *state, kinds []byte) *group {
	name := st.name()
	sources, known := d.types.Of(name.Type, len(kinds))
	if !known {
		d.problem(UnknownType, st.typ)
	}
	g := &group{sources: make([]source, len(kinds))}
	for i, kind := range kinds {
		value := valuelist.DataSource{Name: sources[i].Name, Kind: kindNames[kind]}
		g.sources[i] = source{group: g, service: name.ServiceOf(value, len(kinds)), attrs: name.AttrsOf(value)}
	}
	return g
}

// series returns the series of one data source on h, or nil, which is counted,
// when there are too many identities.
func (d *Decoder) series(h *host, src *source) *series {
	s := h.series[src]
	if s != nil && s.id.Known() {
		return s
	}
	p := engine.Parts{Attrs: src.attrs}
	p.SetHost(h.name)
	p.SetService(src.service)
	id, err := d.identities.Intern(p)
	if err != nil {
		d.problem(TooMany, nil)
		return nil
	}
	if s == nil {
		s = &series{}
		h.series[src] = s
		d.table.size++
	}
	// A counter that was forgotten begins anew: its host may have, too.
	*s = series{id: id}
	return s
}

func (st *state) name() valuelist.Name {
	return valuelist.Name{Plugin: valid(st.plugin), PluginInstance: valid(st.pluginInstance), Type: valid(st.typ), TypeInstance: valid(st.typeInstance)}
}
