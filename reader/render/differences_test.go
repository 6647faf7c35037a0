package render_test

import (
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/reader/python"
)

// The tests of this file correspond to rows of docs/differences.md, like those of package
// reader.

func bothDots(t *testing.T, lines ...string) (own, pythons string, pythonsError error) {
	t.Helper()
	own, err := dot(build(t, lines))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	pythonsError = python.Dot(&out, buildPython(t, lines))
	return own, out.String(), pythonsError
}

func wantNode(t *testing.T, graph, node string) {
	t.Helper()
	if !strings.Contains(graph, "\t1 ["+node+"]\n") {
		t.Errorf("no node [%s] in %s", node, graph)
	}
}

func TestDifferenceDotDetails(t *testing.T) {
	for name, exception := range map[string]string{"wsgi": "KeyError: 'request'", "rpc": "KeyError: 'function'", "driver": "KeyError: 'function'"} {
		own, _, err := bothDots(t, notification(name+"-start", "1", "b", 0, ""), notification(name+"-stop", "1", "b", 5, ""))
		wantNode(t, own, `label="api:`+name+` - 5 ms"`)
		if err == nil || !strings.Contains(err.Error(), exception) {
			t.Errorf("Python's graph fails with %v, want %s", err, exception)
		}
	}
	own, _, err := bothDots(t, strings.Replace(notification("a-start", "1", "b", 0, ""), `"api"`, "null", 1))
	wantNode(t, own, `label="a - no stop"`)
	if err == nil || !strings.Contains(err.Error(), "TypeError: unsupported operand type(s) for +: 'NoneType' and 'str'") {
		t.Errorf("Python's graph fails with %v", err)
	}
}

func TestDifferenceDotIncomplete(t *testing.T) {
	own, pythons, _ := bothDots(t, notification("a-start", "1", "b", 0, ""))
	wantNode(t, own, `label="api:a - no stop"`)
	wantNode(t, pythons, `label="api:a - 0 ms"`)
	own, _, _ = bothDots(t, notification("a-stop", "1", "b", 0, ""))
	wantNode(t, own, `label="api:a - no start"`)
}

func TestDifferenceDotFailed(t *testing.T) {
	own, pythons, _ := bothDots(t, notification("a-start", "1", "b", 0, ""), notification("a-stop", "1", "b", 5, `"etype": "E", `))
	wantNode(t, own, `label="api:a - 5 ms" color=red`)
	wantNode(t, pythons, `label="api:a - 5 ms"`)
}

func TestDifferenceDotLabels(t *testing.T) {
	function := func(name string) []string {
		return []string{notification("rpc-start", "1", "b", 0, `"function": {"name": "`+name+`"}, `), notification("rpc-stop", "1", "b", 5, "")}
	}
	own, pythons, _ := bothDots(t, function(`a\\nb\\`)...)
	wantNode(t, own, `label="api:rpc - 5 ms\na\\nb\\"`)
	wantNode(t, pythons, `label="api:rpc - 5 ms\na\nb\"`)
	own, pythons, _ = bothDots(t, function(`\u001b[31m`)...)
	wantNode(t, own, `label="api:rpc - 5 ms\n\\x1b[31m"`)
	wantNode(t, pythons, "label=\"api:rpc - 5 ms\\n\x1b[31m\"")
	html := function("<lambda>")
	for i := range html {
		html[i] = strings.Replace(html[i], `"api"`, `"<api"`, 1)
	}
	own, pythons, _ = bothDots(t, html...)
	wantNode(t, own, `label="<api:rpc - 5 ms\n<lambda>"`)
	wantNode(t, pythons, `label=<api:rpc - 5 ms\n<lambda>`)
	own, pythons, _ = bothDots(t, function(`say \"x\"`)...)
	wantNode(t, own, `label="api:rpc - 5 ms\nsay \"x\""`)
	wantNode(t, pythons, `label="api:rpc - 5 ms\nsay \"x\""`)
}
