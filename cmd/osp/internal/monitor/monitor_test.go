package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/osprofiler-otel/osprofiler/relay"
)

// example is a relay with a source and two targets.
func example(stats *relay.Stats) Relay {
	return Relay{
		Sources: []Peer{{Name: "RabbitMQ at h:5672"}}, Targets: []Peer{{Name: "OTLP at h:4317"}, {Name: "Redis at h:6379"}},
		Stats: func() relay.Stats { return *stats }, Stuck: time.Minute,
		Mask: func(text string) string { return strings.ReplaceAll(text, "secret", "***") },
	}
}

func exampleStats() *relay.Stats {
	return &relay.Stats{
		Sources: []relay.SourceStats{{Name: "RabbitMQ at h:5672", Read: 10, Skipped: 1, Foreign: 2, DeadLetters: 3, Lag: 2 * time.Second, Unacknowledged: 4, Newest: time.Unix(1764000000, 0)}},
		Targets: []relay.TargetStats{
			{Name: "OTLP at h:4317", Sink: true, Forwarded: 8, Spans: 4, Paired: 3, Incomplete: 1, Waiting: 2, Retried: 5, Err: errors.New("down, secret"), Since: time.Unix(1764000000, 0)},
			{Name: "Redis at h:6379", Forwarded: 9, Present: 1, Refused: 1},
		},
		Filtered: 7, Held: 6,
	}
}

// get returns the answer for a path.
func get(t *testing.T, m *Monitor, metrics http.Handler, path string) (status int, body string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.Serve(ctx, listener, metrics) }()
	response, err := http.Get("http://" + listener.Addr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	cancel()
	if served := <-done; served != nil || err != nil {
		t.Fatal(served, err)
	}
	return response.StatusCode, string(text)
}

func TestHealth(t *testing.T) {
	stats := exampleStats()
	m := New(example(stats))
	m.SetPhase(Running)
	for _, test := range []struct {
		lag    time.Duration
		failed error
		want   string
	}{
		{0, nil, "ok"}, {time.Hour, nil, "stuck"}, {time.Hour, errors.New("the target is down"), "ok"},
	} {
		stats.Sources[0].Lag, stats.Targets[0].Err = test.lag, test.failed
		status, body := get(t, m, nil, "/healthz")
		if !strings.Contains(body, `"status": "`+test.want+`"`) || (status == 200) != (test.want == "ok") || !strings.Contains(body, `"phase": "running"`) {
			t.Errorf("%+v: %d %s", test, status, body)
		}
	}
	if status, _ := get(t, m, nil, "/metrics"); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
}

func TestReadiness(t *testing.T) {
	stats := exampleStats()
	r := example(stats)
	asked := 0
	var pinged error
	r.Targets[1].Ping = func(context.Context) error { asked++; return pinged }
	m := New(r)
	m.SetPhase(Running)
	var got Readiness
	read := func() int {
		got = Readiness{}
		status, body := get(t, m, nil, "/readyz")
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		return status
	}
	if status := read(); status != 503 || got.Status != "not ready" || !got.Sources[0].Ready || got.Targets[0].Ready || got.Targets[0].Error != "down, ***" || !got.Targets[0].Since.Equal(time.Unix(1764000000, 0)) || !got.Targets[1].Ready {
		t.Errorf("%d %+v", status, got)
	}
	stats.Targets[0].Err = nil
	if status := read(); status != 200 || got.Status != "ready" || asked != 1 {
		t.Errorf("%d %+v, asked %d times", status, got, asked)
	}
	m.targets[1].asked = time.Now().Add(-time.Hour)
	pinged = errors.New("connection refused")
	if status := read(); status != 503 || got.Targets[1].Error != "connection refused" || got.Targets[1].Since == nil {
		t.Errorf("%d %+v", status, got)
	}
	m.targets[1].asked, pinged = time.Now().Add(-time.Hour), nil
	stats.FilterErr, stats.FilterSince = errors.New("the disk is full"), time.Unix(1764000000, 0)
	if status := read(); status != 503 || got.Status != "not ready" || got.Filter == nil || got.Filter.Error != "the disk is full" || got.Filter.Since == nil {
		t.Errorf("%d %+v", status, got)
	}
	stats.FilterErr = nil
	m.SetPhase(Stopping)
	if status := read(); status != 503 || got.Phase != Stopping || !got.Targets[1].Ready || got.Filter != nil {
		t.Errorf("%d %+v", status, got)
	}
}

// Several requests share one ping. If one of them ends early, the answers to the others are
// not affected.
func TestReadinessOfACancelledRequest(t *testing.T) {
	r := example(&relay.Stats{})
	var asked atomic.Int32
	begun, answered := make(chan struct{}), make(chan struct{})
	r.Targets[1].Ping = func(ctx context.Context) error {
		if asked.Add(1) == 1 {
			close(begun)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-answered:
			return nil
		}
	}
	m := New(r)
	m.SetPhase(Running)
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan Readiness, 1), make(chan Readiness, 1)
	go func() { first <- m.Readiness(ctx) }()
	<-begun
	go func() { second <- m.Readiness(t.Context()) }()
	cancel()
	if got := <-first; got.Status != "not ready" { // although the ping still runs
		t.Errorf("%+v", got)
	}
	close(answered)
	for _, got := range []Readiness{<-second, m.Readiness(t.Context())} {
		if got.Status != "ready" {
			t.Errorf("%+v", got)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// Before the relay runs there are no counts, but its peers are pinged.
func TestReadinessBeforeTheStart(t *testing.T) {
	m := New(example(&relay.Stats{}))
	status, body := get(t, m, nil, "/readyz")
	if status != 503 || !strings.Contains(body, `"phase": "starting"`) || strings.Count(body, `"ready": true`) != 3 {
		t.Errorf("%d %s", status, body)
	}
}

func TestMetrics(t *testing.T) {
	r := example(exampleStats())
	r.Stats = func() relay.Stats {
		s := exampleStats()
		s.Sources = append(s.Sources, s.Sources[0]) // two peers with the same name
		return *s
	}
	metrics, err := NewMetrics(t.Context(), r, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	status, body := get(t, New(r), metrics.Handler, "/metrics")
	for _, want := range []string{
		`osprofiler_relay_source_notifications_total{osprofiler_relay_source="RabbitMQ at h:5672",otel_scope_`,
		`osprofiler_relay_source="RabbitMQ at h:5672 #2"`,
		`osprofiler_relay_source_entries_total{osprofiler_relay_outcome="dead_letter",`,
		`osprofiler_relay_source_lag_seconds{`, `osprofiler_relay_source_up{`,
		`osprofiler_relay_target_notifications_total{osprofiler_relay_outcome="forwarded",osprofiler_relay_target="Redis at h:6379",`,
		`osprofiler_relay_target_spans_total{osprofiler_relay_outcome="incomplete",osprofiler_relay_target="OTLP at h:4317",`,
		`osprofiler_relay_target_waiting{`, `osprofiler_relay_target_retries_total{`, "osprofiler_relay_filtered_total{", "osprofiler_relay_held{", "osprofiler_relay_filter_up{",
		`service_name="osprofiler-relay"`, `service_version="1.2.3"`,
	} {
		if status != 200 || !strings.Contains(body, want) {
			t.Errorf("%d; no %s", status, want)
		}
	}
	if strings.Contains(body, `spans_total{osprofiler_relay_outcome="incomplete",osprofiler_relay_target="Redis`) {
		t.Error("a store has spans")
	}
	if t.Failed() {
		t.Log(body)
	}
}

// The same metrics are sent by OTLP if the environment requests it.
func TestMetricsByOTLP(t *testing.T) {
	requests := make(chan *metricsv1.ExportMetricsServiceRequest, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		request := &metricsv1.ExportMetricsServiceRequest{}
		if err = errors.Join(err, proto.Unmarshal(body, request)); err != nil {
			t.Error(err)
		}
		requests <- request
	}))
	defer server.Close()
	for _, env := range []map[string]string{
		{"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": server.URL},
		{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": server.URL + "/v1/metrics"},
		{"OTEL_METRICS_EXPORTER": "prometheus, otlp", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": server.URL + "/v1/metrics", "OTEL_SERVICE_NAME": "mine"},
	} {
		t.Run("", func(t *testing.T) {
			for name, value := range env {
				t.Setenv(name, value)
			}
			metrics, err := NewMetrics(t.Context(), example(exampleStats()), "1.2.3")
			if err == nil {
				err = metrics.Close(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			text := (<-requests).String()
			if !strings.Contains(text, "osprofiler.relay.source.notifications") || !strings.Contains(text, "RabbitMQ at h:5672") || strings.Contains(text, "mine") != (env["OTEL_SERVICE_NAME"] != "") {
				t.Error(text)
			}
		})
	}
	for _, env := range []map[string]string{
		{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL}, {"OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": server.URL},
	} {
		t.Run("not", func(t *testing.T) {
			for name, value := range env {
				t.Setenv(name, value)
			}
			if reader, err := otlpReader(t.Context()); reader != nil || err != nil {
				t.Error(reader, err)
			}
		})
	}
	for want, env := range map[string]map[string]string{
		`OTEL_METRICS_EXPORTER is "zipkin"`: {"OTEL_METRICS_EXPORTER": "zipkin"},
		`should be grpc or http/protobuf`:   {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
	} {
		t.Run("wrong", func(t *testing.T) {
			for name, value := range env {
				t.Setenv(name, value)
			}
			if _, err := NewMetrics(t.Context(), example(exampleStats()), ""); err == nil || !strings.Contains(err.Error(), want) {
				t.Error(err)
			}
		})
	}
}
