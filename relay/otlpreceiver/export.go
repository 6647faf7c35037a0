package otlpreceiver

import (
	"context"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

// A format is one of the encodings of OTLP requests.
type format struct {
	// weigh estimates the memory that a body takes until it has become notifications.
	weigh func(body []byte) int64
	parse parser
}

// A parser reads the messages of a body.
type parser func(body []byte) (messages []*tracepb.ResourceSpans, refused []*otlppb.SpanError, err error)

var (
	protobufFormat = format{otlppb.Weigh, otlppb.Parse}
	jsonFormat     = format{
		weigh: func(body []byte) int64 { return otlppb.WeighJSON(string(body)) },
		parse: func(body []byte) (messages []*tracepb.ResourceSpans, refused []*otlppb.SpanError, err error) {
			return otlppb.ParseJSON(string(body))
		},
	}
)

// export hands the spans of a body to the targets and waits until they have them.
func (r *Receiver) export(ctx context.Context, a *admission, body []byte, in format) (*coltracepb.ExportTraceServiceResponse, *failure) {
	ctx, cancel := r.within(ctx, max(r.wait-a.waited, r.wait/2))
	defer cancel()
	request, f := r.convert(ctx, a, body, in)
	if f != nil || len(request.notifications) == 0 {
		return r.answer(request), f
	}
	if err := r.queue.add(request); err != nil {
		r.queue.memory.Release(request.cost)
		return nil, unavailable(err.Error())
	}
	select {
	case <-request.done:
		return r.answer(request), nil
	case <-ctx.Done():
	}
	if r.queue.abandon(request) {
		return nil, r.late(unavailable("the targets have not taken the spans in time"))
	}
	return r.answer(request), nil
}

// convert makes a request from a body. All memory for it is reserved once, before the body is
// parsed, so that requests that wait for memory use none. The memory for the body is
// released.
func (r *Receiver) convert(ctx context.Context, a *admission, body []byte, in format) (*request, *failure) {
	defer a.forget()
	var reserved int64
	if f := r.converts(ctx, func() { reserved = in.weigh(body) }); f != nil {
		return nil, f
	}
	if reserved > r.queue.size {
		return nil, tooHeavy(reserved, r.queue.size)
	}
	if r.queue.memory.Acquire(ctx, reserved) != nil {
		return nil, r.late(busy("the requests that wait for the targets take all memory"))
	}
	var req *request
	var refused *failure
	if f := r.converts(ctx, func() { req, refused = r.understand(body, in.parse) }); f != nil {
		refused = f
	}
	var cost int64
	if refused == nil && len(req.notifications) > 0 {
		cost = min(req.memory(), reserved)
		req.cost = cost
	}
	r.queue.memory.Release(reserved - cost)
	return req, refused
}

// converts calls do as soon as fewer bodies are being converted than there are processors.
func (r *Receiver) converts(ctx context.Context, do func()) *failure {
	if r.converting.Acquire(ctx, 1) != nil {
		return r.late(busy("the receiver already converts the maximum number of requests"))
	}
	defer r.converting.Release(1)
	do()
	return nil
}

// understand makes a request from a body. If this program panics because of a bug, only the
// request fails.
func (r *Receiver) understand(body []byte, parse parser) (req *request, f *failure) {
	defer func() {
		if fault := recover(); fault != nil {
			r.reports.fault(r.name, fault)
			req, f = nil, internal()
		}
	}()
	messages, refused, err := parse(body)
	if err != nil {
		return nil, malformed("the request cannot be read: %s", safetext.Shorten(safetext.Escape(err.Error()), maxRefusalText))
	}
	spans, more := r.decoder.Spans(messages)
	req = newRequest(r.converter, spans, append(refused, more...))
	if len(spans) == 0 && req.refusals.count > 0 {
		r.counters.refused.Add(req.refusals.count)
		return nil, malformed("no span of the request can be taken: %s", req.refusals.text())
	}
	return req, nil
}

// answer returns the response to a request that the targets have. It returns nil for a nil
// request.
func (r *Receiver) answer(req *request) *coltracepb.ExportTraceServiceResponse {
	if req == nil {
		return nil
	}
	response := &coltracepb.ExportTraceServiceResponse{}
	if refusals := r.queue.refusals(req); refusals.count > 0 {
		text := refusals.text()
		r.counters.refused.Add(refusals.count)
		r.reports.warn("spans were refused", "source", r.name, "spans", refusals.count, "reasons", text)
		response.PartialSuccess = &coltracepb.ExportTracePartialSuccess{RejectedSpans: refusals.count, ErrorMessage: text}
	}
	return response
}
