package tags_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// The attributes of a known member equal those of an info with that member.
func TestCallsAgreeWithInfos(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(label string) string {
			return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "GET", "http", "https", "unix", "/?", "h:1", "\xff", "a\xed\xa0\x80"})).Draw(t, label)
		}
		c := rapid.SampledFrom([]tags.Conventions{tags.Stable, tags.Old, tags.Both}).Draw(t, "conventions")
		a, b, x, y, z := text("a"), text("b"), text("x"), text("y"), text("z")
		port := rapid.SampledFrom([]uint16{0, 80, 443, 65535}).Draw(t, "port")

		attrs, exact := tags.ServerRequest{Method: a, Path: b, Query: x, Scheme: y}.AppendAttributes(nil, c)
		checkStart(t, c, "wsgi", map[string]any{"request": map[string]any{"method": a, "path": b, "query": x, "scheme": y}}, attrs, exact)

		portValue := any("")
		if port != 0 {
			portValue = int(port)
		}
		attrs, exact = tags.ClientRequest{Method: a, Path: b, Query: x, Scheme: y, Hostname: z, Port: port}.AppendAttributes(nil, c)
		checkStart(t, c, "http", map[string]any{"requests": map[string]any{
			"method": a, "path": b, "query": x, "scheme": y, "hostname": z, "port": portValue}}, attrs, exact)

		attrs, exact = tags.DBCall{Statement: a, Params: `{"a": [1]}`}.AppendAttributes(nil, c)
		checkStart(t, c, "db", map[string]any{"db": map[string]any{"statement": a, "params": json.RawMessage(`{"a": [1]}`)}}, attrs, exact)

		for name, call := range map[string]tags.Call{"rpc": tags.RPC, "boot": tags.Function} {
			attrs, exact = tags.FunctionCall{Name: a, Args: b, Kwargs: x}.AppendAttributes(nil, call, c)
			member := map[string]any{"name": a}
			if b != "" {
				member["args"] = b
			}
			if x != "" {
				member["kwargs"] = x
			}
			checkStart(t, c, name, map[string]any{"function": member}, attrs, exact)
			attrs, exact = tags.AppendResultAttributes(nil, call, a, c)
			checkStop(t, c, call, map[string]any{"function": map[string]any{"result": a}}, attrs, exact)
		}
		attrs, exact = tags.AppendResultAttributes(nil, tags.DB, a, c)
		checkStop(t, c, tags.DB, map[string]any{"db": map[string]any{"result": a}}, attrs, exact)
		attrs, exact = tags.AppendStatusCodeAttributes(nil, int(port), c)
		checkStop(t, c, tags.HTTPClient, map[string]any{"requests": map[string]any{"status_code": int(port)}}, attrs, exact)
	})
	if _, exact := tags.AppendResultAttributes(nil, tags.HTTPServer, "x", tags.Stable); exact {
		t.Error("an HTTP call has no result")
	}
}

func checkStart(t *rapid.T, c tags.Conventions, operation string, values map[string]any, got []attribute.KeyValue, exact bool) {
	info := mustInfo(t, values)
	want, rest := tags.StartAttributes(nil, tags.CallOfInfo(operation, info), info, c)
	checkAttributes(t, info, got, want, exact, rest)
}

func checkStop(t *rapid.T, c tags.Conventions, call tags.Call, values map[string]any, got []attribute.KeyValue, exact bool) {
	info := mustInfo(t, values)
	want, rest := tags.StopAttributes(nil, call, info, c)
	checkAttributes(t, info, got, want, exact, rest)
}

func mustInfo(t *rapid.T, values map[string]any) osprofiler.Info {
	info, err := osprofiler.NewInfo(values)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func checkAttributes(t *rapid.T, info osprofiler.Info, got, want []attribute.KeyValue, exact bool, rest osprofiler.Info) {
	if !reflect.DeepEqual(got, want) || exact != (rest == "{}") {
		t.Fatalf("%s:\nwant %v, the rest is %s\ngot  %v, exact: %v", info, want, rest, got, exact)
	}
}

func ExampleDBCall() {
	attrs, exact := tags.DBCall{Statement: "SELECT 1", Params: "[]"}.AppendAttributes(nil, tags.Stable)
	for _, a := range attrs {
		fmt.Println(a.Key, "=", a.Value.AsString())
	}
	fmt.Println(exact)
	// Output:
	// db.system.name = other_sql
	// db.query.text = SELECT 1
	// osprofiler.db.params = []
	// true
}
