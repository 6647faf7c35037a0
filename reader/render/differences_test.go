package render_test

import (
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/reader"
)

// The tests of this file are rows of docs/differences.md, as those of package reader.

func bothDots(t *testing.T, lines ...string) (own, upstream string, upstreamError error) {
	t.Helper()
	own, err := dot(build(t, lines))
	if err != nil {
		t.Fatal(err)
	}
	upstream, upstreamError = dot(build(t, lines, reader.WithUpstreamAnswers()))
	return own, upstream, upstreamError
}

func wantNode(t *testing.T, graph, node string) {
	t.Helper()
	if !strings.Contains(graph, "\t1 ["+node+"]\n") {
		t.Errorf("no node [%s] in %s", node, graph)
	}
}

func TestDifferenceDotDetails(t *testing.T) {
	for name, python := range map[string]string{"wsgi": "KeyError: 'request'", "rpc": "KeyError: 'function'", "driver": "KeyError: 'function'"} {
		own, _, err := bothDots(t, notification(name+"-start", "1", "b", 0, ""), notification(name+"-stop", "1", "b", 5, ""))
		wantNode(t, own, `label="api:`+name+` - 5 ms"`)
		if err == nil || !strings.Contains(err.Error(), python) {
			t.Errorf("upstream's graph fails with %v, want %s", err, python)
		}
	}
	own, _, err := bothDots(t, strings.Replace(notification("a-start", "1", "b", 0, ""), `"api"`, "null", 1))
	wantNode(t, own, `label="a - no stop"`)
	if err == nil || !strings.Contains(err.Error(), "TypeError: unsupported operand type(s) for +: 'NoneType' and 'str'") {
		t.Errorf("upstream's graph fails with %v", err)
	}
}

func TestDifferenceDotIncomplete(t *testing.T) {
	own, upstream, _ := bothDots(t, notification("a-start", "1", "b", 0, ""))
	wantNode(t, own, `label="api:a - no stop"`)
	wantNode(t, upstream, `label="api:a - 0 ms"`)
	own, _, _ = bothDots(t, notification("a-stop", "1", "b", 0, ""))
	wantNode(t, own, `label="api:a - no start"`)
}

func TestDifferenceDotFailed(t *testing.T) {
	own, upstream, _ := bothDots(t, notification("a-start", "1", "b", 0, ""), notification("a-stop", "1", "b", 5, `"etype": "E", `))
	wantNode(t, own, `label="api:a - 5 ms" color=red`)
	wantNode(t, upstream, `label="api:a - 5 ms"`)
}

func TestDifferenceDotLabels(t *testing.T) {
	function := func(name string) []string {
		return []string{notification("rpc-start", "1", "b", 0, `"function": {"name": "`+name+`"}, `), notification("rpc-stop", "1", "b", 5, "")}
	}
	own, upstream, _ := bothDots(t, function(`a\\nb\\`)...)
	wantNode(t, own, `label="api:rpc - 5 ms\na\\nb\\"`)
	wantNode(t, upstream, `label="api:rpc - 5 ms\na\nb\"`)
	own, upstream, _ = bothDots(t, function(`\u001b[31m`)...)
	wantNode(t, own, `label="api:rpc - 5 ms\n\\x1b[31m"`)
	wantNode(t, upstream, "label=\"api:rpc - 5 ms\\n\x1b[31m\"")
	html := function("<lambda>")
	for i := range html {
		html[i] = strings.Replace(html[i], `"api"`, `"<api"`, 1)
	}
	own, upstream, _ = bothDots(t, html...)
	wantNode(t, own, `label="<api:rpc - 5 ms\n<lambda>"`)
	wantNode(t, upstream, `label=<api:rpc - 5 ms\n<lambda>`)
	own, upstream, _ = bothDots(t, function(`say \"x\"`)...)
	wantNode(t, own, `label="api:rpc - 5 ms\nsay \"x\""`)
	wantNode(t, upstream, `label="api:rpc - 5 ms\nsay \"x\""`)
}
