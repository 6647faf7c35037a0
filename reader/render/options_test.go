package render_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader/render"
)

// All real traces and a hostile one are drawn in ASCII, within the width.
func TestASCII(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(traces, "*.jsonl"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		for _, columns := range []int{60, 80, 200} {
			got := text(t, build(t, lines(t, path)), render.WithWidth(columns), render.WithASCII(true), render.WithVerbose(true))
			checkASCII(t, got)
			checkLines(t, got, columns)
		}
	}
	for _, name := range []string{"日本語日本語日本語日本語日本語日本語日本語日本語日本語", "│├ └ ✗…→µ█", "👩‍👩‍👧‍👦", "e\u0301", "\u202e", "caf\u00e9"} {
		r := build(t, []string{notification(name+"-start", "1", name, 0, fmt.Sprintf(`"é": %q, `, name)), notification(name+"-stop", "1", name, 5, fmt.Sprintf(`"etype": %q, `, name))})
		got := text(t, r, render.WithASCII(true), render.WithVerbose(true))
		checkASCII(t, got)
		checkLines(t, got, 80)
	}
	killed := build(t, lines(t, filepath.Join(traces, "17-keystone-killed-mid-request.jsonl")))
	golden(t, "testdata/ascii.txt", text(t, killed, render.WithASCII(true)))
}

func checkASCII(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r >= 0x7f {
			t.Errorf("%q in %s", r, text)
			return
		}
	}
}

// The date and the time are in the given time zone.
func TestLocation(t *testing.T) {
	r := build(t, []string{notification("a-start", "1", "b", 0, ""), notification("a-stop", "1", "b", 5, "")})
	for location, want := range map[*time.Location]string{
		time.UTC:                          "\n2024-01-01 00:00:00.000 UTC ·",
		time.FixedZone("CET", 3600):       "\n2024-01-01 01:00:00.000 CET ·",
		time.FixedZone("", -(5 * 3600)):   "\n2023-12-31 19:00:00.000 -0500 ·",
		time.FixedZone("\x1b[2J", 2*3600): "\n2024-01-01 02:00:00.000 \\x1b[2J ·",
	} {
		if got := text(t, r, render.WithLocation(location)); !strings.Contains(got, want) {
			t.Errorf("%q does not stand in %s", want, got)
		}
	}
}

const otlp = `{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"20000000000040008000000000000001\",\"spanId\":\"8000000000000002\",` +
	`\"name\":\"GET /servers/{id}\",\"kind\":2,\"startTimeUnixNano\":\"1704067200000000000\",\"endTimeUnixNano\":\"1704067200005000000\",` +
	`\"attributes\":[{\"key\":\"http.route\",\"value\":{\"stringValue\":\"/servers/{id}\"}},{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":\"404\"}},` +
	`{\"key\":\"evil\\u001b[2J\",\"value\":{\"stringValue\":\"\\u001b]0;x\\u0007 \\u202e\"}}],\"droppedAttributesCount\":3,` +
	`\"events\":[{\"timeUnixNano\":\"1704067200001200000\",\"name\":\"cache miss\",\"attributes\":[{\"key\":\"key\",\"value\":{\"stringValue\":\"s1\"}}]}],` +
	`\"links\":[{\"traceId\":\"00000000000000000000000000000007\",\"spanId\":\"0000000000000008\"}],` +
	`\"status\":{\"code\":2,\"message\":\"no such server\"}}]}]}]}`

// For a server's request in the form of our exporter, the tree has the status, and the
// verbose form has the rest of the span.
func TestVerbose(t *testing.T) {
	const base, id = "20000000-0000-4000-8000-000000000001", "20000000-0000-4000-8000-000000000002"
	request := `"request": {"method": "GET", "path": "/servers/` + strings.Repeat("0123456789", 5) + `", "query": "", "scheme": "http"}, `
	notifications := []string{
		notification("wsgi-start", id, base, 0, request),
		notification("db-start", "3", id, 1, `"db": {"statement": "SELECT a, b FROM t\nWHERE x = 1", "params": {"x": "\u001b[31m"}}, `),
		notification("db-stop", "3", id, 2, ""),
		notification("wsgi-stop", id, base, 5, `"otel": "`+otlp+`", `),
	}
	for i, n := range notifications {
		notifications[i] = strings.Replace(n, `"base_id": "b"`, `"base_id": "`+base+`"`, 1)
	}
	r := build(t, notifications)
	got := text(t, r, render.WithVerbose(true))
	golden(t, "testdata/verbose.txt", got)
	checkLines(t, got, 80)
	if brief := text(t, r); !strings.Contains(brief, "… → 404 ") || strings.Contains(brief, "cache miss") {
		t.Errorf("the status is missing, or details were drawn: %s", brief)
	}
}

// The tree also has a status that the Python library or another tool stored in the members.
func TestStatus(t *testing.T) {
	for stop, want := range map[string]string{
		`"request": {"status_code": 201}, `:                "POST /v3 → 201 ",
		`"request": {"status_code": "5\u001b"}, `:          "POST /v3 → 5\\x1b ",
		`"otel": "` + otlp + `", `:                         "POST /v3 → 404 ",
		`"otel": "{status_code", `:                         "POST /v3  ",
		`"otel": {"status_code": 5}, `:                     "POST /v3  ",
		`"otel": "[{\"resourceSpans\": status_code}]", `:   "POST /v3  ",
		`"otel": "{\"resourceSpans\": \"status_code\"}", `: "POST /v3  ",
		`"request": {"status_code": null}, `:               "POST /v3  ",
		``:                                                 "POST /v3  ",
	} {
		r := build(t, []string{notification("wsgi-start", "1", "b", 0, `"request": {"method": "POST", "path": "/v3"}, `), notification("wsgi-stop", "1", "b", 5, stop)})
		if got := text(t, r); !strings.Contains(got, want) {
			t.Errorf("%s: %q does not stand in %s", stop, want, got)
		}
	}
}

// An operation without a stop is drawn until the last event of the trace.
func TestRunning(t *testing.T) {
	r := build(t, []string{
		notification("a-start", "1", "b", 0, ""), notification("c-start", "3", "1", 900, ""),
		notification("b-start", "2", "1", 200, ""), notification("a-stop", "1", "b", 1000, ""), notification("d-start", "4", "b", 1000, ""),
	})
	got := text(t, r)
	for _, want := range []string{"api:b                                running for 800 ms │", "running for 100 ms │", "api:d                                             no stop │"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not stand in %s", want, got)
		}
	}
}
