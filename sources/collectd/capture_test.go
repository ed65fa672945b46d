package collectd

import (
	"bufio"
	"encoding/json"
	"math"
	"math/big"
	"os"
	"slices"
	"testing"

	"tocsin/engine"
)

const password = "s3cr3t-wonderland"

// truth is one value list or notification, as collectd itself reported it.
type truth struct {
	Packet         int            `json:"pkt"`
	Host           string         `json:"host"`
	Plugin         string         `json:"plugin"`
	PluginInstance string         `json:"plugin_instance"`
	Type           string         `json:"type"`
	TypeInstance   string         `json:"type_instance"`
	Time           float64        `json:"time"`
	Interval       float64        `json:"interval"`
	DS             []int          `json:"ds"`
	Values         []*json.Number `json:"values"`
	Notification   string         `json:"notification"`
	Severity       int            `json:"severity"`
}

func truths(t *testing.T, packets int) [][]truth {
	t.Helper()
	f, err := os.Open("testdata/none.truth.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := make([][]truth, packets)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var tr truth
		if err := json.Unmarshal(lines.Bytes(), &tr); err != nil {
			t.Fatal(err)
		}
		out[tr.Packet] = append(out[tr.Packet], tr)
	}
	return out
}

// service says what the series should be called, from types.db as it stands in
// this test.
func (tr truth) service(i int) string {
	s, typ := tr.Plugin, tr.Type
	if tr.PluginInstance != "" {
		s += "-" + tr.PluginInstance
	}
	if tr.TypeInstance != "" {
		typ += "-" + tr.TypeInstance
	}
	if s != "" {
		s += "/"
	}
	s += typ
	if len(tr.DS) > 1 {
		s += "/" + tr.dsName(i)
	}
	return s
}

func (tr truth) dsName(i int) string {
	names := map[string][]string{
		"load": {"shortterm", "midterm", "longterm"}, "df": {"used", "free"},
		"if_octets": {"rx", "tx"}, "if_packets": {"rx", "tx"}, "if_errors": {"rx", "tx"}, "if_dropped": {"rx", "tx"},
	}[tr.Type]
	if names == nil {
		return "value"
	}
	return names[i]
}

func TestCaptureEqualsWhatCollectdReported(t *testing.T) {
	datagrams := recording(t, "none.dgrams")
	h := newHarness(DecoderOptions{Raw: true, TTLFactor: 2})
	values, notifications, nans := 0, 0, 0
	for i, list := range truths(t, len(datagrams)) {
		events := h.decode(datagrams[i])
		for _, tr := range list {
			if tr.Notification != "" {
				checkNotification(t, tr, events[0])
				events = events[1:]
				notifications++
				continue
			}
			for ds, want := range tr.Values {
				if want == nil {
					nans++
					continue
				}
				if len(events) == 0 {
					t.Fatalf("datagram %d: no event for %+v", i, tr)
				}
				checkValue(t, tr, ds, float(t, *want), &events[0])
				events = events[1:]
				values++
			}
		}
		if len(events) > 0 {
			t.Errorf("datagram %d: %d events too many", i, len(events))
		}
	}
	if values != 392 || notifications != 11 || nans != 3 {
		t.Errorf("compared %d values, %d notifications, %d NaN", values, notifications, nans)
	}
	h.want(t, NaN, NaN, NaN)
}

func checkValue(t *testing.T, tr truth, ds int, metric float64, e *engine.Event) {
	t.Helper()
	if e.ID.Host != tr.Host || e.ID.Service != tr.service(ds) || e.Metric != metric {
		t.Errorf("got %s %s %v, want %s %s %v", e.ID.Host, e.ID.Service, e.Metric, tr.Host, tr.service(ds), metric)
	}
	if math.Abs(e.Time.Seconds()-tr.Time) > 1e-6 || e.TTL != engine.Seconds(2*tr.Interval) {
		t.Errorf("%s: got time %v, ttl %v; want %v, 2 × %v s", e.ID.Service, e.Time.Seconds(), e.TTL, tr.Time, tr.Interval)
	}
	if e.Has != engine.HasMetric|engine.HasTime|engine.HasTTL {
		t.Errorf("%s: has %b", e.ID.Service, e.Has)
	}
	want := attrs(tr)
	want = slices.Insert(want, 0, engine.Attr{Key: "ds_name", Value: tr.dsName(ds)},
		engine.Attr{Key: "ds_type", Value: []string{"counter", "gauge", "derive", "absolute"}[tr.DS[ds]]})
	if !slices.Equal(e.ID.Labels.Attrs, want) || len(e.ID.Labels.Tags) > 0 {
		t.Errorf("%s: got %v, want %v", e.ID.Service, e.ID.Labels, want)
	}
}

func checkNotification(t *testing.T, tr truth, e engine.Event) {
	t.Helper()
	state := map[int]string{1: "critical", 2: "warning", 4: "ok"}[tr.Severity]
	if e.State != state || e.Description != tr.Notification || math.Abs(e.Time.Seconds()-tr.Time) > 1e-6 {
		t.Errorf("got %s %q at %v, want %s %q at %v", e.State, e.Description, e.Time.Seconds(), state, tr.Notification, tr.Time)
	}
	if e.ID.Host != tr.Host || (e.ID.Has&engine.HasHost != 0) != (tr.Host != "") {
		t.Errorf("got host %q (%b), want %q", e.ID.Host, e.ID.Has, tr.Host)
	}
	if e.ID.Service != tr.service(0) || (e.ID.Has&engine.HasService != 0) != (tr.Plugin != "") {
		t.Errorf("got service %q (%b), want %q", e.ID.Service, e.ID.Has, tr.service(0))
	}
	if !slices.Equal(e.ID.Labels.Tags, []string{"notification"}) || !slices.Equal(e.ID.Labels.Attrs, attrs(tr)) {
		t.Errorf("%s: got %v", e.Description, e.ID.Labels)
	}
	if e.Has != engine.HasState|engine.HasDescription|engine.HasTime {
		t.Errorf("%s: has %b", e.Description, e.Has)
	}
}

func float(t *testing.T, n json.Number) float64 {
	t.Helper()
	f, err := n.Float64()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func attrs(tr truth) []engine.Attr {
	var out []engine.Attr
	for _, a := range []engine.Attr{
		{Key: "plugin", Value: tr.Plugin}, {Key: "plugin_instance", Value: tr.PluginInstance},
		{Key: "type", Value: tr.Type}, {Key: "type_instance", Value: tr.TypeInstance},
	} {
		if a.Value != "" {
			out = append(out, a)
		}
	}
	return out
}

// The recorded counters, as rates that the test works out by itself.
func TestCaptureAsRates(t *testing.T) {
	datagrams := recording(t, "none.dgrams")
	h := newHarness(DecoderOptions{TTLFactor: 2})
	type last struct {
		value *big.Int
		time  float64
	}
	before := make(map[string]last)
	compared := 0
	for i, list := range truths(t, len(datagrams)) {
		events := h.decode(datagrams[i])
		for _, tr := range list {
			if tr.Notification != "" {
				events = events[1:]
				continue
			}
			for ds, value := range tr.Values {
				if value == nil {
					continue
				}
				want := float(t, *value)
				if kind := tr.DS[ds]; kind != gauge {
					key := tr.Host + tr.service(ds)
					now, _ := new(big.Int).SetString(value.String(), 10)
					b, ok := before[key]
					before[key] = last{now, tr.Time}
					if !ok {
						continue
					}
					if kind != absolute {
						want, _ = new(big.Float).SetInt(new(big.Int).Sub(now, b.value)).Float64()
					}
					want /= tr.Time - b.time
				}
				// The recorded times have 7 digits after the point.
				if math.Abs(events[0].Metric-want) > 1e-5*math.Abs(want)+1e-9 {
					t.Errorf("%s: got %v, want %v", events[0].ID.Service, events[0].Metric, want)
				}
				events = events[1:]
				compared++
			}
		}
	}
	if compared < 300 {
		t.Errorf("compared %d values only", compared)
	}
}

func TestRecordedSignaturesAndEncryption(t *testing.T) {
	right, wrong := NewUsers(map[string]string{"alice": password}), NewUsers(map[string]string{"alice": "guess"})
	nobody := NewUsers(nil)
	for _, c := range []struct {
		file     string
		users    Users
		security Security
		problem  Problem
		ok       bool
	}{
		{"sign.dgrams", right, None, 0, true},
		{"sign.dgrams", right, Sign, 0, true},
		{"sign.dgrams", nil, None, 0, true},
		{"sign.dgrams", right, Encrypt, Insecure, false},
		{"sign.dgrams", wrong, None, BadSignature, false},
		{"sign.dgrams", nobody, None, UnknownUser, false},
		{"encrypt.dgrams", right, None, 0, true},
		{"encrypt.dgrams", right, Encrypt, 0, true},
		{"encrypt.dgrams", wrong, Encrypt, BadChecksum, false},
		{"encrypt.dgrams", nil, None, UnknownUser, false},
	} {
		datagrams := recording(t, c.file)
		h := newHarness(DecoderOptions{Raw: true, Users: c.users, Security: c.security})
		events := 0
		for _, datagram := range datagrams {
			events += len(h.decode(datagram))
		}
		if c.ok {
			h.want(t)
			if events < 100 {
				t.Errorf("%+v: %d events only", c, events)
			}
			continue
		}
		h.want(t, slices.Repeat([]Problem{c.problem}, len(datagrams))...)
		if events > 0 {
			t.Errorf("%+v: %d events", c, events)
		}
	}
}
