package collectd

import (
	"encoding/binary"
	"math"

	"tocsin/engine"
)

// The kinds of values.
const (
	counter  = 0 // goes up, wraps at 32 or 64 bits
	gauge    = 1 // a float64
	derive   = 2 // signed, may go down
	absolute = 3 // counted since it was last read
)

var kindNames = [...]string{counter: "counter", gauge: "gauge", derive: "derive", absolute: "absolute"}

// values makes events of a part: a count in 16 bits, as many kinds of one byte,
// as many values of eight. It reports whether the part is well formed.
func (d *Decoder) values(st *state, part []byte) bool {
	if len(part) < 2+1+8 {
		return false
	}
	n := int(binary.BigEndian.Uint16(part))
	if len(part) != 2+9*n {
		return false
	}
	kinds, values := part[2:2+n], part[2+n:]
	if len(st.host) == 0 || len(st.plugin) == 0 || len(st.typ) == 0 || st.time == 0 {
		d.problem(Incomplete, nil)
		return true
	}
	group := d.group(st, kinds)
	if group == nil {
		return false
	}
	if st.hostSeries == nil {
		st.hostSeries = d.table.host(st.host)
	}
	for i, kind := range kinds {
		bits := values[8*i : 8*i+8]
		var metric float64
		if kind == gauge {
			// The one number with its least significant byte first.
			metric = math.Float64frombits(binary.LittleEndian.Uint64(bits))
			if metric != metric {
				d.problem(NaN, nil)
				continue
			}
		}
		s := d.series(st.hostSeries, &group.sources[i])
		if s == nil {
			continue
		}
		if kind != gauge {
			raw := binary.BigEndian.Uint64(bits)
			if d.raw {
				metric = number64(kind, raw)
			} else if metric = d.rate(s, kind, raw, st.time); metric != metric {
				continue
			}
		}
		e := d.event(s.id)
		e.SetMetric(metric)
		e.SetTime(st.time)
		if st.ttl > 0 {
			e.SetTTL(st.ttl)
		}
	}
	return true
}

func number64(kind byte, raw uint64) float64 {
	if kind == derive {
		return float64(int64(raw))
	}
	return float64(raw)
}

// rate returns how much a counter goes up in a second, or NaN when that cannot
// be told, and remembers it.
func (d *Decoder) rate(s *series, kind byte, raw uint64, now engine.Time) float64 {
	last, before := s.raw, s.at
	if before != 0 && now <= before {
		d.problem(Old, nil)
		return math.NaN()
	}
	s.raw, s.at = raw, now
	if before == 0 {
		d.problem(First, nil)
		return math.NaN()
	}
	var up float64
	switch kind {
	case counter:
		up = float64(counterDiff(last, raw))
	case derive:
		up = float64(int64(raw - last))
	case absolute:
		up = float64(raw)
	}
	return up / engine.InSeconds(now.Sub(before))
}

// counterDiff is what a counter went up by. One that is lower than before has
// wrapped, at 32 bits if the last value was within them, otherwise at 64.
func counterDiff(last, now uint64) uint64 {
	if last > now && last <= math.MaxUint32 {
		return math.MaxUint32 - last + now + 1
	}
	return now - last
}
