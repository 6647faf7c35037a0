package driver_test

import (
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

func TestMentionsRequest(t *testing.T) {
	for _, tt := range []struct {
		info osprofiler.Info
		id   string
		want bool
	}{
		{`{"openstack": {"request_id": "req-1"}}`, "req-1", true},
		{`{"openstack": {"request_id": "req-12"}}`, "req-1", false},
		{`{"message": "(Request-ID: req-1)"}`, "req-1", true},
		{`{"message": "req-12 req-1"}`, "req-1", true},
		{`{"message": "a\nreq-1\tb"}`, "req-1", true},
		{`{"message": "\u0072eq-1"}`, "req-1", true},
		{`{"message": "é\u0000req-1"}`, "req-1", true},
		{`{"otel": "{\"v\":\"a\\nreq-1\"}"}`, "req-1", true},
		{`{"otel": "{\"v\":\"areq-1\"}"}`, "req-1", false},
		{`{"otel": "{\"v\":\"\\u0072eq-1\"}"}`, "req-1", true},
		{`{"otel": "{\"v\":\"req-1"}`, "req-1", true},
		{`{"message": "a \"b\" c"}`, `"b"`, true},
		{`{"message": "caf\u00e9"}`, "café", true},
		{`{"otel": "{\"v\":\"{\\\"w\\\":\\\"req\\\\u002d1\\\"}\"}"}`, "req-1", true},
		{`{"body": "[{\"v\":\"a\\nreq-1\"}]"}`, "req-1", true},
		{`{"body": "{'v': 'a\\nreq-1\\t'}"}`, "req-1", true},
		{`{"body": "v\\/req-1\\/"}`, "req-1", true},
		{`{"message": "req\\u002D1"}`, "req-1", true},
		{`{"message": "req\\u002D12"}`, "req-1", false},
		{`{"request": {"query": "a=b%20req-1%26"}}`, "req-1", true},
		{`{"request": {"query": "id%3Dreq-1"}}`, "req-1", true},
		{`{"request": {"query": "id=req%2d1&x"}}`, "req-1", true},
		{`{"request": {"query": "id=req%2D1"}}`, "req-1", true},
		{`{"request": {"query": "id=req%2D12"}}`, "req-1", false},
		{`{"request": {"query": "next=%2Fa%3Fid%253Dreq-1"}}`, "req-1", true},
		{`{"request": {"query": "q=req-1%", "a": "%2"}}`, "req-1", true},
		{`{"db": {"statement": "x LIKE '%req-1%'"}}`, "req-1", true},
		{`{"request": {"query": "id%3Da%2Fb"}}`, "a/b", true},
		{`{"a": "x \ud83d\ude00 y"}`, "😀", true},
		{`{"a": "req-1\u0061"}`, "req-1", false},
		{`{"n": 17}`, "17", false},
		{`{}`, "", false},
		{``, "req-1", false},
		{`{"a": "req-1`, "req-1", false},
		{`{"a": "\`, `\`, false},
	} {
		if got := driver.MentionsRequest(tt.info, tt.id); got != tt.want {
			t.Errorf("%s mentions %q: %v", tt.info, tt.id, got)
		}
	}
}

// FuzzMentionsRequest checks that no text makes MentionsRequest panic.
func FuzzMentionsRequest(f *testing.F) {
	f.Add(`{"message": "req-1"}`, "req-1")
	f.Add(strings.Repeat(`{"a": `, 9)+`"{\"b\": \"\u00`, "req-1")
	f.Fuzz(func(t *testing.T, info, id string) {
		if driver.MentionsRequest(osprofiler.Info(info), id) && id == "" {
			t.Error("every info mentions nothing")
		}
	})
}
