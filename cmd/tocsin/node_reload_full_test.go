package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// TestReloadFreesTheEngine: a reload can take away a full sink that holds the
// engine up.
func TestReloadFreesTheEngine(t *testing.T) {
	t.Parallel()
	source := `source.graphite { listen = "127.0.0.1:0" }` + "\n"
	r := startReloadable(t, source+fmt.Sprintf(`events:to(sink.graphite { address = "127.0.0.1:%s", queue = 1, full = "block" })`, freePort()))
	defer r.stop()
	var posts sync.WaitGroup
	postHundred(r, &posts)
	r.err.await(t, "sink fails, will retry")
	r.write("")
	if answer, wrong := r.reload(""); wrong != "" || len(answer.Changes) != 2 {
		t.Errorf("%s; changes %q", wrong, answer.Changes)
	}
	posts.Wait()
}

// postHundred posts events, which are accepted once they are served.
func postHundred(r *reloadable, posts *sync.WaitGroup) {
	posts.Go(func() {
		events := strings.Repeat(`{"host":"a","service":"x","metric":1}`+"\n", 100)
		if _, answer := postEvents(r.t, r.base, strings.NewReader(events)); answer.Accepted != 100 {
			r.t.Errorf("answer %+v", answer)
		}
	})
}

// TestFailedReloadOfAFullSink: a reload that would take away a full sink, and the
// source that waits for it, fails late. The sink holds the engine up as before, and
// nothing that was meant for it is lost.
func TestFailedReloadOfAFullSink(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := freePort()
	r := startReloadable(t, `source.graphite { listen = "127.0.0.1:0" }`+"\n"+
		fmt.Sprintf(`events:to(sink.graphite { address = "127.0.0.1:%s", queue = 1, full = "block" })`, port))
	var posts sync.WaitGroup
	postHundred(r, &posts)
	awaitMetric(t, r.base, `tocsin_sink_blocked_total{sink="graphite"} 1`)
	postHundred(r, &posts)
	if _, wrong := r.reload(fmt.Sprintf(`source.graphite { name = "other", listen = %q }`, taken.Addr())); !strings.Contains(wrong, "address already in use") {
		t.Errorf("answer %q", wrong)
	}
	postHundred(r, &posts)
	awaitMetric(t, r.base, `tocsin_sink_blocked_total{sink="graphite"} 2`)
	if left := r.metric(`tocsin_sink_dropped_total{sink="graphite",reason="shutdown"}`); left != "0" {
		t.Errorf("%s events are dropped", left)
	}
	there, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	posts.Go(func() {
		conn, err := there.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		lines := bufio.NewScanner(conn)
		for n := 0; n < 300 && lines.Scan(); n++ {
		}
	})
	posts.Wait()
	r.stop()
	if log := r.err.String(); strings.Contains(log, "not delivered") {
		t.Error(log)
	}
}
