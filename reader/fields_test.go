package reader_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
)

func TestFields(t *testing.T) {
	const text = `{"name": "wsgi-start", "base_id": "b", "trace_id": "1", "parent_id": "b", "timestamp": "2024-05-06T07:08:09.000010", ` +
		`"info": {"request": {"path": "/servers", "method": "GET"}, "host": "h", "list": [{"a": 1, "b": 2}, 3, [{"a": 4}], {"b": 5}], "a.b": {"c": 6}}, ` +
		`"project": null, "service": "old", "service": "api", "extra": {"x": true}}`
	n, err := osprofiler.ParseNotification(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, `{}`},
		{[]string{"name"}, `{"name": "wsgi-start"}`},
		{[]string{"service", "name", "nosuch"}, `{"name": "wsgi-start", "service": "api"}`},
		{[]string{"info.request.path"}, `{"info": {"request": {"path": "/servers"}}}`},
		{[]string{"info.host", "info.request.path"}, `{"info": {"request": {"path": "/servers"}, "host": "h"}}`},
		{[]string{"info.request", "info.request.path"}, `{"info": {"request": {"path": "/servers", "method": "GET"}}}`},
		{[]string{"info.db.statement", "project"}, `{"info": {}, "project": null}`},
		{[]string{"info.host.deeper", "extra.x"}, `{"info": {}, "extra": {"x": true}}`},
		{[]string{"info.list.a"}, `{"info": {"list": [{"a": 1}, {}]}}`},
		{[]string{"info.a.b.c"}, `{"info": {"a.b": {"c": 6}}}`},
		{[]string{"", ".", "info.", "name.", ".name"}, `{"info": {}}`},
	} {
		got := reader.Fields(&n, c.names...)
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.names, got, c.want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%q: %s is not JSON", c.names, got)
		}
	}
}

// The Python library returned these fields for MongoDB and Redis.
func TestFieldsOfPython(t *testing.T) {
	for _, c := range []struct {
		capture string
		names   []string
	}{
		{"mongodb", []string{"base_id", "timestamp", "name", "info"}}, // MongoDB adds the first two
		{"redis", []string{"name", "info", "project"}},
	} {
		text, err := os.ReadFile("testdata/fields/" + c.capture + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var rows []json.RawMessage
		if err := json.Unmarshal(text, &rows); err != nil {
			t.Fatal(err)
		}
		sample := notifications(t, sequence(t, readLines(t, "testdata/show_a.jsonl")...))
		for _, row := range rows {
			i := slices.IndexFunc(sample, func(n osprofiler.Notification) bool {
				n.BaseID = "" // the captures have a second trace, which differs only in its id
				return sameJSON(withoutBaseID(t, reader.Fields(&n, c.names...)), withoutBaseID(t, string(row)))
			})
			if i < 0 {
				t.Errorf("%s: no notification has the fields %s", c.capture, row)
			}
		}
	}
}

func withoutBaseID(t *testing.T, object string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &members); err != nil {
		t.Fatal(err)
	}
	delete(members, "base_id")
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
