package otlp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/osprofiler-otel/osprofiler/exporter/otlp"
)

// keeping is a client that keeps the messages.
type keeping struct{ messages []*tracepb.ResourceSpans }

func (*keeping) Start(context.Context) error { return nil }
func (*keeping) Stop(context.Context) error  { return nil }
func (k *keeping) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	k.messages = append(k.messages, spans...)
	return nil
}

// A client gets messages with fields, which it may keep or send as JSON.
func TestForeignClientGetsFields(t *testing.T) {
	k := &keeping{}
	e := otlp.New(k)
	for range 2 {
		if err := e.ExportSpans(t.Context(), numbered(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for _, rs := range k.messages {
		if s := rs.GetScopeSpans()[0].GetSpans()[0]; s.GetName() != "0" || len(s.ProtoReflect().GetUnknown()) > 0 {
			t.Errorf("got %v", s)
		}
	}
}

// A partial success does not stop the delivery.
func TestForeignClientPartialSuccess(t *testing.T) {
	c := &collector{}
	client := otlptracegrpc.NewClient(otlptracegrpc.WithEndpoint(c.overGRPC(t, nil)), otlptracegrpc.WithInsecure(), otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}))
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Stop(context.Background()) }()
	c.answer = func(*request) (*partial, error) { return &partial{RejectedSpans: 1, ErrorMessage: "too old"}, nil }
	err := otlp.New(client, otlp.WithMaxMessageSize(1024)).ExportSpans(t.Context(), numbered(100, 0))
	if got := sinkError(t, err); len(got.Missing) != 0 || len(c.spans()) != 100 || got.Rejected != len(c.requests) {
		t.Errorf("%d spans came: %+v", len(c.spans()), got)
	}
}

// A span that is nil is left out, and the indices are those of the call.
func TestNilSpan(t *testing.T) {
	c := &collector{answer: func(r *request) (*partial, error) {
		if has(r, "1") {
			return nil, status.Error(codes.InvalidArgument, "no")
		}
		return nil, nil
	}}
	spans := append([]sdktrace.ReadOnlySpan{nil}, numbered(3, 0)...)
	err := open(t, "otlp+grpc://"+c.overGRPC(t, nil)).ExportSpans(t.Context(), spans)
	if got := sinkError(t, err); !slices.Equal(got.Refused, []int{2}) || !slices.Equal(got.Missing, []int{2}) || len(c.spans()) != 2 {
		t.Errorf("%d spans came: %+v", len(c.spans()), got)
	}
}

// A target that answers 200 has taken the request, even if the answer is cut off.
func TestAnswerCutOff(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("cut"))
	}))
	defer server.Close()
	e := open(t, "otlp+http://"+strings.TrimPrefix(server.URL, "http://"))
	if err := e.ExportSpans(t.Context(), numbered(1, 0)); err != nil || requests.Load() != 1 {
		t.Errorf("%d requests: %v", requests.Load(), err)
	}
}
