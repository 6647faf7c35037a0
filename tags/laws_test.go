package tags_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/tags"
)

var (
	allConventions = []tags.Conventions{tags.Stable, tags.Old, tags.Both}
	allCalls       = []tags.Call{tags.Other, tags.HTTPServer, tags.HTTPClient, tags.DB, tags.RPC, tags.Function}
)

type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkLaws converts start and stop to one list of attributes, as a span has them, and checks
// that both are restored.
func checkLaws(t reporter, call tags.Call, start, stop osprofiler.Info, c tags.Conventions) {
	t.Helper()
	attrs, startRest := tags.StartAttributes(nil, call, start, c)
	alone := tags.Merge(startRest, tags.StartInfo(call, attrs))
	attrs, stopRest := tags.StopAttributes(attrs, call, stop, c)
	failure, stopRest, failed := tags.FailureOfInfo(stopRest)
	var failureInfo osprofiler.Info
	if failed {
		attrs = append(attrs, failure.Attributes(c)...)
		again, ok := tags.FailureOfSpan(failure.Status(), attrs, failure.Events(time.Now(), c))
		if !ok || again != failure {
			t.Fatalf("the failure %v came back as %v, %v", failure, again, ok)
		}
		failureInfo = again.Info()
	}
	checkUTF8(t, attrs)
	back := func(call tags.Call) (osprofiler.Info, osprofiler.Info) {
		return tags.Merge(startRest, tags.StartInfo(call, attrs)), tags.Merge(stopRest, tags.StopInfo(call, attrs), failureInfo)
	}
	startBack, stopBack := back(call)
	same(t, "start alone", start, alone, attrs)
	same(t, "start", start, startBack, attrs)
	same(t, "stop", stop, stopBack, attrs)
	if call != tags.CallOfInfo("rpc", start) && call != tags.CallOfInfo("other", start) {
		return // the infos do not describe this kind of call
	}
	startBack, stopBack = back(tags.CallOfSpan(call.SpanKind(), attrs))
	same(t, "start by the span's call", start, startBack, attrs)
	same(t, "stop by the span's call", stop, stopBack, attrs)
}

func checkUTF8(t reporter, attrs []attribute.KeyValue) {
	t.Helper()
	for _, kv := range attrs {
		if s := kv.Value.AsString(); s != strings.ToValidUTF8(s, "") {
			t.Fatalf("%s is no UTF-8: %q", kv.Key, s)
		}
	}
}

func same(t reporter, what string, want, got osprofiler.Info, attrs []attribute.KeyValue) {
	t.Helper()
	if want != got && !pyjson.Equal(text(want), text(got)) {
		t.Fatalf("%s changed\nfrom %s\nto   %s\nby   %v", what, want, got, attrs)
	}
}

func text(info osprofiler.Info) string {
	if info == "" {
		return "{}"
	}
	return string(info)
}

func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start, stop := genStart.Draw(t, "start"), genStop.Draw(t, "stop")
		if err := start.Validate(); err != nil {
			t.Fatal(err)
		}
		for _, c := range allConventions {
			for _, call := range allCalls {
				checkLaws(t, call, start, stop, c)
			}
		}
	})
}

// The laws are also true for URLs that are split differently than they were joined.
func TestLawsOnHostileURLs(t *testing.T) {
	for _, scheme := range []string{"http", "https", "ftp", "", "x://h:9/", "FTP"} {
		for _, host := range []string{"h", "::1", "h:9", "a?b", "u@h", "]:9"} {
			for _, path := range []string{"/", "/a?b", ":99", "", "@h:9", "//h:9/"} {
				for _, query := range []string{"", "q", "?#"} {
					for _, port := range []string{`""`, "0", "80", "99", "-1", "null"} {
						var info []byte
						for i, kv := range [][2]string{{"method", "GET"}, {"path", path}, {"query", query}, {"scheme", scheme}, {"hostname", host}} {
							info = append(info, [2]string{`{"requests": {"`, `", "`}[min(i, 1)]...)
							info = append(append(append(info, kv[0]...), `": "`...), kv[1]...)
						}
						info = append(info, `", "port": `+port+`}}`...)
						for _, c := range allConventions {
							checkLaws(t, tags.HTTPClient, osprofiler.Info(info), "", c)
						}
					}
				}
			}
		}
	}
}

// The laws are true for each notification of the reference traces, combined with each that
// follows it.
func TestLawsOnRealTraces(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "reader", "testdata", "openstack", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal("no reference traces", err)
	}
	said := 0
	for _, name := range files {
		var last osprofiler.Info
		for _, line := range linesOf(t, name) {
			n, err := osprofiler.ParseNotification(line)
			if err != nil {
				t.Fatal(err)
			}
			call := tags.CallOfInfo(n.Operation(), n.Info)
			for _, c := range allConventions {
				checkLaws(t, call, n.Info, last, c)
				checkLaws(t, call, last, n.Info, c)
			}
			last = n.Info
			if _, rest := tags.StartAttributes(nil, call, n.Info, tags.Stable); call != tags.Other {
				said++
				if member, ok := rest.Get("db"); ok && n.Half() == osprofiler.Start {
					t.Errorf("a real member was not said exactly: %.200s", member)
				}
			}
		}
	}
	if said < 400 {
		t.Errorf("only %d real calls were seen", said)
	}
}

func linesOf(t testing.TB, name string) (lines []string) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<24)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	if scanner.Err() != nil {
		t.Fatal(scanner.Err())
	}
	return lines
}

// The old set equals the captured output of the OTLP driver of the Python library 4.4.0 for
// the same notifications.
func TestOldIsPythons(t *testing.T) {
	for _, line := range linesOf(t, filepath.Join("testdata", "python_otlp.jsonl")) {
		var g struct {
			Operation   string
			Start, Stop json.RawMessage
			Attributes  map[string]any
			Events      []struct {
				Name       string
				Attributes map[string]any
			}
		}
		if err := json.Unmarshal([]byte(line), &g); err != nil {
			t.Fatal(err)
		}
		start, stop := osprofiler.Info(g.Start), osprofiler.Info(g.Stop)
		call := tags.CallOfInfo(g.Operation, start)
		for _, c := range allConventions {
			checkLaws(t, call, start, stop, c)
		}
		attrs, _ := tags.StartAttributes(nil, call, start, tags.Old)
		attrs, rest := tags.StopAttributes(attrs, call, stop, tags.Old)
		f, _, failed := tags.FailureOfInfo(rest)
		if failed {
			attrs = append(attrs, f.Attributes(tags.Old)...)
		}
		if diff := cmp.Diff(floats(g.Attributes), floats(asMap(t, attrs))); diff != "" {
			t.Errorf("%s (-Python's +ours):\n%s", g.Start, diff)
		}
		if failed != (len(g.Events) == 1) {
			t.Fatalf("%s: failed %v, %d events", g.Stop, failed, len(g.Events))
		}
		if !failed {
			continue
		}
		event := f.Events(time.Now(), tags.Old)[0]
		want := g.Events[0].Attributes
		if _, ok := want["message"].(string); !ok {
			delete(want, "message") // message is always a string in our set
			event.Attributes = event.Attributes[:1]
		}
		if diff := cmp.Diff(want, asMap(t, event.Attributes)); diff != "" || event.Name != g.Events[0].Name {
			t.Errorf("event %s (-Python's +ours):\n%s", event.Name, diff)
		}
	}
}

// floats turns integers into the type that encoding/json reads.
func floats(m map[string]any) map[string]any {
	for k, v := range m {
		if n, ok := v.(int64); ok {
			m[k] = float64(n)
		}
	}
	return m
}
