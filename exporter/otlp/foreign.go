package otlp

import (
	"context"
	"errors"
	"regexp"
	"strconv"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// A foreignClient is a client of the caller. It may send JSON, or keep the messages.
type foreignClient struct{ client otlptrace.Client }

func (f foreignClient) name() string { return "the OTLP target" }

func (f foreignClient) close() error { return nil }

// upload implements connection. A status of gRPC is classified, other errors stay.
func (f foreignClient) upload(ctx context.Context, spans []*tracepb.ResourceSpans) (answer, error) {
	messages, err := withFields(spans)
	if err != nil {
		return answer{}, err
	}
	err = f.client.UploadTraces(ctx, messages)
	var of interface{ GRPCStatus() *status.Status }
	if a, ok := partialSuccess(err); ok && !errors.As(err, &of) {
		return a, nil
	}
	if err == nil || ctx.Err() != nil || !errors.As(err, &of) {
		return answer{}, err
	}
	s, _ := status.FromError(err)
	class, tooLarge, after := stateOf(s)
	failed := newFailure(class, tooLarge, after, err)
	var as *failure
	if errors.As(failed, &as) {
		as.fails = isFailing(s.Code().String())
	}
	return answer{}, failed
}

// withFields copies the messages of a batch. The spans of a batch have unknown fields
// only, which other encodings than protobuf leave out.
func withFields(spans []*tracepb.ResourceSpans) ([]*tracepb.ResourceSpans, error) {
	messages := make([]*tracepb.ResourceSpans, len(spans))
	for i, rs := range spans {
		messages[i] = &tracepb.ResourceSpans{Resource: rs.GetResource(), SchemaUrl: rs.GetSchemaUrl()}
		for _, ss := range rs.GetScopeSpans() {
			scope := &tracepb.ScopeSpans{Scope: ss.GetScope(), SchemaUrl: ss.GetSchemaUrl(), Spans: make([]*tracepb.Span, len(ss.GetSpans()))}
			for j, s := range ss.GetSpans() {
				scope.Spans[j] = &tracepb.Span{}
				if err := proto.Unmarshal(s.ProtoReflect().GetUnknown(), scope.Spans[j]); err != nil {
					return nil, err
				}
			}
			messages[i].ScopeSpans = append(messages[i].ScopeSpans, scope)
		}
	}
	return messages, nil
}

// partialText is the error of OTel's clients about a partial success. Its type is in an
// internal package.
var partialText = regexp.MustCompile(`(?s)OTLP partial success: (.*) \((-?\d+) spans rejected\)`)

// emptyPartial is what OTel's clients write if the target says nothing.
const emptyPartial = "empty message"

// partialSuccess reads the answer of a target that took the request.
func partialSuccess(err error) (a answer, ok bool) {
	if err == nil {
		return answer{}, false
	}
	found := partialText.FindStringSubmatch(err.Error())
	if found == nil {
		return answer{}, false
	}
	rejected, err := strconv.ParseInt(found[2], 10, 64)
	if found[1] == emptyPartial {
		found[1] = ""
	}
	return answer{rejected, found[1]}, err == nil
}
