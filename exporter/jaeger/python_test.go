package jaeger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	_ "github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// createSpanTags prints the tags that the driver of the Python library makes for each start.
const createSpanTags = `
import importlib, json, sys
driver = importlib.import_module("osprofiler.drivers." + sys.argv[1])
tags = getattr(driver, sys.argv[2]).create_span_tags
for line in sys.stdin:
    payload = json.loads(line)
    if payload["name"].endswith("-start"):
        print(json.dumps({"trace_id": payload["trace_id"], "tags": tags(None, payload)}))
`

// The spans of real traces have every tag that create_span_tags of the Python library
// makes, with the same value. Python's driver for Jaeger knows no requests, and the newest
// version of the library has this function only in its driver for OTLP.
func TestCreateSpanTags(t *testing.T) {
	for name, python := range map[string]struct{ path, module, class string }{
		"Jaeger": {testenv.Python(t), "jaeger", "Jaeger"},
		"OTLP":   {testenv.NewPython(t), "otlp", "OTLP"},
	} {
		t.Run(name, func(t *testing.T) {
			paths := traces(t)
			tags, compared := pythonTags(t, paths, python.path, python.module, python.class), 0
			for _, path := range paths {
				compared += compareTags(t, path, tags)
			}
			t.Logf("%d tags are equal", compared)
			if compared < 500 {
				t.Errorf("only %d tags were compared", compared)
			}
		})
	}
}

func traces(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../../reader/testdata/openstack/*.jsonl")
	if err != nil || len(paths) == 0 {
		t.Fatal("no traces", err)
	}
	return paths
}

// pythonTags returns Python's tags by the trace id of the notification.
func pythonTags(t *testing.T, paths []string, command ...string) map[string]map[string]any {
	t.Helper()
	var content []byte
	for _, path := range paths {
		one, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		content = append(content, one...)
	}
	cmd := exec.Command(command[0], "-c", createSpanTags, command[1], command[2])
	cmd.Stdin = bytes.NewReader(content)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	all := map[string]map[string]any{}
	for line := range strings.Lines(string(out)) {
		var one struct {
			TraceID string         `json:"trace_id"`
			Tags    map[string]any `json:"tags"`
		}
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&one); err != nil {
			t.Fatal(err)
		}
		all[one.TraceID] = one.Tags
	}
	return all
}

func compareTags(t *testing.T, path string, python map[string]map[string]any) (compared int) {
	t.Helper()
	ours := map[string]*jaeger.Span{}
	for _, s := range spansOf(t, path) {
		for _, n := range converter().Append(nil, convert.Both, s) {
			ours[n.TraceID] = spanOf(s)
		}
	}
	for id, span := range ours {
		for key, value := range python[id] {
			if value == nil {
				continue // a port that is not known
			}
			compared++
			if got := tagValue(span.Tags, key); got != fmt.Sprint(value) {
				t.Errorf("%s: the tag %s of %s is %q, Python's is %q", path, key, id, got, value)
			}
		}
	}
	return compared
}

func tagValue(tags []*jaeger.Tag, key string) string {
	for _, tag := range tags {
		if tag.Key == key {
			_, value, _ := strings.Cut(text(tag), "=")
			return strings.TrimPrefix(value, "long ")
		}
	}
	return "nothing"
}

// spansOf returns the spans that the reader makes of a file with one trace.
func spansOf(t testing.TB, path string) (spans []sdktrace.ReadOnlySpan) {
	t.Helper()
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := reader.Open(t.Context(), "file://"+absolute)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var first struct {
		BaseID string `json:"base_id"`
	}
	line, _, _ := strings.Cut(string(content), "\n")
	decodeJSON(t, line, &first)
	for s, err := range r.Spans(t.Context(), first.BaseID) {
		if err != nil {
			t.Fatal(err)
		}
		spans = append(spans, s)
	}
	return spans
}
