package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// A JaegerServer has the addresses (host:port) of a Jaeger server, and shows a test the
// traces that the server holds.
type JaegerServer struct {
	Query    string // of the HTTP API
	OTLPGRPC string
	OTLPHTTP string
	Thrift   string // of the collector's endpoint for thrift over HTTP, /api/traces
	Compact  string // of the UDP port for compact thrift; "" if the server has none
	t        testing.TB
}

// JaegerAt returns the server of a location, as [JaegerLocation] returns it.
func JaegerAt(t testing.TB, location string) *JaegerServer {
	t.Helper()
	return jaegerAt(t, location)
}

func jaegerAt(t testing.TB, location string) *JaegerServer {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	address := func(name, standard string) string {
		switch port, said := q[name]; {
		case !said:
			return net.JoinHostPort(u.Hostname(), standard)
		case port[0] == "":
			return ""
		default:
			return net.JoinHostPort(u.Hostname(), port[0])
		}
	}
	return &JaegerServer{
		Query: u.Host, OTLPGRPC: address("otlp_grpc", "4317"), OTLPHTTP: address("otlp_http", "4318"),
		Thrift: address("thrift", "14268"), Compact: address("compact", "6831"), t: t,
	}
}

// A JaegerTrace is a trace as the HTTP API returns it.
type JaegerTrace struct {
	TraceID   string                   `json:"traceID"`
	Spans     []JaegerSpan             `json:"spans"`
	Processes map[string]JaegerProcess `json:"processes"`
	Warnings  []string                 `json:"warnings"`
}

// A JaegerSpan is a span of a JaegerTrace.
type JaegerSpan struct {
	TraceID    string            `json:"traceID"`
	SpanID     string            `json:"spanID"`
	Operation  string            `json:"operationName"`
	References []JaegerReference `json:"references"`
	Flags      uint32            `json:"flags"`
	StartTime  int64             `json:"startTime"` // microseconds since 1970
	Duration   int64             `json:"duration"`  // microseconds
	Tags       []JaegerTag       `json:"tags"`
	Logs       []JaegerLog       `json:"logs"`
	ProcessID  string            `json:"processID"`
	Warnings   []string          `json:"warnings"`
}

// A JaegerReference names another span. Type is CHILD_OF or FOLLOWS_FROM.
type JaegerReference struct {
	Type    string `json:"refType"`
	TraceID string `json:"traceID"`
	SpanID  string `json:"spanID"`
}

// A JaegerProcess is a process that sent spans.
type JaegerProcess struct {
	Service string      `json:"serviceName"`
	Tags    []JaegerTag `json:"tags"`
}

// A JaegerLog is an event of a span.
type JaegerLog struct {
	Timestamp int64       `json:"timestamp"` // microseconds since 1970
	Fields    []JaegerTag `json:"fields"`
}

// A JaegerTag is a typed tag. Type is string, bool, int64, float64 or binary. Value is a
// string, a bool or a json.Number. The string of a binary tag is in base64.
type JaegerTag struct {
	Key   string `json:"key"`
	Type  string `json:"type"`
	Value any    `json:"value"`
}

// Parent returns the id of the parent, or "" if the span has none.
func (s *JaegerSpan) Parent() string {
	for _, r := range s.References {
		if r.Type == "CHILD_OF" && r.TraceID == s.TraceID {
			return r.SpanID
		}
	}
	return ""
}

// Tag returns the value of a tag. It returns nil if the span does not have it.
func (s *JaegerSpan) Tag(key string) any { return jaegerTag(s.Tags, key) }

// Tag returns the value of a tag. It returns nil if the process does not have it.
func (p *JaegerProcess) Tag(key string) any { return jaegerTag(p.Tags, key) }

func jaegerTag(tags []JaegerTag, key string) any {
	for _, tag := range tags {
		if tag.Key == key {
			return tag.Value
		}
	}
	return nil
}

// Trace returns the trace with an id (32 hexadecimal digits) as it is stored, without
// Jaeger's adjustments. ok is false if the server has no such trace.
func (j *JaegerServer) Trace(id string) (trace JaegerTrace, ok bool) {
	j.t.Helper()
	var traces []JaegerTrace
	status := j.get("/api/traces/"+url.PathEscape(id)+"?raw=true", &traces)
	if status == http.StatusNotFound || len(traces) == 0 {
		return trace, false
	}
	return traces[0], true
}

// AwaitTrace waits until the trace with an id has the given number of spans, and returns
// the trace. Jaeger stores spans after it has answered, and UDP has no answer. The test
// fails if the spans do not come.
func (j *JaegerServer) AwaitTrace(id string, spans int) JaegerTrace {
	j.t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		trace, _ := j.Trace(id)
		if len(trace.Spans) >= spans {
			return trace
		}
		if time.Since(began) > patience {
			j.t.Fatalf("Jaeger has %d of the %d spans of trace %s", len(trace.Spans), spans, id)
		}
	}
}

// Services returns the names of the services that sent spans.
func (j *JaegerServer) Services() (names []string) {
	j.t.Helper()
	j.get("/api/services", &names)
	return names
}

// get reads the data of an answer of the HTTP API, and returns the status. It fails the
// test unless the status is 200 or 404.
func (j *JaegerServer) get(path string, data any) (status int) {
	j.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+j.Query+path, http.NoBody)
	if err != nil {
		j.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		j.t.Fatal(err)
	}
	defer answer.Body.Close()
	var body struct {
		Data   json.RawMessage `json:"data"`
		Errors json.RawMessage `json:"errors"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		j.t.Fatal(fmt.Errorf("GET %s: %s: %w", path, answer.Status, err))
	}
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNotFound {
		j.t.Fatalf("GET %s: %s: %s", path, answer.Status, body.Errors)
	}
	d := json.NewDecoder(bytes.NewReader(body.Data))
	d.UseNumber()
	if err := d.Decode(data); err != nil {
		j.t.Fatal(fmt.Errorf("GET %s: %w", path, err))
	}
	return answer.StatusCode
}
