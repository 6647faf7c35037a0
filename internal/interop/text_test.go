package interop

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// examples generates count values, which are the same in every run.
func examples[T any](count int, g *rapid.Generator[T]) []T {
	all := make([]T, count)
	for i := range all {
		all[i] = g.Example(i)
	}
	return all
}

// ParseUUID accepts the same texts as Python's uuid.UUID, with the same result.
func TestUUIDs(t *testing.T) {
	t.Parallel()
	texts := append(examples(2000, rapid.StringMatching(
		`(urn:|uuid:|\{){0,3}([0-9a-fA-F]{4}-?){7,8}[0-9a-fA-F]{4}-?[0-9a-f-]{0,4}[}g]{0,2}`)),
		"", "-", "{}", "urn:uuid:", "not-a-uuid", strings.Repeat("0", 32), strings.Repeat("-", 32), strings.Repeat("a-", 32),
		"uurn:uid:"+strings.Repeat("a", 32), "urn:{uuid:"+strings.Repeat("B", 32))
	eachLibrary(t, func(t *testing.T, ask asker) {
		var want []outcome[string]
		ask(t, &want, texts, "uuids")
		accepted := 0
		for i, text := range texts {
			got, ok := osprofiler.ParseUUID(text)
			if ok != (want[i].Error == "") || ok && got.String() != want[i].Value {
				t.Errorf("%q: %v, %v; Python: %+v", text, got, ok, want[i])
			}
			if ok {
				accepted++
			}
		}
		if accepted < 100 || accepted > len(texts)-100 {
			t.Errorf("%d of %d examples are UUIDs: too few or too many for this test", accepted, len(texts))
		}
	})
}

// ParseTime accepts every timestamp that Python's reports accept, with the same
// result.
func TestTimes(t *testing.T) {
	t.Parallel()
	texts := append(examples(2000, rapid.StringMatching(
		`(2[0-9]{3}|000[0-9])-(0?[1-9]|1[0-3])-(0?[1-9]|[1-3][0-9])[Tt]([0-9]|[01][0-9]|2[0-4]):[0-5]?[0-9]:[0-6]?[0-9]\.[0-9]{1,7}`)),
		"2024-02-29T00:00:00.0", "2023-02-29T00:00:00.0", "9999-12-31T23:59:59.999999", "0001-01-01T00:00:00.000000", "2024-05-06T07:08:60.0")
	eachLibrary(t, func(t *testing.T, ask asker) {
		var want []outcome[string]
		ask(t, &want, texts, "times")
		accepted := 0
		for i, text := range texts {
			if want[i].Error != "" {
				continue
			}
			accepted++
			if at, err := osprofiler.ParseTime(text); err != nil || osprofiler.FormatTime(at) != want[i].Value {
				t.Errorf("%q: %v, %v; Python: %s", text, at, err, want[i].Value)
			}
		}
		if accepted < 500 {
			t.Errorf("only %d of %d examples are timestamps: too few for this test", accepted, len(texts))
		}
	})
}

// Package pyjson accepts the same texts as Python's json, with the same values.
func TestJSON(t *testing.T) {
	t.Parallel()
	valid := examples(500, rapid.StringMatching(
		`\{"a": (-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?|NaN|-?Infinity|null|true|false), "b" :\[ "([ -!#-\[\]-~é😀]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}|u[dD][89a-fA-F][0-9a-f]{2}))*",\{\} \] \}`))
	texts := append(slices.Clone(valid), "", "[", "{]", "01", "-", "1.", ".5", "+1", "nan", "[1,]", `{"a":1,}`, "{'a':1}", `"\x"`, "\"\t\"", "1 2", "\ufeff1", `{"a":1,"a":2}`, "-0", "1e400", `"\ud83d\ude00\ud83d"`)
	for _, text := range valid { // without one of the characters
		letters := []rune(text)
		texts = append(texts, string(slices.Delete(letters, len(letters)/2, len(letters)/2+1)))
	}
	eachLibrary(t, func(t *testing.T, ask asker) {
		var want []outcome[string]
		ask(t, &want, texts, "jsons")
		refused := 0
		for i, text := range texts {
			raw, err := pyjson.One(text)
			if (err != nil) != (want[i].Error != "") {
				t.Errorf("%q: %v; Python: %+v", text, err, want[i])
				continue
			}
			if err != nil {
				refused++
			} else if !pyjson.Equal(raw, want[i].Value) {
				t.Errorf("%q is another value to Python: %q", text, want[i].Value)
			}
		}
		if refused < 20 || refused > len(texts)/2 {
			t.Errorf("%d of %d examples were refused: too few or too many for this test", refused, len(texts))
		}
	})
}

// Our JSON of a notification stays the same, byte for byte, if Python reads it and
// writes it again.
func TestWrittenAsPythonWrites(t *testing.T) {
	t.Parallel()
	scalar := rapid.OneOf(rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.String().AsAny())
	var texts []string
	for _, values := range examples(500, rapid.MapOfN(rapid.String(), rapid.OneOf(scalar, rapid.SliceOfN(scalar, 0, 3).AsAny()), 0, 5)) {
		info, err := osprofiler.NewInfo(values)
		if err != nil {
			t.Fatal(err)
		}
		n := osprofiler.Notification{Name: "é-start", BaseID: "b\x00", Info: info}
		texts = append(texts, n.JSON())
	}
	eachLibrary(t, func(t *testing.T, ask asker) {
		var want []outcome[string]
		ask(t, &want, texts, "jsons")
		for i, text := range texts {
			if want[i].Value != text {
				t.Errorf("we write   %s\nPython does %+v", text, want[i])
			}
		}
	})
}

// Python accepts the trace headers that we sign, and we accept Python's.
func TestTraceInfo(t *testing.T) {
	t.Parallel()
	id := rapid.OneOf(rapid.StringN(1, 40, -1), rapid.Just(osprofiler.NewID()))
	type request struct {
		Trace map[string]string `json:"trace,omitempty"`
		Key   string            `json:"key"`
		Info  string            `json:"info"`
		MAC   string            `json:"mac"`
		Keys  []string          `json:"keys"`
	}
	var sent []osprofiler.TraceInfo
	var requests []request
	for i, base := range examples(300, id) {
		trace := osprofiler.TraceInfo{BaseID: base, ParentID: id.Example(1000 + i)}
		key := rapid.StringN(1, 90, -1).Example(i) + "k"
		info, mac := trace.Pack(key)
		sent = append(sent, trace)
		requests = append(requests, request{
			Trace: map[string]string{"base_id": trace.BaseID, "parent_id": trace.ParentID},
			Key:   key, Info: info, MAC: mac, Keys: []string{"other", key},
		})
	}
	eachLibrary(t, func(t *testing.T, ask asker) {
		var packed [][2]string
		ask(t, &packed, requests, "pack")
		var unpacked []outcome[map[string]string]
		ask(t, &unpacked, requests, "unpack")
		for i, r := range requests {
			if packed[i] != [2]string{r.Info, r.MAC} {
				t.Errorf("%+v: we send %q %q, Python %q", r.Trace, r.Info, r.MAC, packed[i])
			}
			if got := unpacked[i].Value; got["base_id"] != sent[i].BaseID || got["parent_id"] != sent[i].ParentID || got["hmac_key"] != r.Key {
				t.Errorf("%+v: Python reads %+v", r.Trace, unpacked[i])
			}
			got, key, err := osprofiler.UnpackTraceInfo(packed[i][0], packed[i][1], r.Keys)
			if err != nil || got != sent[i] || key != r.Key {
				t.Errorf("%+v: we read %+v, %v", r.Trace, got, err)
			}
			requests[i].Keys = []string{"other"}
		}
		ask(t, &unpacked, requests, "unpack")
		for i, r := range requests {
			if _, _, err := osprofiler.UnpackTraceInfo(r.Info, r.MAC, r.Keys); !errors.Is(err, osprofiler.ErrUnsigned) || unpacked[i].Value != nil {
				t.Errorf("%+v with another key: %v; Python reads %+v", r.Trace, err, unpacked[i])
			}
			requests[i].Keys = []string{"other", r.Key}
		}
	})
}
