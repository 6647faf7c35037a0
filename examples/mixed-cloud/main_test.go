package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// oslo.middleware and oslo.messaging name spans so, otelhttp and otelsql so.
	jaegerTree = `nova-api wsgi
 nova-api compute
  nova-metadata GET
   nova-metadata HTTP GET
    cinder-volume HTTP GET /volumes
     cinder-volume cinder-volume.create_volume
      cinder-volume create_volume receive
   nova-metadata sql.conn.query
`
	operations = 8
)

// One signed request is one trace in Redis, by the Python tool and by ours, and the same
// one in Jaeger.
func TestOneTrace(t *testing.T) {
	tree := treeOfPage(t)
	c := config{store: testenv.RedisDB(t), python: testenv.NewPython(t), folder: "."}
	jaeger := testenv.Jaeger(t, testenv.Jaeger176)
	c.otlp = "otlp+grpc://" + jaeger.OTLPGRPC
	var out bytes.Buffer
	if err := run(t.Context(), &out, &c); err != nil {
		t.Fatal(err)
	}
	_, id, _ := strings.Cut(strings.TrimSpace(out.String()), "The same trace by OTLP: ")
	u, ok := osprofiler.ParseUUID(id)
	if !ok {
		t.Fatal(out.String())
	}
	baseID := u.String()

	r, err := reader.Open(t.Context(), c.store)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	report, err := r.Report(t.Context(), baseID)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tree, treeOf(t, text)); diff != "" {
		t.Errorf("our report (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tree, treeOf(t, pythonReport(t, &c, baseID))); diff != "" {
		t.Errorf("the report of the Python tool (-want +got):\n%s", diff)
	}
	trace := jaeger.AwaitTrace(id, operations)
	if diff := cmp.Diff(jaegerTree, jaegerTreeOf(&trace)); diff != "" {
		t.Errorf("Jaeger (-want +got):\n%s", diff)
	}
	checkRequestID(t, r, baseID)
}

// treeOfPage returns the tree of the request as docs/mixed-cloud.md shows it: each
// operation, with its service, below its caller.
func treeOfPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/mixed-cloud.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```text test=examples/mixed-cloud/main_test.go\n")
	block, _, ok := strings.Cut(block, "```")
	if !ok {
		t.Fatal("docs/mixed-cloud.md does not show the tree")
	}
	return block
}

// pythonReport returns the JSON report of the Python tool.
func pythonReport(t *testing.T, c *config, baseID string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.python, "-m", "osprofiler.cmd.shell", "trace", "show", "--json", "--connection-string", c.store, baseID)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A node is one of a report.
type node struct {
	Info struct {
		Name, Service string
	}
	Children []node
}

func treeOf(t *testing.T, report []byte) string {
	t.Helper()
	var root node
	if err := json.Unmarshal(report, &root); err != nil {
		t.Fatalf("%v: %.200s", err, report)
	}
	var b strings.Builder
	for i := range root.Children {
		root.Children[i].write(&b, "")
	}
	return b.String()
}

// write orders siblings by their names, because the tools compare milliseconds.
func (n *node) write(b *strings.Builder, indent string) {
	slices.SortFunc(n.Children, func(a, b node) int { return strings.Compare(a.Info.Name, b.Info.Name) })
	b.WriteString(indent + n.Info.Service + " " + n.Info.Name + "\n")
	for i := range n.Children {
		n.Children[i].write(b, indent+" ")
	}
}

// jaegerTreeOf orders siblings by their names.
func jaegerTreeOf(trace *testenv.JaegerTrace) string {
	slices.SortFunc(trace.Spans, func(a, b testenv.JaegerSpan) int { return strings.Compare(a.Operation, b.Operation) })
	var b strings.Builder
	var write func(parent, indent string)
	write = func(parent, indent string) {
		for i := range trace.Spans {
			if s := &trace.Spans[i]; s.Parent() == parent {
				b.WriteString(indent + trace.Processes[s.ProcessID].Service + " " + s.Operation + "\n")
				write(s.SpanID, indent+" ")
			}
		}
	}
	write("", "")
	return b.String()
}

// checkRequestID checks that the trace is found by the request id that oslo.middleware
// gave to the request.
func checkRequestID(t *testing.T, r *reader.Reader, baseID string) {
	t.Helper()
	ids := map[string]bool{}
	for span, err := range r.Spans(t.Context(), baseID) {
		if err != nil {
			t.Fatal(err)
		}
		for _, kv := range span.Attributes() {
			if kv.Key == "openstack.request_id" {
				ids[kv.Value.AsString()] = true
			}
		}
	}
	if len(ids) != 1 {
		t.Fatalf("the spans have the request ids %v, want one", ids)
	}
	for id := range ids {
		found := 0
		for s, err := range r.Traces(t.Context(), store.Query{RequestID: id}) {
			if err != nil || s.BaseID != baseID {
				t.Fatal(s, err)
			}
			found++
		}
		if found != 1 {
			t.Errorf("%d traces mention %s, want one", found, id)
		}
	}
}
