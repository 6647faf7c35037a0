package osprofiler_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
)

// header is one request that was sent to upstream's middleware, with its result.
type header struct {
	Name     string
	HMACKeys string `json:"hmac_keys"`
	Headers  map[string]string
	Enabled  *bool
	Accepted bool
	Profiler struct {
		BaseID   any    `json:"base_id"`
		ParentID any    `json:"parent_id"`
		HMACKey  string `json:"hmac_key"`
	}
}

func traceHeaders(t testing.TB) (outgoing header, cases []header) {
	t.Helper()
	text, err := os.ReadFile("testdata/trace-headers.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Outgoing struct {
			Profiler struct {
				HMACKey   string `json:"hmac_key"`
				BaseID    string `json:"base_id"`
				CurrentID string `json:"current_id"`
			}
			Headers map[string]string
		}
		Cases []header
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	outgoing = header{HMACKeys: golden.Outgoing.Profiler.HMACKey, Headers: golden.Outgoing.Headers}
	outgoing.Profiler.BaseID = golden.Outgoing.Profiler.BaseID
	outgoing.Profiler.ParentID = golden.Outgoing.Profiler.CurrentID
	return outgoing, golden.Cases
}

func TestPackAsUpstream(t *testing.T) {
	outgoing, _ := traceHeaders(t)
	info := osprofiler.TraceInfo{BaseID: outgoing.Profiler.BaseID.(string), ParentID: outgoing.Profiler.ParentID.(string)}
	packed, mac := info.Pack(outgoing.HMACKeys)
	got := map[string]string{osprofiler.HeaderTraceInfo: packed, osprofiler.HeaderTraceHMAC: mac}
	if d := cmp.Diff(outgoing.Headers, got); d != "" {
		t.Error(d)
	}
}

// refusals maps the cases that upstream does not accept to our errors. For the last case
// upstream raises an exception. Here that case is unsigned, like any other wrong signature.
var refusals = map[string]error{
	"bad hmac": osprofiler.ErrUnsigned,
	"signed with a key the server does not have": osprofiler.ErrUnsigned,
	"extra key in the payload":                   osprofiler.ErrBadTraceInfo,
	"base_id missing":                            osprofiler.ErrBadTraceInfo,
	"hmac in upper case":                         osprofiler.ErrUnsigned,
	"hmac of blanks only":                        osprofiler.ErrUnsigned,
	"no hmac header":                             osprofiler.ErrUnsigned,
	"no info header":                             osprofiler.ErrUnsigned,
	"server has no keys":                         osprofiler.ErrUnsigned,
	"payload is a JSON list":                     osprofiler.ErrBadTraceInfo,
	"payload is a JSON string":                   osprofiler.ErrBadTraceInfo,
	"payload is not JSON":                        osprofiler.ErrBadTraceInfo,
	"base64 without its padding":                 osprofiler.ErrBadTraceInfo,
	"hmac header with a non-ASCII character":     osprofiler.ErrUnsigned,
}

func TestUnpackAsUpstream(t *testing.T) {
	_, cases := traceHeaders(t)
	if len(cases) != 29 {
		t.Errorf("%d cases, want 29", len(cases))
	}
	refused := 0
	for _, c := range cases {
		if c.Enabled != nil && !*c.Enabled {
			continue // depends on a setting of the middleware, not on the header
		}
		if !c.Accepted {
			refused++
		}
		t.Run(c.Name, func(t *testing.T) { checkHeader(t, c) })
	}
	if refused != len(refusals) {
		t.Errorf("%d cases were refused, want %d", refused, len(refusals))
	}
}

func checkHeader(t *testing.T, c header) {
	keys, _, err := osprofiler.ParseKeys(c.HMACKeys)
	if err != nil {
		t.Fatal(err)
	}
	got, key, err := osprofiler.UnpackTraceInfo(c.Headers[osprofiler.HeaderTraceInfo], c.Headers[osprofiler.HeaderTraceHMAC], keys)
	if !c.Accepted {
		if want := refusals[c.Name]; want == nil || !errors.Is(err, want) || key != "" || got != (osprofiler.TraceInfo{}) {
			t.Errorf("got %+v, key %q, error %v; want %v", got, key, err, want)
		}
		return
	}
	if err != nil || key != c.Profiler.HMACKey {
		t.Fatalf("key %q, error %v; want key %q", key, err, c.Profiler.HMACKey)
	}
	if strings.HasPrefix(c.Name, "empty base_id") { // upstream's new id is random like ours
		if _, ok := osprofiler.ParseUUID(got.BaseID); !ok || got.ParentID != got.BaseID {
			t.Errorf("got %+v, want a fresh base id", got)
		}
		return
	}
	want := osprofiler.TraceInfo{BaseID: idText(c.Profiler.BaseID), ParentID: idText(c.Profiler.ParentID)}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// idText returns the text of an id that the golden file may hold as a number.
func idText(id any) string {
	if text, ok := id.(string); ok {
		return text
	}
	text, _ := json.Marshal(id)
	return string(text)
}

// seal signs any payload, which only tests do.
func seal(payload, key string) (info, mac string) {
	return osprofiler.SealText(base64.StdEncoding.EncodeToString([]byte(payload)), key)
}

func TestUnpackPayloads(t *testing.T) {
	const fresh = "(fresh)"
	for _, test := range []struct {
		name, payload    string
		baseID, parentID string // both are empty if the header is refused
	}{
		{"zero ids", `{"base_id": 0, "parent_id": -0.00e5}`, fresh, fresh},
		{"empty containers", `{"base_id": "b", "parent_id": [ ]}`, "b", "b"},
		{"false", `{"base_id": "b", "parent_id": false}`, "b", "b"},
		{"true", `{"base_id": "b", "parent_id": true}`, "b", "true"},
		{"a float", `{"base_id": "b", "parent_id": 0.10}`, "b", "0.1"},
		{"a huge float", `{"base_id": 1e999, "parent_id": -1E+2}`, "Infinity", "-100.0"},
		{"a float next to zero", `{"base_id": "b", "parent_id": 1e-999}`, "b", "b"},
		{"a large integer", `{"base_id": ` + strings.Repeat("7", 4300) + `}`, strings.Repeat("7", 4300), strings.Repeat("7", 4300)},
		{"a larger integer", `{"base_id": ` + strings.Repeat("7", 4301) + `}`, "", ""},
		{"a list", `{"base_id": "b", "parent_id": [1]}`, "", ""},
		{"an object", `{"base_id": {"a": "b"}}`, "", ""},
		{"repeated members", `{"base_id": [1], "base_id": "a", "parent_id": "c", "bas\u0065_id": "b", "parent_id": null}`, "b", "b"},
		{"a surrogate pair", `{"base_id": "\ud83d\ude00"}`, "😀", "😀"},
		{"not a number", `{"base_id": "b", "parent_id": NaN}`, "b", "NaN"},
		{"a lone surrogate", `{"base_id": "\ud800"}`, "\xed\xa0\x80", "\xed\xa0\x80"},
		{"blanks around", " {\"base_id\": \"b\"}\n", "b", "b"},
		{"capital keys", `{"BASE_ID": "b"}`, "", ""},
		{"no UTF-8", "{\"base_id\": \"\xff\"}", "", ""},
		{"two values", `{"base_id": "b"} {}`, "", ""},
		{"nothing", ``, "", ""},
		{"deep", `{"base_id": "b", "parent_id": ` + strings.Repeat("[", 100_000), "", ""},
	} {
		info, mac := seal(test.payload, "k")
		got, _, err := osprofiler.UnpackTraceInfo(info, mac, []string{"k"})
		want := osprofiler.TraceInfo{BaseID: test.baseID, ParentID: test.parentID}
		switch {
		case test.baseID == "":
			if err == nil {
				t.Errorf("%s: got %+v, want an error", test.name, got)
			}
		case test.baseID == fresh:
			if len(got.BaseID) != 36 || got.ParentID != got.BaseID {
				t.Errorf("%s: got %+v, %v", test.name, got, err)
			}
		case got != want || err != nil:
			t.Errorf("%s: got %+v, %v; want %+v", test.name, got, err, want)
		}
	}
}

// A packed trace info can be unpacked only with the same key, and not after any change.
func TestPackIsTheInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := osprofiler.TraceInfo{
			BaseID:   rapid.StringN(1, -1, -1).Draw(t, "base id"),
			ParentID: rapid.StringN(1, -1, -1).Draw(t, "parent id"),
		}
		key := "k" + rapid.String().Draw(t, "key")
		other := key + "x" + rapid.String().Draw(t, "other") // not only NULs, because HMAC pads keys with them
		info, mac := sent.Pack(key)
		got, by, err := osprofiler.UnpackTraceInfo(info, mac, []string{other, key})
		if err != nil || by != key || got != sent {
			t.Fatalf("%+v came back as %+v by %q, %v", sent, got, by, err)
		}
		if _, _, err := osprofiler.UnpackTraceInfo(info, mac, []string{other}); !errors.Is(err, osprofiler.ErrUnsigned) {
			t.Fatalf("another key: %v", err)
		}
		at := rapid.IntRange(0, len(info)-1).Draw(t, "at")
		forged := info[:at] + string(info[at]^1) + info[at+1:]
		if _, _, err := osprofiler.UnpackTraceInfo(forged, mac, []string{key}); !errors.Is(err, osprofiler.ErrUnsigned) {
			t.Fatalf("forged: %v", err)
		}
	})
}

// With more keys than are cached, and from many goroutines, each key still makes its own
// signature.
func TestManyKeysSignAtOnce(t *testing.T) {
	info := osprofiler.TraceInfo{BaseID: "b", ParentID: "p"}
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 200 {
				key := fmt.Sprint("key ", (i*7+g)%9)
				text, mac := info.Pack(key)
				h := hmac.New(sha1.New, []byte(key))
				h.Write([]byte(text))
				if mac != hex.EncodeToString(h.Sum(nil)) {
					t.Errorf("%s signs %q with %s", key, text, mac)
				}
				if _, by, err := osprofiler.UnpackTraceInfo(text, mac, []string{"key 100", key, "key 101"}); err != nil || by != key {
					t.Errorf("%s is verified by %s: %v", key, by, err)
				}
			}
		})
	}
	all.Wait()
}
