package otlp_test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter/otlp"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

//go:embed testdata/driver.py
var driver string

// bySpanID returns the spans that a collector has, and the service of each.
func (c *collector) bySpanID(t *testing.T) (spans map[string]*tracepb.Span, services map[string]string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	spans, services = map[string]*tracepb.Span{}, map[string]string{}
	for _, r := range c.requests {
		for _, rs := range r.GetResourceSpans() {
			for _, ss := range rs.GetScopeSpans() {
				for _, s := range ss.GetSpans() {
					id := string(s.GetSpanId())
					if spans[id] != nil {
						t.Errorf("the span %x came twice", id)
					}
					spans[id], services[id] = s, attributes(rs.GetResource().GetAttributes())["service.name"]
				}
			}
		}
	}
	return spans, services
}

// capturedNotifications returns the notifications of keystone that a real bus had.
func capturedNotifications(t *testing.T) (all []osprofiler.Notification) {
	t.Helper()
	text, err := os.ReadFile("../../internal/interop/testdata/openstack/18-keystone-messaging.amqp.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var envelope struct{ Payload json.RawMessage }
		if err := json.Unmarshal([]byte(line), &envelope); err != nil {
			t.Fatal(err)
		}
		n, err := osprofiler.ParseNotification(string(envelope.Payload))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// shapes returns notifications with each kind of info that the Python library makes.
func shapes(t *testing.T) (all []osprofiler.Notification) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/payload-shapes.json")
	if err != nil {
		t.Fatal(err)
	}
	var kinds map[string]json.RawMessage
	if err := json.Unmarshal(text, &kinds); err != nil {
		t.Fatal(err)
	}
	const base = "a0000000-0000-4000-8000-000000000001"
	compact := func(text []byte) string {
		var line bytes.Buffer
		if err := json.Compact(&line, text); err != nil {
			t.Fatal(err)
		}
		return line.String()
	}
	for _, kind := range []string{"decorator_and_context_manager", "sqlalchemy_tracing", "requests_tracing"} {
		var payloads []struct {
			Name string
			Info json.RawMessage
		}
		if err := json.Unmarshal(kinds[kind], &payloads); err != nil {
			t.Fatal(err)
		}
		var open []string // ids of operations that have started
		for _, p := range payloads {
			parent := base
			if strings.HasSuffix(p.Name, "-start") {
				open = append(open, fmt.Sprintf("a0000000-0000-4000-8000-%012x", 0x100+len(all)))
			}
			if len(open) > 1 {
				parent = open[len(open)-2]
			}
			all = append(all, osprofiler.Notification{
				Name: p.Name, BaseID: base, TraceID: open[len(open)-1], ParentID: parent, Project: "keystone", Service: "public",
				Timestamp: fmt.Sprintf("2026-01-01T00:00:00.%06d", len(all)), Info: osprofiler.Info(compact(p.Info)),
			})
			if strings.HasSuffix(p.Name, "-stop") {
				open = open[:len(open)-1]
			}
		}
	}
	return all
}

// spansOf pairs notifications and returns their spans.
func spansOf(all []osprofiler.Notification) (spans []sdktrace.ReadOnlySpan) {
	starts := map[string]*osprofiler.Notification{}
	for i := range all {
		n := &all[i]
		if strings.HasSuffix(n.Name, "-start") {
			starts[n.TraceID] = n
			continue
		}
		spans = append(spans, convert.SpanOf(starts[n.TraceID], n))
	}
	return spans
}

// byPython returns what the Python library's driver sends for notifications.
func byPython(t *testing.T, all []osprofiler.Notification, prefix string) *collector {
	t.Helper()
	c := &collector{}
	var lines strings.Builder
	for i := range all {
		lines.WriteString(all[i].JSON() + "\n")
	}
	command := exec.CommandContext(t.Context(), testenv.NewPython(t), "-c", driver, "otlp://"+c.overHTTP(t, nil), "keystone", "public", prefix)
	command.Stdin = strings.NewReader(lines.String())
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("the Python library's driver: %v\n%s", err, out)
	}
	return c
}

// The newest Python library's driver and ours send the same ids, parents and service
// names for the same notifications.
func TestAsPython(t *testing.T) {
	for prefix, all := range map[string][]osprofiler.Notification{"": capturedNotifications(t), "west": shapes(t)} {
		t.Run(prefix, func(t *testing.T) {
			python := byPython(t, all, prefix)
			ours := &collector{}
			e := open(t, "otlp://"+ours.overHTTP(t, nil), otlp.WithServiceNamePrefix(prefix))
			if err := e.ExportSpans(t.Context(), spansOf(all)); err != nil {
				t.Fatal(err)
			}
			compare(t, python, ours, prefix == "") // keystone has threads
		})
	}
}

func compare(t *testing.T, python, ours *collector, threads bool) {
	t.Helper()
	want, wantServices := python.bySpanID(t)
	got, services := ours.bySpanID(t)
	if len(got) != len(want) || len(want) == 0 {
		t.Errorf("%d spans, and Python has %d", len(got), len(want))
	}
	for id, p := range want {
		s := got[id]
		switch {
		case s == nil:
			t.Errorf("the span %x is missing", id)
		case !bytes.Equal(s.GetTraceId(), p.GetTraceId()) || !bytes.Equal(s.GetParentSpanId(), p.GetParentSpanId()):
			t.Errorf("the span %x of the trace %x has the parent %x, want %x and %x", id, s.GetTraceId(), s.GetParentSpanId(), p.GetTraceId(), p.GetParentSpanId())
		case services[id] != wantServices[id]:
			t.Errorf("the span %x has the service %q, want %q", id, services[id], wantServices[id])
		default:
			compareTags(t, p, s, threads)
		}
	}
}
