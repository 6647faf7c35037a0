package jaeger

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/uber/jaeger-client-go/thrift"
	"github.com/uber/jaeger-client-go/thrift-gen/agent"
	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/store"
)

// An agentSocket is a UDP socket that reads what an agent would read.
type agentSocket struct {
	t    *testing.T
	conn *net.UDPConn
}

func listen(t *testing.T) *agentSocket {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadBuffer(4 << 20); err != nil { // the system may give less
		t.Fatal(err)
	}
	return &agentSocket{t: t, conn: conn}
}

func (a *agentSocket) url() string { return "jaeger://" + a.conn.LocalAddr().String() }

// export exports spans, and returns the batches that come. It reads at the same time,
// because the buffer of a socket is small.
func (a *agentSocket) export(e *Exporter, spans ...sdktrace.ReadOnlySpan) []*jaeger.Batch {
	a.t.Helper()
	done := make(chan error, 1)
	go func() { done <- e.ExportSpans(context.Background(), spans) }()
	batches := a.read(len(spans))
	if err := <-done; err != nil {
		a.t.Fatal(err)
	}
	return batches
}

// read returns the batches of datagrams until they have as many spans.
func (a *agentSocket) read(spans int) (batches []*jaeger.Batch) {
	a.t.Helper()
	if err := a.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		a.t.Fatal(err)
	}
	datagrams := make(chan []byte, 1000)
	go a.receive(datagrams)
	for datagram := range datagrams {
		if len(datagram) > maxDatagramSize {
			a.t.Errorf("a datagram has %d bytes", len(datagram))
		}
		b := decode(a.t, datagram)
		batches = append(batches, b)
		if spans -= len(b.Spans); spans <= 0 {
			_ = a.conn.SetReadDeadline(time.Now()) // the last one was read
		}
	}
	if spans > 0 {
		a.t.Fatalf("%d spans did not come", spans)
	}
	return batches
}

// receive passes on the datagrams that arrive until the deadline for reading. It does
// nothing else, because the system drops datagrams that do not fit into the buffer of
// the socket.
func (a *agentSocket) receive(datagrams chan<- []byte) {
	defer close(datagrams)
	for {
		room := make([]byte, 1<<17)
		n, err := a.conn.Read(room)
		if err != nil {
			return
		}
		datagrams <- room[:n]
	}
}

func decode(t *testing.T, datagram []byte) *jaeger.Batch {
	t.Helper()
	buffer := thrift.NewTMemoryBuffer()
	buffer.Write(datagram)
	protocol := thrift.NewTCompactProtocolConf(buffer, nil)
	name, kind, _, err := protocol.ReadMessageBegin(t.Context())
	var args agent.AgentEmitBatchArgs
	if err == nil {
		err = args.Read(t.Context(), protocol)
	}
	if err != nil || name != "emitBatch" || kind != thrift.CALL {
		t.Fatalf("a datagram is %s of kind %d (%v)", name, kind, err)
	}
	return args.Batch
}

// manySpans returns spans of two services, each with a value of some bytes.
func manySpans(n, bytes int) (spans []sdktrace.ReadOnlySpan) {
	api, db := resource.NewSchemaless(attribute.String("service.name", "api")), resource.NewSchemaless(attribute.String("service.name", "db"))
	for i := range n {
		s := convert.Span{
			Name: fmt.Sprint("span ", i), StartTime: start, EndTime: start, Resource: api,
			SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: trace.SpanID{6: byte(i >> 8), 7: byte(i)}}),
			Attributes:  []attribute.KeyValue{attribute.String("value", strings.Repeat("é", bytes/2))},
		}
		if i%3 == 0 {
			s.Resource = db
		}
		spans = append(spans, s.Snapshot())
	}
	return spans
}

func open(t *testing.T, connectionString string, opts ...Option) *Exporter {
	t.Helper()
	e, err := Open(connectionString, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// Spans are cut into datagrams by their size, one process in each, and all arrive.
func TestUDP(t *testing.T) {
	a := listen(t)
	e := open(t, a.url(), WithPause(20*time.Millisecond))
	const count = 400
	batches, names := a.export(e, manySpans(count, 2000)...), map[string]string{}
	for _, b := range batches {
		for _, s := range b.Spans {
			names[s.OperationName] = b.Process.ServiceName
		}
	}
	for i := range count {
		want := "api"
		if i%3 == 0 {
			want = "db"
		}
		if got := names[fmt.Sprint("span ", i)]; got != want {
			t.Errorf("span %d is of %q", i, got)
		}
	}
	if len(batches) < count*2000/maxDatagramSize || len(batches) > 2+2*count*2000/maxDatagramSize {
		t.Errorf("there are %d datagrams", len(batches))
	}
	if e.Name() != "Jaeger at "+a.conn.LocalAddr().String()+" (UDP)" {
		t.Error(e.Name())
	}
}

// A span that is too large for a datagram loses its largest values, and a tag names them.
func TestUDPTrims(t *testing.T) {
	a := listen(t)
	e := open(t, a.url(), WithPause(20*time.Millisecond))
	large := convert.Span{
		Name: strings.Repeat("n", 100_000), StartTime: start, EndTime: start, SpanContext: contextOf(1),
		Resource: resource.NewSchemaless(attribute.String("service.name", strings.Repeat("s", 90_000)), attribute.String("host.name", "h")),
		Attributes: []attribute.KeyValue{
			attribute.String("db.params", strings.Repeat("é", 50_000)), attribute.String("small", "stays"), attribute.Bool("flag", true),
			{Key: "bytes", Value: attribute.ByteSliceValue(make([]byte, 70_000))},
		},
		Events: []sdktrace.Event{{Name: "e", Time: start, Attributes: []attribute.KeyValue{attribute.String("stack", strings.Repeat("x", 200_000))}}},
	}
	many := large
	many.Name, many.SpanContext, many.Attributes = "many", contextOf(2), nil
	for i := range 20_000 {
		many.Attributes = append(many.Attributes, attribute.Int(fmt.Sprint("key", i), i))
	}
	after := manySpans(1, 10)
	found := map[int64]*jaeger.Span{}
	for _, b := range a.export(e, large.Snapshot(), many.Snapshot(), after[0]) {
		if b.Process.ServiceName != "db" && (tagValue(b.Process.Tags, "host.name") != "h" || !strings.Contains(tagValue(b.Process.Tags, trimmedKey), "service.name (90000 bytes)")) {
			t.Errorf("the process has %s", texts(b.Process.Tags))
		}
		for _, s := range b.Spans {
			found[s.SpanId] = s
		}
	}
	got := found[spanIDOf(contextOf(1).SpanID())]
	if got == nil || found[0] == nil {
		t.Fatalf("the spans are %v", found)
	}
	trimmed := tagValue(got.Tags, trimmedKey)
	for _, want := range []string{"the name (100000 bytes)", "db.params (100000 bytes)", "bytes (70000 bytes)", "log stack (200000 bytes)"} {
		if !strings.Contains(trimmed, want) {
			t.Errorf("the tag is %q, without %s", trimmed, want)
		}
	}
	params := tagValue(got.Tags, "db.params")
	if tagValue(got.Tags, "small") != "stays" || tagValue(got.Tags, "flag") != "bool true" || !utf8.ValidString(params) || len(params) < 5000 || !strings.HasSuffix(params, "é…") {
		t.Errorf("the values are %q, %q and %d bytes", tagValue(got.Tags, "small"), tagValue(got.Tags, "flag"), len(params))
	}
	got = found[spanIDOf(contextOf(2).SpanID())]
	if got == nil || len(got.Tags) < 500 || !strings.Contains(tagValue(got.Tags, droppedKey), "0 references") || tagValue(got.Tags, "key0") != "0" {
		t.Errorf("the span with many values is %.300v", got)
	}
}

// If nobody listens, the host reports it, and the error names the spans.
func TestUDPRefused(t *testing.T) {
	a := listen(t)
	a.conn.Close()
	e := open(t, a.url(), WithRetry(store.Retry{Elapsed: -1}), WithPause(time.Second))
	err := e.ExportSpans(t.Context(), manySpans(5, 10))
	var failure *exporter.SinkError
	if !errors.As(err, &failure) || len(failure.Missing) != 5 || len(failure.Refused) != 0 || !failure.Transient || !strings.Contains(err.Error(), "nobody listens on UDP port "+a.conn.LocalAddr().String()) {
		t.Errorf("the error is %+v", err)
	}
	if err := e.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "nobody listens") {
		t.Errorf("Ping says %v", err)
	}
}

// An agent that starts while the exporter tries gets all spans.
func TestUDPAgentStartsLater(t *testing.T) {
	a := listen(t)
	address := a.conn.LocalAddr().(*net.UDPAddr)
	a.conn.Close()
	tried := make(chan struct{}, 1)
	failed := func(error) {
		select {
		case tried <- struct{}{}:
		default:
		}
	}
	e := open(t, a.url(), WithPause(time.Second), WithRetry(store.Retry{Initial: time.Millisecond, Max: 20 * time.Millisecond, Failed: failed}))
	done := make(chan error, 1)
	go func() { done <- e.ExportSpans(context.Background(), manySpans(3, 10)) }()
	<-tried
	conn, err := net.ListenUDP("udp", address)
	if err != nil {
		t.Skip("another process has the port now:", err)
	}
	defer conn.Close()
	a.conn = conn
	a.read(3)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestUDPUnknownHost(t *testing.T) {
	e := open(t, "jaeger://no-such-host.invalid", WithRetry(store.Retry{Elapsed: -1}))
	err := e.ExportSpans(t.Context(), manySpans(2, 10))
	var failure *exporter.SinkError
	if !errors.As(err, &failure) || len(failure.Missing) != 2 || !strings.Contains(err.Error(), "cannot connect to Jaeger at no-such-host.invalid:6831 (UDP)") {
		t.Errorf("the error is %v", err)
	}
}

func TestShutdown(t *testing.T) {
	e := open(t, listen(t).url())
	if err := errors.Join(e.Shutdown(t.Context()), e.Shutdown(t.Context())); err != nil {
		t.Error(err)
	}
	if err := e.ExportSpans(t.Context(), manySpans(1, 1)); !errors.Is(err, exporter.ErrShutdown) {
		t.Error(err)
	}
	if err := e.Ping(t.Context()); !errors.Is(err, exporter.ErrShutdown) {
		t.Error(err)
	}
}

// A context that ends in the pause behind a datagram ends the pause, and the datagram
// was sent.
func TestUDPContextEndsInPause(t *testing.T) {
	a := listen(t)
	e := open(t, a.url())
	u := e.sender.(*udpSender)
	u.pause = 1000 * time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(100*time.Millisecond, cancel).Stop()
	if err := u.send(ctx, emptyBatch()); err != nil {
		t.Error(err)
	}
	u.lock <- struct{}{} // another one sends
	if err := u.send(ctx, emptyBatch()); err == nil {
		t.Error("a context that is done does not end the wait")
	}
	<-u.lock
}
