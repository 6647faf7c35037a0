package tags_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

var (
	onlyParams = tags.Redaction{DBParams: true}
	onlyArgs   = tags.Redaction{FunctionArgs: true}
	onlyResult = tags.Redaction{FunctionResult: true}
	everything = tags.Redaction{DBParams: true, FunctionArgs: true, FunctionResult: true}
)

// sqlError is the error of a failed statement in SQLAlchemy's form.
const sqlError = "(1062, 'x')\n[SQL: INSERT INTO t VALUES (%(a)s)]\n[parameters: {'a': 'it]s secret'}]\n(Background on this error)"

func TestRedactInfo(t *testing.T) {
	for _, test := range []struct {
		r        tags.Redaction
		in, want osprofiler.Info
	}{
		{onlyParams, `{"db": {"statement": "S", "params": {"a": 1, "b": {"deep": [1]}}}, "host": "h"}`, `{"db": {"statement": "S", "params": {"a": "***", "b": "***"}}, "host": "h"}`},
		{onlyParams, `{"db": {"params": [1, null, {"k": "v"}, [2, [3]]]}}`, `{"db": {"params": ["***", "***", {"k": "***"}, ["***", "***"]]}}`},
		{onlyParams, `{"db": {"params": "x", "result": "rows"}}`, `{"db": {"params": "***", "result": "***"}}`},
		{onlyParams, `{"db": {"params": []}}`, `{"db": {"params": []}}`},
		{onlyParams, `{"db": {"params": null}}`, `{"db": {"params": null}}`},
		{onlyParams, `{"db": {"params": [1], "params": [2]}}`, `{"db": {"params": ["***"], "params": ["***"]}}`},
		{onlyParams, `{"db": {"params": [1]}, "db": {"params": [2]}}`, `{"db": {"params": ["***"]}}`},
		{onlyArgs, `{"function": {"name": "n", "args": "(1,)", "kwargs": {"a": 1}}}`, `{"function": {"name": "n", "args": "***", "kwargs": "***"}}`},
		{onlyArgs, `{"function": {"result": "6"}, "db": {"params": [1]}}`, `{"function": {"result": "6"}, "db": {"params": [1]}}`},
		{onlyResult, `{"function": {"result": "6", "args": "a"}}`, `{"function": {"result": "***", "args": "a"}}`},
		{onlyResult, `{"db": {"result": "rows", "params": [1]}}`, `{"db": {"result": "***", "params": [1]}}`},
		{everything, `{"request": {"path": "/"}, "db": 5, "function": "f"}`, `{"request": {"path": "/"}, "db": 5, "function": "f"}`},
		{everything, "", ""},
		{onlyParams, `{"message": "[parameters: (1, 2)]", "db": {"chained_exception": "[parameters: [{'a': 1}]]", "original_exception": 1}}`,
			`{"message": "[parameters: ***]", "db": {"chained_exception": "[parameters: ***]", "original_exception": 1}}`},
	} {
		if got := test.r.Info(test.in); got != test.want {
			t.Errorf("%s\n becomes %s\n     not %s", test.in, got, test.want)
		}
	}
}

func TestRedactText(t *testing.T) {
	if got := onlyParams.Text(sqlError); strings.Contains(got, "secret") || !strings.Contains(got, "[SQL: INSERT") || !strings.HasSuffix(got, "***]\n(Background on this error)") {
		t.Error(got)
	}
	for in, want := range map[string]string{
		"plain": "plain", "[parameters: cut off": "[parameters: ***", "": "",
		"a [parameters: 1]\nb [parameters: 2]": "a [parameters: ***]",
		"[parameters: 1] [parameters: 2":       "[parameters: ***", "[parameters: {'a': [1], 'b": "[parameters: ***",
	} {
		if got := onlyParams.Text(in); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
		if got := onlyArgs.Text(in); got != in {
			t.Errorf("%q becomes %q without being asked", in, got)
		}
	}
}

func TestRedactAttributes(t *testing.T) {
	attrs := append(attrsOf("db.query.text=S", "osprofiler.db.params={\"a\": 1}", "db.params=no JSON", "db.query.parameter.0=v", "db.operation.parameter.x=5",
		"osprofiler.db.result=r", "result=r", "osprofiler.function.args=a", "osprofiler.function.kwargs=k", "args=a", "kwargs=k",
		"osprofiler.function.result=r", "exception.message="+sqlError, "message=m", "url.path=/", "db.statement.parameters=(1)"),
		attribute.StringSlice("pgx.query.parameters", []string{"1", "2"}))
	before := append([]attribute.KeyValue(nil), attrs...)
	want := func(changed map[string]any) map[string]any {
		m := asMap(t, attrs)
		for k, v := range changed {
			m[k] = v
		}
		return m
	}
	params := map[string]any{
		"osprofiler.db.params": `{"a": "***"}`, "db.params": "***", "db.query.parameter.0": "***", "db.operation.parameter.x": "***",
		"osprofiler.db.result": "***", "result": "***", "db.statement.parameters": "***", "pgx.query.parameters": []string{"***", "***"},
		"exception.message": onlyParams.Text(sqlError),
	}
	args := map[string]any{"osprofiler.function.args": "***", "osprofiler.function.kwargs": "***", "args": "***", "kwargs": "***"}
	results := map[string]any{"osprofiler.db.result": "***", "result": "***", "osprofiler.function.result": "***"}
	for r, changed := range map[tags.Redaction]map[string]any{onlyParams: params, onlyArgs: args, onlyResult: results, {}: nil} {
		if diff := cmp.Diff(want(changed), asMap(t, r.Attributes(attrs))); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", r, diff)
		}
	}
	if diff := cmp.Diff(asMap(t, before), asMap(t, attrs)); diff != "" {
		t.Errorf("the argument was changed:\n%s", diff)
	}
	if got := asMap(t, onlyParams.Attributes(attrsOf("result=x"))); got["result"] != "x" {
		t.Error("a function's result was taken for rows")
	}
}

func TestRedactNothing(t *testing.T) {
	attrs := attrsOf("url.path=/", "exception.message=m", "message=m")
	if got := everything.Attributes(attrs); &got[0] != &attrs[0] {
		t.Error("the attributes were copied")
	}
	if got := everything.Attributes(nil); got != nil {
		t.Error(got)
	}
	info := osprofiler.Info(infoWSGI)
	if n := testing.AllocsPerRun(100, func() { _, _ = everything.Info(info), everything.Attributes(attrs) }); n != 0 {
		t.Errorf("%v allocations to change nothing", n)
	}
}

// Redacting before or after the conversion has the same result, and leaves no secret.
func TestRedactionCommutes(t *testing.T) {
	secret := rapid.Just(`"s3cr3t"`)
	dict := rapid.Map(rapid.SliceOfN(genString, 0, 3), func(keys []string) string { return object(keys, func(string) string { return `"s3cr3t"` }) })
	list := rapid.Map(rapid.SliceOfN(secret, 0, 3), func(v []string) string { return "[" + strings.Join(v, ", ") + "]" })
	rows := rapid.Map(rapid.SliceOfN(rapid.OneOf(dict, list), 0, 3), func(v []string) string { return "[" + strings.Join(v, ", ") + "]" })
	rapid.Check(t, func(t *rapid.T) {
		params := rapid.OneOf(secret, dict, list, rows).Draw(t, "params")
		infos := map[tags.Call][2]osprofiler.Info{
			tags.DB: {osprofiler.Info(`{"db": {"statement": "S", "params": ` + params + `}}`),
				`{"db": {"result": "s3cr3t"}, "etype": "E", "message": "[parameters: s3cr3t]"}`},
			tags.Function: {`{"function": {"name": "n", "args": "s3cr3t", "kwargs": "s3cr3t"}}`, `{"function": {"result": "s3cr3t"}}`},
		}
		for call, info := range infos {
			for _, c := range allConventions {
				attrs, rest := tags.StartAttributes(nil, call, info[0], c)
				attrs, stopRest := tags.StopAttributes(attrs, call, info[1], c)
				attrs = everything.Attributes(attrs)
				if leaks(attrs) {
					t.Fatalf("%v %v: %v", call, c, attrs)
				}
				same(t, "start", everything.Info(info[0]), tags.Merge(everything.Info(rest), tags.StartInfo(call, attrs)), attrs)
				same(t, "stop", everything.Info(info[1]), tags.Merge(everything.Info(stopRest), tags.StopInfo(call, attrs)), attrs)
			}
		}
	})
}

func leaks(attrs []attribute.KeyValue) bool {
	for _, kv := range attrs {
		if strings.Contains(kv.Value.String(), "s3cr3t") {
			return true
		}
	}
	return false
}
