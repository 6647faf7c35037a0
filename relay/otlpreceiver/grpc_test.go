package otlpreceiver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
)

const freeGRPC = "otlp+grpc://127.0.0.1:0"

func dial(t testing.TB, r *otlpreceiver.Receiver, opts ...grpc.DialOption) (*grpc.ClientConn, coltracepb.TraceServiceClient) {
	t.Helper()
	opts = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, opts...)
	conn, err := grpc.NewClient("passthrough:///"+r.Addr().String(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, coltracepb.NewTraceServiceClient(conn)
}

// requestOf makes a protobuf request of spans in JSON.
func requestOf(t testing.TB, spans ...string) *coltracepb.ExportTraceServiceRequest {
	t.Helper()
	messages, refused, err := otlppb.ParseJSON(jsonRequest(spans...))
	if err != nil || len(refused) > 0 {
		t.Fatal(err, refused)
	}
	return &coltracepb.ExportTraceServiceRequest{ResourceSpans: messages}
}

func TestGRPC(t *testing.T) {
	r := open(t, freeGRPC)
	to := (&target{}).drain(t, r)
	_, client := dial(t, r)
	for _, opts := range [][]grpc.CallOption{nil, {grpc.UseCompressor(gzip.Name)}} {
		response, err := client.Export(t.Context(), requestOf(t, jsonSpan(1, "one"), jsonSpan(2, "two")), opts...)
		if err != nil || response.PartialSuccess != nil {
			t.Fatal(response, err)
		}
	}
	const want = "one-start one-stop two-start two-stop"
	if got := to.operations(); got != want+" "+want {
		t.Errorf("the target has %s", got)
	}
	if response, err := client.Export(t.Context(), &coltracepb.ExportTraceServiceRequest{}); err != nil || response.PartialSuccess != nil {
		t.Error(response, err)
	}
}

// The answer names spans that cannot be taken, and spans that a target refuses.
func TestGRPCPartialSuccess(t *testing.T) {
	r := open(t, freeGRPC)
	to := &target{refuse: func(n osprofiler.Notification) error {
		if strings.HasPrefix(n.Name, "refused") {
			return errors.New("the target is full of it")
		}
		return nil
	}}
	to.drain(t, r)
	_, client := dial(t, r)
	request := requestOf(t, jsonSpan(1, "good"), jsonSpan(2, "short"), jsonSpan(3, "refused"), jsonSpan(4, "text"))
	spans := request.ResourceSpans[0].ScopeSpans[0].Spans
	spans[1].SpanId = spans[1].SpanId[:3]
	response, err := client.Export(t.Context(), request)
	if err != nil || response.PartialSuccess.GetRejectedSpans() != 2 {
		t.Fatal(response, err)
	}
	for _, want := range []string{"span 000000 of trace 0123456789abcdef0123456789abcdef", `named "short": the span id should have 8 bytes, not 3`, `named "refused": the target is full of it`} {
		if text := response.PartialSuccess.ErrorMessage; !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
	if got := to.operations(); got != "good-start good-stop refused-start refused-stop text-start text-stop" {
		t.Errorf("the target has %s", got)
	}
	request.ResourceSpans[0].ScopeSpans[0].Spans = spans[1:2]
	if _, err = client.Export(t.Context(), request); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), `named "short"`) {
		t.Error(err)
	}
}

// If a span has a text that is not UTF-8, only that span is refused. Protobuf's decoder would
// refuse the whole message.
func TestGRPCBadText(t *testing.T) {
	r := open(t, freeGRPC)
	to := (&target{}).drain(t, r)
	conn, _ := dial(t, r)
	body := marshalled(t, requestOf(t, jsonSpan(1, "good"), jsonSpan(2, "bad??")))
	body = []byte(strings.Replace(string(body), "bad??", "bad\xff\xff", 1))
	response := &coltracepb.ExportTraceServiceResponse{}
	err := conn.Invoke(t.Context(), coltracepb.TraceService_Export_FullMethodName, &body, response, grpc.ForceCodecV2(rawCodec{}))
	if err != nil || response.PartialSuccess.GetRejectedSpans() != 1 || !strings.Contains(response.PartialSuccess.ErrorMessage, "span 0000000000000002 of trace") {
		t.Error(response, err)
	}
	if got := to.operations(); got != "good-start good-stop" {
		t.Errorf("the target has %s", got)
	}
}

// The answers have the statuses of the OTLP specification.
func TestGRPCStatuses(t *testing.T) {
	r := open(t, freeGRPC+"?osp_max_message_size=1000&osp_token=secret")
	(&target{}).drain(t, r)
	conn, client := dial(t, r)
	good := requestOf(t, jsonSpan(1, "one"))
	large := requestOf(t, jsonSpan(1, strings.Repeat("x", 2000)))
	with := func(token string) context.Context {
		return metadata.AppendToOutgoingContext(t.Context(), "authorization", token)
	}
	check := func(name string, err error, want codes.Code, text string) {
		t.Helper()
		if s := status.Convert(err); s.Code() != want || !strings.Contains(s.Message(), text) || len(s.Details()) > 0 {
			t.Errorf("%s: %v %v", name, err, s.Details())
		}
	}
	call := func(ctx context.Context, request *coltracepb.ExportTraceServiceRequest, opts ...grpc.CallOption) error {
		_, err := client.Export(ctx, request, opts...)
		return err
	}
	check("good", call(with("Bearer secret"), good), codes.OK, "")
	check("no token", call(t.Context(), good), codes.Unauthenticated, "Bearer")
	check("wrong token", call(with("Bearer secre"), good), codes.Unauthenticated, "Bearer")
	check("large", call(with("Bearer secret"), large), codes.ResourceExhausted, "larger than max")
	check("bomb", call(with("Bearer secret"), large, grpc.UseCompressor(gzip.Name)), codes.ResourceExhausted, "larger than max")
	body := []byte("\xff\xff")
	err := conn.Invoke(with("Bearer secret"), coltracepb.TraceService_Export_FullMethodName, &body, &coltracepb.ExportTraceServiceResponse{}, grpc.ForceCodecV2(rawCodec{}))
	check("no protobuf", err, codes.InvalidArgument, "cannot be read")
	err = conn.Invoke(with("Bearer secret"), "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", good, &coltracepb.ExportTraceServiceResponse{})
	check("metrics", err, codes.Unimplemented, "MetricsService")
}

// While a target is down, the client is asked to send again.
func TestGRPCTargetIsDown(t *testing.T) {
	r := open(t, freeGRPC+"?osp_wait=200ms")
	_, client := dial(t, r)
	_, err := client.Export(t.Context(), requestOf(t, jsonSpan(1, "lost")))
	s := status.Convert(err)
	if s.Code() != codes.Unavailable || retryInfo(t, s.Proto()).RetryDelay.AsDuration() == 0 {
		t.Error(err)
	}
	if got := r.Stats(); got.Waiting != 0 {
		t.Errorf("%+v", got)
	}
}

// A client with a deadline of its own gets its answer before the deadline.
func TestGRPCDeadline(t *testing.T) {
	r := open(t, freeGRPC+"?osp_wait=1h")
	_, client := dial(t, r)
	testenv.Growing(t, 3*time.Second, func(d time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		_, err := client.Export(ctx, requestOf(t, jsonSpan(1, "lost")))
		if status.Code(err) != codes.Unavailable {
			return fmt.Errorf("the client gets %w", err)
		}
		return nil
	})
}

// A call whose message does not arrive is given up.
func TestGRPCSlowMessage(t *testing.T) {
	r := open(t, freeGRPC+"?osp_read_timeout=200ms")
	conn, _ := dial(t, r)
	desc := &grpc.StreamDesc{StreamName: "Export", ClientStreams: true}
	stream, err := conn.NewStream(t.Context(), desc, coltracepb.TraceService_Export_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	err = stream.RecvMsg(&coltracepb.ExportTraceServiceResponse{})
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "did not arrive within 200ms") {
		t.Error(err)
	}
	conn, _ = dial(t, open(t, freeGRPC))
	empty, err := conn.NewStream(t.Context(), desc, coltracepb.TraceService_Export_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if err = empty.RecvMsg(&coltracepb.ExportTraceServiceResponse{}); status.Code(err) != codes.InvalidArgument {
		t.Error(err)
	}
}
