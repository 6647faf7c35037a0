package main

import (
	"context"
	"io"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
)

// The dashboard is where a user clicks, and where every trace begins.
type dashboard struct {
	api    string // its URL
	client *http.Client
	tracer trace.Tracer
}

func newDashboard(ctx context.Context, t *telemetry, api string) (*dashboard, error) {
	provider, err := t.service(ctx, "horizon", "dashboard", "web-1")
	if err != nil {
		return nil, err
	}
	return &dashboard{api: api, client: tracedClient(provider), tracer: provider.Tracer("otel-demo/dashboard")}, nil
}

// A request is what the user asked for, and the trace that it left.
type request struct {
	title  string
	baseID string
	err    error
}

// visit is one user's morning.
func (d *dashboard) visit(ctx context.Context) []request {
	return []request{
		d.click(ctx, "boot web-1", http.MethodPost, "/servers/web-1", `{"memory_mb": 2048}`),
		d.click(ctx, "boot web-2", http.MethodPost, "/servers/web-2", `{"memory_mb": 4096}`),
		d.click(ctx, "boot huge", http.MethodPost, "/servers/huge", `{"memory_mb": 65536}`),
		d.click(ctx, "list servers", http.MethodGet, "/servers", ""),
	}
}

// click makes the root span of a trace and sends one request below it.
func (d *dashboard) click(ctx context.Context, title, method, path, body string) request {
	ctx, span := d.tracer.Start(ctx, title)
	defer span.End()
	err := d.send(ctx, method, path, body)
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	return request{title: title, baseID: osprofiler.BaseIDOf(span.SpanContext().TraceID()), err: err}
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
