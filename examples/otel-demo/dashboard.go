package main

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/osprofiler-otel/osprofiler/bridge"
)

// A dashboard sends the requests of a user. Every trace begins there. The dashboard
// uses OSProfiler's start and stop calls.
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

// A request is a request of the user, with its trace and its error.
type request struct {
	title  string
	baseID string
	err    error
}

// visit sends the requests of a user who wants traces. The first request is from
// another user, who wants none. It is not signed, so it is served like the others
// but not recorded.
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
		err = &refusedError{response.Status, strings.TrimSpace(string(answer))}
	}
	return err
}

// A refusedError is the error of a request that the cloud refuses.
type refusedError struct{ status, reason string }

func (r *refusedError) Error() string { return r.status + ": " + r.reason }
