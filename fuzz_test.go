package osprofiler_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

func FuzzParseNotification(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"name": null, "info": {"host": "h", "etype": ""}}`, "{\"a\":\n[1, {\"b\": [2.5e-7, -0, NaN]}]}",
		`{"name": "a", "name": "\ud800", "project": 9007199254740993}`, "{\"name\": \"\xff\x00\"}", `[1`, `{"info": "{}"}`,
	} {
		f.Add(seed, "x-stop", `{"y": 1}`)
	}
	for i, n := range traceA(f) {
		f.Add(n.JSON(), "", string(traceA(f)[7-i].Info))
	}
	lines(f, filepath.Join("reader", "testdata", "openstack", "17-keystone-killed-mid-request.jsonl"), func(line string) {
		f.Add(line, "db-stop", "")
	})
	f.Fuzz(func(t *testing.T, text, name, info string) {
		n, err := osprofiler.ParseNotification(text)
		if err != nil {
			if json.Valid([]byte(text)) && text[0] == '{' {
				t.Fatalf("encoding/json takes %q, this does not: %v", text, err)
			}
			return
		}
		if other, err := osprofiler.ParseNotification(" " + text); err != nil || other != n {
			t.Fatalf("%q is read as %+v, behind a blank as %+v (%v)", text, n, other, err)
		}
		_, _, _ = n.Half(), n.Operation(), n.Plain()
		_, _ = n.Time()
		sameAgain(t, n)

		n.Name, n.Info = name, osprofiler.Info(info)
		if n.Validate() == nil {
			sameAgain(t, n)
			n.Info = n.Info.With("host", `"h"`).Without(name)
			sameAgain(t, n)
		}
	})
}

// sameAgain checks that the notification is unchanged after it was written and read.
func sameAgain(t *testing.T, n osprofiler.Notification) {
	t.Helper()
	written := n.JSON()
	again, err := osprofiler.ParseNotification(written)
	if err != nil {
		t.Fatalf("%q cannot be read again: %v", written, err)
	}
	if !again.Equal(n) || !pyjson.Equal(again.JSON(), written) {
		t.Fatalf("%q came back as %q", written, again.JSON())
	}
}

func FuzzUnpackTraceInfo(f *testing.F) {
	_, cases := traceHeaders(f)
	for _, c := range cases {
		f.Add(c.Headers[osprofiler.HeaderTraceInfo], c.Headers[osprofiler.HeaderTraceHMAC], c.HMACKeys)
	}
	f.Fuzz(func(t *testing.T, info, mac, list string) {
		keys, _, _ := osprofiler.ParseKeys(list)
		if _, _, err := osprofiler.UnpackTraceInfo(info, mac, keys); err != nil &&
			!errors.Is(err, osprofiler.ErrUnsigned) && !errors.Is(err, osprofiler.ErrBadTraceInfo) {
			t.Fatalf("%q: an error of another kind: %v", info, err)
		}
		// The fuzzer finds no valid signature, so the test signs the generated text.
		info, mac = osprofiler.SealText(info, "k")
		got, key, err := osprofiler.UnpackTraceInfo(info, mac, append(keys, "k"))
		if err != nil {
			if key != "" || got != (osprofiler.TraceInfo{}) {
				t.Fatalf("%q: %+v and %q beside %v", info, got, key, err)
			}
			return
		}
		if got.BaseID == "" || got.ParentID == "" {
			t.Fatalf("%q: an id is missing in %+v", info, got)
		}
		info, mac = got.Pack(key)
		if again, _, err := osprofiler.UnpackTraceInfo(info, mac, []string{key}); err != nil || again != got {
			t.Fatalf("%+v came back as %+v, %v", got, again, err)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{
		"2024-05-06T07:08:09.000010", "2024-5-6t7:8:9", "2024-02-29 00:00:00.123456789+05:30", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := osprofiler.ParseTime(text)
		// Package time also accepts a comma as the decimal point, and any number of digits
		// after it.
		reference, wrong := time.Parse("2006-01-02T15:04:05.999999999", text)
		if wrong == nil && len(text) < 30 && !strings.Contains(text, ",") && reference.Year() > 0 &&
			(err != nil || !at.Equal(reference)) {
			t.Fatalf("%q: %v, %v; package time reads %v", text, at, err, reference)
		}
		if err != nil {
			return
		}
		written := osprofiler.FormatTime(at)
		if at.Year() < 1 || at.Year() > 9999 { // an offset may move the time out of the range that a notification can represent
			return
		}
		again, err := osprofiler.ParseTime(written)
		if err != nil || !again.Equal(at.Truncate(time.Microsecond)) {
			t.Fatalf("%q is %v, written %q, read %v, %v", text, at, written, again, err)
		}
	})
}

func FuzzParseUUID(f *testing.F) {
	for _, seed := range []string{
		"bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", "{BD1F8A526C3E4F5F9C0A3C9C6D2E1A01}", "urn:uuid:00000000-0000-0000-0000-000000000000", "not-a-uuid", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, ok := osprofiler.ParseUUID(text)
		if !ok && u != (osprofiler.UUID{}) {
			t.Fatalf("%q: %v beside a refusal", text, u)
		}
		if again, ok := osprofiler.ParseUUID(u.String()); !ok || again != u {
			t.Fatalf("%q: %v came back as %v", text, u, again)
		}
		if ok && osprofiler.UUIDOf(text) != u {
			t.Fatalf("%q: UUIDOf disagrees", text)
		}
		if osprofiler.TraceIDOf(text) == ([16]byte{}) || osprofiler.SpanIDOf(text) == ([8]byte{}) {
			t.Fatalf("%q gives a zero id", text)
		}
	})
}
