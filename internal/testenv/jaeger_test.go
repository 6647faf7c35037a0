package testenv_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// Each version of Jaeger starts, accepts a span and shows it.
func TestJaeger(t *testing.T) {
	for i, v := range testenv.JaegerVersions {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			j := testenv.Jaeger(t, v)
			if (j.Compact != "") != v.TakesUDP() {
				t.Errorf("the UDP port is at %q", j.Compact)
			}
			id := fmt.Sprintf("%032x", time.Now().UnixNano()+int64(i))
			if _, ok := j.Trace(id); ok {
				t.Error("a trace exists before it was sent")
			}
			sendSpan(t, j, id)
			trace := j.AwaitTrace(id, 1)
			span := trace.Spans[0]
			process := trace.Processes[span.ProcessID]
			if span.Operation != "boot" || span.SpanID != "00000000000000ab" || span.StartTime != 1_700_000_000_000_001 || span.Duration != 2 || span.Parent() != "" || process.Service != "testenv-service" {
				t.Errorf("Jaeger has %+v of %+v", span, process)
			}
			if span.Tag("server.id") != "s1" || span.Tag("nothing") != nil || process.Tag("host.name") != "h1" {
				t.Errorf("Jaeger has the tags %+v and %+v", span.Tags, process.Tags)
			}
			if !slices.Contains(j.Services(), "testenv-service") {
				t.Errorf("Jaeger has the services %q", j.Services())
			}
		})
	}
}

func sendSpan(t *testing.T, j *testenv.JaegerServer, id string) {
	t.Helper()
	body := fmt.Sprintf(`{"resourceSpans":[{"resource":{"attributes":[
		{"key":"service.name","value":{"stringValue":"testenv-service"}},{"key":"host.name","value":{"stringValue":"h1"}}]},
		"scopeSpans":[{"spans":[{"traceId":%q,"spanId":"00000000000000ab","name":"boot","kind":1,
		"startTimeUnixNano":"1700000000000001000","endTimeUnixNano":"1700000000000003000",
		"attributes":[{"key":"server.id","value":{"stringValue":"s1"}}]}]}]}]}`, id)
	answer, err := http.Post("http://"+j.OTLPHTTP+"/v1/traces", "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
}

// A server for a single test runs with its own arguments, and has the same ports after a
// restart.
func TestStartJaeger(t *testing.T) {
	t.Parallel()
	s := testenv.StartJaeger(t, testenv.JaegerAllInOne162, "--memory.max-traces=1")
	j := s.Jaeger()
	sendSpan(t, j, "000000000000000000000000000000a1")
	j.AwaitTrace("000000000000000000000000000000a1", 1)
	sendSpan(t, j, "000000000000000000000000000000a2")
	j.AwaitTrace("000000000000000000000000000000a2", 1)
	if _, ok := j.Trace("000000000000000000000000000000a1"); ok {
		t.Error("the argument had no effect")
	}
	s.Restart()
	if again := s.Jaeger(); *again != *j {
		t.Errorf("after the restart the addresses are %+v, before they were %+v", again, j)
	}
	sendSpan(t, j, "000000000000000000000000000000a3")
	j.AwaitTrace("000000000000000000000000000000a3", 1)
}
