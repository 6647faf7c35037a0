package browsertest

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// openStackTraces are ten traces of real OpenStack services, as saved reports.
func openStackTraces(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../../reader/testdata/openstack/*.report.json")
	if err != nil {
		t.Fatal(err)
	}
	paths = append(paths, "../interop/testdata/openstack/18-keystone-messaging.report.json")
	if len(paths) != 10 {
		t.Fatalf("%d traces of OpenStack, want 10", len(paths))
	}
	return paths
}

func parse(t *testing.T, path string) *reader.Report {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := reader.ParseReport(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// volume is the trace that tests of interactions use: 49 operations of three services.
func volume(t *testing.T) *reader.Report {
	t.Helper()
	return parse(t, "../../reader/testdata/openstack/09-cinder-volume-create.report.json")
}

func build(t testing.TB, notifications iter.Seq2[osprofiler.Notification, error]) *reader.Report {
	t.Helper()
	r, err := reader.BuildReport(notifications)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const baseID = "5e0cf2a6-0000-4000-8000-000000000000"

// id returns the id of the operation with a number. A negative number stands for the trace.
func id(i int) string {
	if i < 0 {
		return baseID
	}
	random := rand.New(rand.NewPCG(uint64(i), 0))
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", random.Uint32(), random.Uint32()>>16, random.Uint32()>>20, random.Uint32()>>20, random.Uint64()>>16)
}

// An operation is one operation of a generated trace.
type operation struct {
	name, service string
	parent        int
	begin, end    time.Duration
	start, stop   osprofiler.Info
	half          string // "start" or "stop" if only that one exists
}

var began = time.Date(2026, 11, 22, 7, 20, 5, 0, time.UTC)

// notifications yields the notifications of operations. Operation i has the id id(i).
func notifications(operations iter.Seq[operation]) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		i := 0
		for op := range operations {
			n := osprofiler.Notification{BaseID: baseID, TraceID: id(i), ParentID: id(op.parent), Project: "nova", Service: op.service}
			for _, half := range []string{"start", "stop"} {
				if op.half != "" && op.half != half {
					continue
				}
				n.Name, n.Info, n.Timestamp = op.name+"-"+half, op.start, osprofiler.FormatTime(began.Add(op.begin))
				if half == "stop" {
					n.Info, n.Timestamp = op.stop, osprofiler.FormatTime(began.Add(op.end))
				}
				if n.Info == "" {
					n.Info = `{"host": "compute-1"}`
				}
				if !yield(n, nil) {
					return
				}
			}
			i++
		}
	}
}

// largeTrace yields a trace of count operations: requests, each with RPC calls, each
// with statements. Ids and times are random, as in a real trace, because random data
// compresses badly.
func largeTrace(count int) iter.Seq[operation] {
	return func(yield func(operation) bool) {
		at, random := time.Duration(0), rand.New(rand.NewPCG(1, 2))
		const perRequest, perCall = 100, 10
		request, call := 0, 0
		for i := range count {
			at += time.Duration(20+random.IntN(34)) * time.Microsecond
			op := operation{service: "nova-api", parent: -1, begin: at}
			switch {
			case i%perRequest == 0:
				request, op.name = i, "wsgi"
				op.end = at + perRequest*54*time.Microsecond
				op.start = osprofiler.Info(fmt.Sprintf(`{"request": {"path": "/v2.1/servers/%d", "query": "", "method": "GET", "scheme": "http"}, "host": "controller"}`, i))
			case i%perCall == 1:
				call, op.name, op.parent, op.service = i, "rpc", request, "nova-compute"
				op.end = at + perCall*54*time.Microsecond
				op.start = `{"function": {"name": "nova.compute.manager.ComputeManager.build", "args": "", "kwargs": ""}, "host": "compute-1"}`
			default:
				op.name, op.parent, op.service = "db", call, "nova-conductor"
				op.end = at + time.Duration(10+random.IntN(38))*time.Microsecond
				op.start = osprofiler.Info(fmt.Sprintf(`{"db": {"statement": "SELECT instances.id, instances.uuid FROM instances WHERE instances.id = %%(id_1)s AND instances.deleted = 0", "params": {"id_1": %d}}, "host": "conductor"}`, i))
			}
			if i%1009 == 8 {
				op.stop = `{"etype": "DBError", "message": "lost connection", "host": "conductor"}`
			}
			if !yield(op) {
				return
			}
		}
	}
}

// deepTrace yields a chain of operations.
func deepTrace(levels int) iter.Seq[operation] {
	return func(yield func(operation) bool) {
		for i := range levels {
			at := time.Duration(i) * time.Microsecond
			if !yield(operation{name: fmt.Sprintf("level%d", i), service: "deep", parent: i - 1, begin: at, end: 2*time.Duration(levels)*time.Microsecond - at}) {
				return
			}
		}
	}
}

// hostileTexts are texts that would act as markup, scripts or links, or would change the
// writing direction, if the page did not treat them as plain text.
var hostileTexts = []string{
	`<script>document.title="broken"</script>`, `</script><script>alert(1)</script>`, `<img src=x onerror="document.title='broken'">`,
	`javascript:alert(1)`, `"quoted" 'text' <b>&amp;</b>`, "right\u202Eto left\u2066x\u2069", "zero\u200Bwidth\u2060\uFEFF", `<!--<script>`, `]]>`,
	"line\nfeed\ttab\rreturn", "\u2028\u2029", "${document.title='broken'}", "{{constructor.constructor('document.title=1')()}}",
	"العربية עברית", "日本語のテキスト", "😀👩‍👩‍👧", "é" + strings.Repeat("\u0301", 50), `url(http://127.0.0.1:1/x)`, `http://127.0.0.1:1/`,
}

// hostileTrace yields operations whose every text is one of hostileTexts.
func hostileTrace(t *testing.T) iter.Seq[operation] {
	t.Helper()
	return func(yield func(operation) bool) {
		for i, text := range hostileTexts {
			info := func(values map[string]any) osprofiler.Info {
				values["host"], values[text] = text, text
				info, err := osprofiler.NewInfo(values)
				if err != nil {
					t.Fatal(err)
				}
				return info
			}
			at := time.Duration(i) * time.Millisecond
			kinds := []map[string]any{
				{"db": map[string]any{"statement": text, "params": map[string]any{text: text}}},
				{"request": map[string]any{"method": text, "path": text, "query": text, "scheme": text}},
				{"requests": map[string]any{"method": text, "hostname": text, "path": text, "scheme": text}},
				{"function": map[string]any{"name": text, "args": text, "kwargs": text}},
			}
			if !yield(operation{
				name: text, service: text, parent: i/4 - 1, begin: at, end: at + 20*time.Millisecond,
				start: info(kinds[i%4]), stop: info(map[string]any{"etype": text, "message": text}),
			}) {
				return
			}
		}
	}
}
