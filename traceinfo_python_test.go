package osprofiler_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// unpackScript reads a JSON list of payloads. For each it writes the result of the Python
// library's middleware for the signed header: null if the middleware refuses the header, else
// base id and parent id in the form of json.dumps.
const unpackScript = `
import base64, json, sys
from osprofiler import _utils, profiler, web
middleware = web.WsgiMiddleware(None, hmac_keys="k", enabled=True)
answers = []
for payload in json.load(sys.stdin):
    data = base64.urlsafe_b64encode(payload.encode("utf-8", "surrogatepass")).decode()
    info = _utils.signed_unpack(data, _utils.generate_hmac(data, "k"), ["k"])
    if not middleware._trace_is_valid(info):
        answers.append(None)
        continue
    profiler.clean()
    p = profiler.init(info["hmac_key"], base_id=info.get("base_id"), parent_id=info.get("parent_id"))
    answers.append([json.dumps(p.get_base_id()), json.dumps(p.get_id())])
json.dump(answers, sys.stdout)
`

// pythonUnpacks returns the results of the Python library for the payloads.
func pythonUnpacks(t *testing.T, python string, payloads []string) (answers [][]string) {
	t.Helper()
	in, err := json.Marshal(payloads)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", unpackScript)
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &answers)
	}
	if err != nil || len(answers) != len(payloads) {
		t.Fatalf("%d answers to %d payloads: %v\n%s", len(answers), len(payloads), err, &stderr)
	}
	return answers
}

// hostileValues are the values that members of a payload may have.
var hostileValues = []string{
	`"x"`, `"X"`, `" x "`, `" "`, `""`, `"\ud800"`, `"\udc00\ud800"`, `"\ud800\udc00"`, `"a\u0000b"`, "\"a\x00b\"", "\"a\tb\"", `"\x"`, `"\ud8"`,
	`"a,b=c~d"`, `"e\u0301é"`, `"\ufeff"`, `"\uffff\u2028"`, "\"\u2028\uFEFF\"",
	`0`, `-0`, `-0.0`, `0e5`, `12`, `-7`, `1.0`, `0.10`, `1e2`, `12E+1`, `1e22`, `1e16`, `123456789.5e-12`, `1e999`, `-1e999`, `1e-999`, `5e-324`, `NaN`, `Infinity`, `-Infinity`,
	`123456789012345678901234567890`, `1.00000000000000000000001`, `01`, `+1`, `.5`, `1.`, `nan`,
	`null`, `true`, `false`, `[]`, `{}`, `[ ]`, `[1,2]`, `{"a": 1}`, `'x'`, ``,
}

// hostilePayloads returns the payloads of the headers that are passed to both libraries.
func hostilePayloads() (payloads []string) {
	for _, value := range hostileValues {
		payloads = append(payloads, `{"base_id": `+value+`}`, `{"base_id": "b", "parent_id": `+value+`}`)
	}
	payloads = append(payloads,
		"\uFEFF{\"base_id\": \"x\"}", " {\"base_id\": \"x\"}\n", "\v{\"base_id\": \"x\"}", `{"base_id": "x",}`, `{'base_id': 'x'}`, `[{"base_id": "x"}]`, `"x"`, ``,
		`{"base_id": `+strings.Repeat("7", 4300)+`}`, `{"base_id": `+strings.Repeat("7", 4301)+`}`, `{"base_id": -`+strings.Repeat("7", 4300)+`}`,
		`{"base_id": `+strings.Repeat("7", 5000)+`.0}`, `{"base_id": "x", "parent_id": `+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+`}`,
	)
	member := rapid.Custom(func(t *rapid.T) string {
		name := rapid.SampledFrom([]string{"base_id", "parent_id", "hmac_key", `bas\u0065_id`, "extra", ""}).Draw(t, "name")
		return `"` + name + `": ` + rapid.SampledFrom(hostileValues).Draw(t, "value")
	})
	members := rapid.SliceOfN(member, 0, 4)
	for seed := range 1000 {
		payloads = append(payloads, "{"+strings.Join(members.Example(seed), ", ")+"}")
	}
	return payloads
}

// Unpack reads the same texts of ids from a signed header as the Python library's middleware,
// and refuses the headers that the middleware refuses.
func TestUnpackAsPython(t *testing.T) {
	payloads := hostilePayloads()
	for version, find := range map[string]func(testing.TB) string{"Debian's": testenv.Python, "the newest": testenv.NewPython} {
		for i, answer := range pythonUnpacks(t, find(t), payloads) {
			info, mac := seal(payloads[i], "k")
			got, _, err := osprofiler.UnpackTraceInfo(info, mac, []string{"k"})
			if len(answer) == 0 || isContainer(answer[0]) || isContainer(answer[1]) {
				if err == nil {
					t.Errorf("%.80q: %s library answers %.80q, we %.80q", payloads[i], version, answer, got)
				}
				continue
			}
			if base, parent := idInPython(answer[0]), idInPython(answer[1]); err != nil || !sameIDs(got, base, parent) {
				t.Errorf("%.80q: %s library takes %.80q and %.80q, we %.80q, %v", payloads[i], version, base, parent, got, err)
			}
		}
	}
}

// isContainer reports whether an id is a list or an object, which we refuse.
func isContainer(raw string) bool { return raw[0] == '[' || raw[0] == '{' }

// idInPython returns the text of an id that json.dumps has written.
func idInPython(raw string) string {
	if text, ok := pyjson.Text(raw); ok {
		return text
	}
	return raw
}

// sameIDs compares ids. If the base id is empty, both libraries make a new one, which only has
// to be an id.
func sameIDs(got osprofiler.TraceInfo, base, parent string) bool {
	_, theirs := osprofiler.ParseUUID(base)
	_, ours := osprofiler.ParseUUID(got.BaseID)
	if theirs && ours && got.BaseID != base {
		return (got.ParentID == got.BaseID) == (parent == base) && (parent == base || got.ParentID == parent)
	}
	return got.BaseID == base && got.ParentID == parent
}
