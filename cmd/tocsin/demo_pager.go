package main

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// demoPager stands where PagerDuty stands: it takes pages over HTTP and shows
// them in the log.
type demoPager struct {
	logger   *slog.Logger
	listener net.Listener
	server   *http.Server
	serving  sync.WaitGroup
}

// page is what is shown of a page
// (https://developer.pagerduty.com/docs/send-alert-event).
type page struct {
	Action  string `json:"event_action"`
	Key     string `json:"dedup_key"`
	Payload struct {
		Summary  string `json:"summary"`
		Source   string `json:"source"`
		Severity string `json:"severity"`
	} `json:"payload"`
}

// startPager listens on a free port of the loopback interface.
func startPager(logger *slog.Logger) (*demoPager, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &demoPager{logger: logger, listener: listener}
	p.server = &http.Server{Handler: p, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second}
	p.serving.Go(func() { p.server.Serve(listener) })
	return p, nil
}

func (p *demoPager) url() string { return "http://" + p.listener.Addr().String() + "/v2/enqueue" }

// ServeHTTP takes a page.
func (p *demoPager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var got page
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 512<<10)).Decode(&got); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if got.Action == "trigger" {
		p.logger.Warn("the pager beeps: "+got.Payload.Summary, "severity", got.Payload.Severity, "key", got.Key)
	} else {
		p.logger.Info("the pager: "+got.Action, "key", got.Key)
	}
	w.WriteHeader(http.StatusAccepted)
	w.Write([]byte(`{"status":"success"}`))
}

func (p *demoPager) close() {
	p.server.Close()
	p.serving.Wait()
}
