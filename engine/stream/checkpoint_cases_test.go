package stream

import (
	"errors"
	"time"

	"tocsin/engine"
)

// savedCases has every operator that keeps something, alone and behind one
// another.
var savedCases = map[string]func(s *Stream) (*Stream, error){
	"changed": func(s *Stream) (*Stream, error) {
		return s.Changed(field("state"), ChangedOptions{Init: engine.TextValue("ok"), HasInit: true}), nil
	},
	"changed-pairs": func(s *Stream) (*Stream, error) {
		return s.Changed(field("metric"), ChangedOptions{Pairs: true}), nil
	},
	"runs":         func(s *Stream) (*Stream, error) { return s.Runs(2, field("state")) },
	"at_least":     func(s *Stream) (*Stream, error) { return s.AtLeast(2, 3, overTwo) },
	"threshold":    func(s *Stream) (*Stream, error) { return s.Threshold(Threshold{Warning: &two, Hits: 2, Hysteresis: 1}) },
	"coalesce":     func(s *Stream) (*Stream, error) { return s.Coalesce(5 * second) },
	"fill":         func(s *Stream) (*Stream, error) { return s.Fill(3*second, nil) },
	"fill_last":    func(s *Stream) (*Stream, error) { return s.FillLast(3*second, nil) },
	"interpolate":  func(s *Stream) (*Stream, error) { return s.Interpolate(3 * second) },
	"flapping":     func(s *Stream) (*Stream, error) { return s.Flapping(Flapping{Window: 20 * second, High: 3, Low: 1}) },
	"throttle":     func(s *Stream) (*Stream, error) { return s.Throttle(2, 7*second) },
	"rollup":       func(s *Stream) (*Stream, error) { return s.Rollup(1, 7*second) },
	"batch":        func(s *Stream) (*Stream, error) { return s.Batch(3, 7*second) },
	"sample":       func(s *Stream) (*Stream, error) { return s.Sample(4 * second) },
	"percentiles":  func(s *Stream) (*Stream, error) { return s.Percentiles(5*second, []float64{0, 0.5, 1}) },
	"project":      func(s *Stream) (*Stream, error) { return s.Project(overTwo, taggedAll{"x"}) },
	"rate":         func(s *Stream) (*Stream, error) { return s.Rate(3 * second) },
	"ddt":          func(s *Stream) (*Stream, error) { return s.DDT(), nil },
	"ddt-every":    func(s *Stream) (*Stream, error) { return s.DDTEvery(3 * second) },
	"clock_skew":   func(s *Stream) (*Stream, error) { return s.ClockSkew(), nil },
	"ewma":         func(s *Stream) (*Stream, error) { return s.EWMA(5 * second) },
	"counter":      func(s *Stream) (*Stream, error) { return s.Counter(1), nil },
	"reduce":       func(s *Stream) (*Stream, error) { return s.Reduce(addUp, nil), nil },
	"stable":       func(s *Stream) (*Stream, error) { return s.Stable(6*second, field("state")) },
	"apdex":        func(s *Stream) (*Stream, error) { return s.Apdex(5*second, taggedAll{"x"}, overTwo) },
	"predict":      func(s *Stream) (*Stream, error) { return s.Predict(3, 10*second) },
	"tumbling":     func(s *Stream) (*Stream, error) { return s.FixedTimeWindow(5*second, FixedTime{Late: 4 * second}) },
	"aligned":      func(s *Stream) (*Stream, error) { return s.FixedTimeWindow(5*second, FixedTime{Aligned: true}) },
	"moving":       func(s *Stream) (*Stream, error) { return s.MovingWindow(3) },
	"fixed":        func(s *Stream) (*Stream, error) { return s.FixedWindow(3) },
	"moving_time":  func(s *Stream) (*Stream, error) { return s.MovingTimeWindow(6 * second) },
	"by":           func(s *Stream) (*Stream, error) { s, err := s.By(field("host")); return number(s), err },
	"by-dynamic":   func(s *Stream) (*Stream, error) { s, err := s.By(field("state")); return number(s), err },
	"by-by-ticks":  byBy,
	"merge":        merged,
	"top":          topAndRest,
	"catch":        caught,
	"emit":         emitted,
	"index":        indexedOnly,
	"every":        everySecond,
	"windows-late": chained,
}

var (
	two     = 2.0
	overTwo = dynamic(func(e *engine.Event) bool { return e.Has&engine.HasMetric != 0 && e.Metric > 2 })
)

func addUp(acc, e *engine.Event) (engine.Event, bool, error) {
	out := *acc
	out.SetMetric(acc.Metric + e.Metric)
	return out, e.Metric != 3, nil
}

func byBy(s *Stream) (*Stream, error) {
	s, err := s.By(field("host"))
	if err != nil {
		return nil, err
	}
	if s, err = s.Throttle(5, 4*second); err != nil {
		return nil, err
	}
	if s, err = s.By(field("state"), field("service")); err != nil {
		return nil, err
	}
	if s, err = s.Rate(2 * second); err != nil {
		return nil, err
	}
	return s.Sample(5 * second)
}

func merged(s *Stream) (*Stream, error) {
	hosts, err := s.By(field("host"))
	if err != nil {
		return nil, err
	}
	services, err := hosts.By(field("service"))
	if err != nil {
		return nil, err
	}
	m, err := Merge(number(services), number(hosts))
	if err != nil {
		return nil, err
	}
	return m.Sample(3 * second)
}

func topAndRest(s *Stream) (*Stream, error) {
	top, rest, err := s.Top(2, field("metric"))
	if err != nil {
		return nil, err
	}
	return Merge(top, number(rest))
}

func caught(s *Stream) (*Stream, error) {
	passed, failed := number(s.Where(failing{errors.New("boom")})).Catch()
	return Merge(passed, number(failed))
}

func emitted(s *Stream) (*Stream, error) {
	var c engine.Change
	if err := c.Set("service", engine.TextValue("derived")); err != nil {
		return nil, err
	}
	s, err := s.Where(taggedAny{"x"}).With(&c).Untag("x")
	if err != nil {
		return nil, err
	}
	return s.Emit(), nil
}

func indexedOnly(s *Stream) (*Stream, error) {
	var c engine.Change
	if err := c.Set("host", engine.TextValue("copy")); err != nil {
		return nil, err
	}
	return s.Where(overTwo).With(&c).Index(), nil
}

// tally is state of a rule: how often it was evaluated.
type tally float64

func (n *tally) Save(w *engine.RecordWriter) { w.Float(float64(*n)) }

func (n *tally) Load(r *engine.RecordReader) {
	if at := r.Float(); r.End() == nil {
		*n = tally(at)
	}
}

func everySecond(s *Stream) (*Stream, error) {
	n := new(tally)
	s.graph.Keep("counting", n)
	var c engine.Change
	if err := c.Set("service", engine.TextValue("ticked")); err != nil {
		return nil, err
	}
	s.graph.Every("counting", 3*time.Second, func() error {
		*n++
		e := c.New(s.graph.engine.Identities())
		e.SetMetric(float64(*n))
		s.graph.engine.Emit(e)
		return nil
	})
	return s, nil
}

func chained(s *Stream) (*Stream, error) {
	s, err := s.By(field("host"))
	if err != nil {
		return nil, err
	}
	if s, err = s.FixedTimeWindow(4*second, FixedTime{}); err != nil {
		return nil, err
	}
	if s, err = s.Fold("sum"); err != nil {
		return nil, err
	}
	if s, err = s.Stable(3*second, field("metric")); err != nil {
		return nil, err
	}
	return s.Fill(7*second, nil)
}
