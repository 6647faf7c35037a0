package interop

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
	"github.com/osprofiler-otel/osprofiler/store"
)

//go:embed testdata/oslo_faults.py
var osloFaultsScript string

// An osloFault is a case in which a release of OpenStack's libraries loses or misplaces
// spans.
type osloFault struct {
	name    string // as in docs/mixed-cloud.md
	release string // the release in which it was observed
	does    string // the function of testdata/oslo_faults.py
	seen    map[string]any
	// tree has each span that reached the store, with its service, below its caller. The
	// id of the trace comes first if it is the trace of the request.
	tree string
}

const (
	osloMiddleware, osloMessaging, osprofilerLibrary = "oslo.middleware 8.2", "oslo.messaging 18.3", "osprofiler 4.4"

	ofRequest = "4bf92f3577b34da6a3ce929d0e0e4736" // the trace of the request in testdata/oslo_faults.py
	bothRPC   = "volume cinder-volume.create_volume\n volume create_volume receive\n"
)

var osloFaults = []osloFault{{
	name: "Spans of unsigned requests", release: osloMiddleware, does: "unsigned",
	seen: map[string]any{"traceparent sent on": "sampled"},
	tree: "volume HTTP GET /volumes\n",
}, {
	name: "Conductors and agents", release: osloMessaging, does: "rpc_alone",
	seen: map[string]any{
		"traceparent of the message": "", // neither its spans nor those of the next process are in the trace
		"warnings":                   []any{"Failed to set up tracing for send, skipping: AttributeError", "Failed to set up tracing for receive, skipping: AttributeError"},
	},
	tree: "",
}, {
	name: "The decision of the caller", release: osloMiddleware, does: "not_sampled",
	seen: map[string]any{"traceparent sent on": "sampled"},
	tree: ofRequest + ":\nvolume HTTP GET /volumes (its caller is missing)\n",
}, {
	// The span of the request is missing. Later work of the thread, which belongs to no
	// request, is in the trace of the request.
	name: "Handlers that raise", release: osloMiddleware, does: "handler_raises",
	seen: map[string]any{"error": "the handler raises", "traceparent of the message": "sampled"},
	tree: ofRequest + ":\nvolume cinder-volume.create_volume (its caller is missing)\n volume create_volume receive\n",
}, {
	name: "RPC methods that raise", release: osloMessaging, does: "rpc_raises",
	seen: map[string]any{"error of the caller": "ValueError", "traceparent of the message": "sampled"},
	tree: "volume cinder-volume.create_volume (failed)\n volume create_volume receive\n", // the receiver failed
}, {
	name: "From OpenTelemetry to osprofiler", release: osprofilerLibrary, does: "to_osprofiler",
	seen: map[string]any{"traced": false},
	tree: "",
}}

// osloWorks are cases without a fault, in which no span is lost. They prove that the test
// finds the spans that are stored.
var osloWorks = []osloFault{{
	name: "RPC behind the middleware", release: osloMessaging, does: "rpc_behind_middleware",
	seen: map[string]any{"traceparent of the message": "sampled"}, tree: bothRPC,
}, {
	name: "RPC with the exporter's module imported", release: osloMessaging, does: "rpc_with_exporter",
	seen: map[string]any{"traceparent of the message": "sampled"}, tree: bothRPC,
}}

// TestFaultsOfOslo shows, one by one, where the releases of oslo.middleware and
// oslo.messaging lose or misplace spans. It fails if a release no longer does.
func TestFaultsOfOslo(t *testing.T) {
	python := testenv.NewPython(t)
	for _, f := range slices.Concat(osloFaults, osloWorks) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			tree, seen, releases := osloTree(t, python, f.does)
			t.Logf("%s (seen in %s), now %v:\n%s", f.name, f.release, releases, tree)
			const changed = "no longer has this fault, or has another one; correct this table and docs/mixed-cloud.md"
			if diff := cmp.Diff(f.tree, tree); diff != "" {
				t.Errorf("%q of %s: the release %v %s (-want +got):\n%s", f.name, f.release, releases, changed, diff)
			}
			if diff := cmp.Diff(f.seen, seen); diff != "" {
				t.Errorf("%q of %s: the release %v %s (-want +got):\n%s", f.name, f.release, releases, changed, diff)
			}
		})
	}
}

// docs/mixed-cloud.md names the same faults as this test, in the same order.
func TestFaultsOfOsloAreOnThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/mixed-cloud.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## What these releases lose\n")
	var named, want []string
	for _, match := range regexp.MustCompile(`(?m)^- \*\*(.+?)\.\*\*`).FindAllStringSubmatch(section, -1) {
		named = append(named, match[1])
	}
	for _, f := range osloFaults {
		want = append(want, f.name)
	}
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("docs/mixed-cloud.md (-tested +page):\n%s", diff)
	}
}

// osloTree runs a function of testdata/oslo_faults.py. It returns the spans that reached
// the store by a receiver of OTLP, the observations of the function, and the releases.
func osloTree(t *testing.T, python, function string) (tree string, seen, releases map[string]any) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "store.db")
	at := "sqlite:///" + file
	s, err := store.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := otlpreceiver.Open("otlp+http://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	following, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	target := relay.ToStore(s)
	go func() {
		_, err := relay.Follow(following, []relay.Source{receiver}, []relay.Target{target})
		ended <- err
	}()
	cmd := exec.CommandContext(t.Context(), python, "-c", osloFaultsScript, function, "http://"+receiver.Addr().String())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, failed := cmd.Output()
	cancel()
	if err := errors.Join(failed, <-ended, receiver.Close(), target.Close(), s.Close()); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, stderr.String())
	}
	releases, _ = seen["releases"].(map[string]any)
	delete(seen, "releases")
	for name, value := range maps.All(seen) {
		if text, ok := value.(string); ok && strings.HasPrefix(name, "traceparent") && text != "" {
			flags, err := strconv.ParseUint(text[strings.LastIndexByte(text, '-')+1:], 16, 8)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			seen[name] = map[uint64]string{0: "not sampled", 1: "sampled"}[flags&1]
		}
	}
	if _, err := os.Stat(file); err == nil { // something was stored
		tree = storedTrees(t, at)
	}
	return tree, seen, releases
}

// storedTrees returns the spans of all traces of a store. The id of the trace of the
// request precedes the spans of that trace.
func storedTrees(t *testing.T, at string) string {
	t.Helper()
	r, err := reader.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b strings.Builder
	for s, err := range r.Traces(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if id := strings.ReplaceAll(s.BaseID, "-", ""); id == ofRequest {
			b.WriteString(id + ":\n")
		}
		writeTree(t, &b, r, s.BaseID)
	}
	return b.String()
}

func writeTree(t *testing.T, b *strings.Builder, r *reader.Reader, baseID string) {
	t.Helper()
	spans := map[string]sdktrace.ReadOnlySpan{}
	children := map[string][]string{}
	for s, err := range r.Spans(t.Context(), baseID) {
		if err != nil {
			t.Fatal(err)
		}
		id := s.SpanContext().SpanID().String()
		spans[id] = s
		children[s.Parent().SpanID().String()] = append(children[s.Parent().SpanID().String()], id)
	}
	var write func(id, indent string)
	write = func(id, indent string) {
		s := spans[id]
		service, _ := s.Resource().Set().Value("service.name")
		b.WriteString(indent + service.AsString() + " " + s.Name())
		if s.Parent().IsValid() && spans[s.Parent().SpanID().String()] == nil {
			b.WriteString(" (its caller is missing)")
		}
		if s.Status().Code == codes.Error {
			b.WriteString(" (failed)")
		}
		b.WriteString("\n")
		for _, child := range children[id] {
			write(child, indent+" ")
		}
	}
	for parent, ids := range children {
		if spans[parent] != nil {
			continue
		}
		for _, id := range ids { // one at most, in these traces
			write(id, "")
		}
	}
}
