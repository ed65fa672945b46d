package graphite

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"tocsin/engine"
	"tocsin/plugins/carbon"
)

func newTestReader(t *testing.T, r io.Reader, templates ...string) *Reader {
	t.Helper()
	naming, err := carbon.NewNaming(templates)
	if err != nil {
		t.Fatal(err)
	}
	return NewReader(r, naming, engine.NewIdentities(100))
}

func TestReaderOfCollectd(t *testing.T) {
	r := newTestReader(t, bytes.NewReader(readTestdata(t, "collectd.txt")), "host.service*")
	events, gaps := 0, 0
	var last engine.Event
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		switch {
		case errors.Is(err, carbon.ErrNaN):
			gaps++
		case err != nil:
			t.Fatal(err)
		default:
			events++
			last = e
		}
	}
	if events != 13 || gaps != 35 {
		t.Errorf("got %d events and %d gaps, want 13 and 35", events, gaps)
	}
	if last.ID.Host != "graph_example_net" || last.ID.Service != "inject-inst_with_space.gauge-käse" ||
		last.Metric != 3.25 || last.Time != 1795157105e9 {
		t.Errorf("the last event is %v of %v", last, last.ID)
	}
}

func TestReaderErrors(t *testing.T) {
	long := strings.Repeat("x", 3*carbon.MaxLine)
	r := newTestReader(t, strings.NewReader("a 1\n\nnonsense\n"+long+"\nb;c 1\n \r\na 2 7"))
	f := func(line int, want error) {
		t.Helper()
		_, err := r.Next()
		var e *LineError
		if !errors.As(err, &e) || e.Line != line || !errors.Is(err, want) {
			t.Errorf("got error %v, want line %d: %v", err, line, want)
		}
	}
	first, err := r.Next()
	if err != nil || first.Has != engine.HasMetric {
		t.Errorf("got %v, %v; want an event without time", first, err)
	}
	f(3, carbon.ErrNoValue)
	f(4, carbon.ErrOversized)
	f(5, carbon.ErrTagWithout)
	last, err := r.Next()
	if err != nil || last.ID != first.ID || last.Metric != 2 || last.Time != 7e9 {
		t.Errorf("got %v, %v; want the same identity, 2 at 7", last, err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("got error %v, want io.EOF", err)
	}
}
