package main

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/osprofiler-otel/osprofiler/bridge"
)

// The dashboard is where a user clicks, and where every trace begins. It is
// written with OSProfiler's own start and stop calls.
type dashboard struct {
	api      string // its URL
	client   *http.Client
	profiler *bridge.Profiler
}

func newDashboard(ctx context.Context, t *telemetry, api string) (*dashboard, error) {
	provider, err := t.service(ctx, "horizon", "dashboard", "web-1")
	if err != nil {
		return nil, err
	}
	profiler := bridge.NewProfiler(bridge.WithTracerProvider(provider), bridge.WithKeys(keys))
	return &dashboard{api: api, client: tracedClient(provider), profiler: profiler}, nil
}

// A request is what the user asked for, and the trace that it left.
type request struct {
	title  string
	baseID string
	err    error
}

// visit is one user's morning. The user asked for traces; the one who looks at
// the servers in between did not, so that request goes out unsigned, is served
// like all others, and leaves nothing.
func (d *dashboard) visit(ctx context.Context) ([]request, error) {
	if err := d.send(ctx, http.MethodGet, "/servers", ""); err != nil {
		return nil, err
	}
	return []request{
		d.click(ctx, "boot web-1", http.MethodPost, "/servers/web-1", `{"memory_mb": 2048}`),
		d.click(ctx, "boot web-2", http.MethodPost, "/servers/web-2", `{"memory_mb": 4096}`),
		d.click(ctx, "boot huge", http.MethodPost, "/servers/huge", `{"memory_mb": 65536}`),
		d.click(ctx, "list servers", http.MethodGet, "/servers", ""),
	}, nil
}

// click begins a trace and sends one request in it.
func (d *dashboard) click(ctx context.Context, title, method, path, body string) request {
	ctx, operation := d.profiler.Start(d.profiler.Init(ctx, "", ""), title, "")
	err := d.send(ctx, method, path, body)
	operation.StopError(err, "")
	return request{title: title, baseID: operation.BaseID(), err: err}
}

func (d *dashboard) send(ctx context.Context, method, path, body string) error {
	request, err := http.NewRequestWithContext(ctx, method, d.api+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	response, err := d.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = &refused{response.Status, strings.TrimSpace(string(answer))}
	}
	return err
}

// refused is the cloud's answer to what it cannot do.
type refused struct{ status, reason string }

func (r *refused) Error() string { return r.status + ": " + r.reason }
