package stream

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tocsin/engine"
)

// sinkRecorder is an output that notes what it gets.
type sinkRecorder struct{ got []string }

func (s *sinkRecorder) Put(m engine.Message) { s.got = append(s.got, showMessage(m)) }
func (s *sinkRecorder) Flush()               {}

func TestTo(t *testing.T) {
	var a, b sinkRecorder
	bench := newBench(t, func(s *Stream) (*Stream, error) { return s.To(&a, &b) })
	playBench(t, bench, "0 metric=1; [1 metric=2 | none | 2 metric=3]; [none]")
	for _, sink := range []*sinkRecorder{&a, &b} {
		wantItems(t, sink.got, "0 metric=1; [1 metric=2 | 2 metric=3]")
	}
	wantItems(t, bench.shown(), "0 metric=1; [1 metric=2 | none | 2 metric=3]; [none]")
	if _, err := bench.head.To(); err == nil {
		t.Error("to without a sink")
	}
}

// TestEmitDepth: a rule that emits what it reads goes 16 deep; the event that
// would be the 17th becomes an error.
func TestEmitDepth(t *testing.T) {
	r := newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		r.graph.Site = Site{Pos: "loop.lua:2", Rule: "loop"}
		s := events.Where(queried(t, `service = "loop"`))
		r.tap("read", s)
		r.tap("emitted", s.Emit())
		r.tap("error", events.Where(queried(t, `service = "tocsin error"`)))
	}).play("0 service=loop")
	count := func(what string) (n int) {
		for _, line := range r.got {
			if strings.HasPrefix(line, what) {
				n++
			}
		}
		return n
	}
	if count("read") != 17 || count("emitted") != 16 || count("error") != 1 {
		t.Errorf("%d were read, %d emitted, %d failed; want 17 (depths 0 to 16), 16, 1", count("read"), count("emitted"), count("error"))
	}
	if last := r.got[len(r.got)-1]; !strings.Contains(last, `rule=loop "loop.lua:2: an event was derived more than 16 times`) {
		t.Errorf("the error is %s", last)
	}
}

func TestEmitDepthIsCaught(t *testing.T) {
	r := newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		passed, failed := events.Emit().Catch()
		_ = passed
		r.tap("caught", failed)
	}).play("0 service=loop")
	if len(r.got) != 1 || !strings.HasPrefix(r.got[0], "caught 0 service=tocsin error") {
		t.Errorf("got %q, want one error caught", r.got)
	}
}

// TestEmitOrder: what is emitted waits until the event in hand has been through
// all streams, and arrives when it is emitted.
func TestEmitOrder(t *testing.T) {
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		source := events.Where(queried(t, `service = "in"`))
		for _, name := range []string{"one", "two"} {
			var c engine.Change
			if err := c.Set("service", engine.TextValue(name)); err != nil {
				t.Fatal(err)
			}
			r.tap("emitted "+name+":", source.With(&c).Emit())
		}
		r.tap("events:", events)
	}).play("0 service=in ttl=5; +5").want(`
		emitted one: 0 service=one ttl=5; emitted two: 0 service=two ttl=5;
		events: 0 service=in ttl=5; events: 0 service=one ttl=5; events: 0 service=two ttl=5;
		emitted one: 5 service=one state=expired; emitted two: 5 service=two state=expired;
		events: 5 service=in state=expired; events: 5 service=one state=expired; events: 5 service=two state=expired`)
}

func TestEmitList(t *testing.T) {
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		lists := r.graph.Head()
		lists.Emit()
		events.Where(queried(t, `service = "in"`)).Each(func(m engine.Message) error {
			lists.HandleList([]engine.Event{parseEvent(t, r.ids, "- service=a"), {}, parseEvent(t, r.ids, "1 service=b")})
			return nil
		})
		r.tap("", events)
	}).play("3 service=in").want("3 service=in; 3 service=a; 1 service=b")
}

// TestIndex: what is only indexed goes through no stream, but its expiry does.
func TestIndex(t *testing.T) {
	r := newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		var c engine.Change
		if err := c.Set("service", engine.TextValue("copy")); err != nil {
			t.Fatal(err)
		}
		r.tap("index", events.Where(queried(t, `service = "in"`)).With(&c).Index())
		r.tap("events", events.Where(queried(t, `service = "copy"`)))
	}).play("0 host=a service=in metric=4 ttl=5")
	r.want("index 0 host=a service=copy metric=4 ttl=5")
	if e := r.graph.Engine().Index().Lookup("a", "copy"); e == nil || e.Metric != 4 {
		t.Errorf("the index has %v", e)
	}
	r.play("+4").want("")
}

// TestEachFails: an error of the function stops the event in hand on that
// branch only.
func TestEachFails(t *testing.T) {
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		events = events.Where(queried(t, `service = "in"`))
		r.graph.Site = Site{Pos: "f.lua:9"}
		r.tap("passed", events.Each(func(m engine.Message) error {
			if m.Events[0].Metric == 13 {
				return errors.New("boom")
			}
			return nil
		}))
		r.tap("other", events)
		r.tap("error", r.graph.Events().Where(queried(t, `service = "tocsin error"`)))
	}).play("0 service=in host=h metric=13; 1 service=in metric=2").want(`
		other 0 host=h service=in metric=13;
		error 0 service=tocsin error state=critical tags=tocsin,error event_host=h event_service=in "f.lua:9: boom";
		passed 1 service=in metric=2; other 1 service=in metric=2`)
}

func TestEachList(t *testing.T) {
	var got []string
	b := newBench(t, func(s *Stream) (*Stream, error) {
		return s.Each(func(m engine.Message) error { got = append(got, fmt.Sprint(m.List, len(m.Events))); return nil }), nil
	})
	playBench(t, b, "[0 metric=1 | 1 metric=2]; []; 2 metric=3")
	wantItems(t, got, "true 2; true 0; false 1")
	wantItems(t, b.shown(), "[0 metric=1 | 1 metric=2]; []; 2 metric=3")
}
