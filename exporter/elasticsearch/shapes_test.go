package elasticsearch_test

import (
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
)

// mappings are those of indices whose first documents were of other kinds, and the
// members that a document with info.conflict as a text has in each.
var mappings = []struct{ name, settings, properties, members string }{
	{"a new field", ``, `"info": {"properties": {"conflict": {"type": "long"}, "etype": {"type": "text"}}}`, `name base_id trace_id parent_id timestamp info{etype host} project service osp_original`},
	{"etype is an object", ``, `"info": {"properties": {"conflict": {"type": "long"}, "etype": {"properties": {"a": {"type": "text"}}}}}`, `name base_id trace_id parent_id timestamp info{host} project service osp_original`},
	{"no field more", `"index.mapping.total_fields.limit": LIMIT`, `"info": {"properties": {"conflict": {"type": "long"}, "etype": {"type": "text"}}}`, `name base_id trace_id parent_id timestamp info{etype host} project service info.host`},
	{"no field more, etype is a number", `"index.mapping.total_fields.limit": LIMIT`, `"info": {"properties": {"conflict": {"type": "long"}, "etype": {"type": "long"}}}`, `name base_id trace_id parent_id timestamp info{host} project service info.host`},
	{"host is an object", ``, `"info": {"properties": {"host": {"properties": {"a": {"type": "text"}}}}}`, `name base_id trace_id parent_id timestamp info{} project service osp_original`},
	{"project is a number", ``, `"project": {"type": "long"}`, `base_id trace_id parent_id timestamp osp_original`},
	{"project is a number, no field more", `"index.mapping.total_fields.limit": LIMIT`, `"project": {"type": "long"}`, `base_id trace_id parent_id timestamp info.host`},
	{"trace_id is a number", ``, `"trace_id": {"type": "long"}`, `base_id osp_original`},
	{"base_id is a number", ``, `"base_id": {"type": "long"}`, `osp_original`},
	{"base_id is a number, no field more", `"index.mapping.total_fields.limit": LIMIT`, `"base_id": {"type": "long"}`, `info.host`},
}

// The short form has as many members as the index accepts.
func TestShapes(t *testing.T) {
	for _, m := range mappings {
		t.Run(m.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, url string) {
				url, index := newPlace(t, url)
				b := newBare(t, url)
				b.do(http.MethodPut, "/"+index, `{"mappings": {"properties": {`+m.properties+`}}}`)
				b.do(http.MethodPost, "/"+index+"/_doc", `{"info": {"n": 1}}`) // to have info in any case
				fill(b, index, m.settings, m.properties)
				n := note("db-stop", `{"host": "h", "conflict": "text", "etype": "ValueError"}`)
				if err := writeAgain(t, open(t, url), []osprofiler.Notification{n}); err != nil {
					t.Fatal(err)
				}
				checkStored(t, b, index, []osprofiler.Notification{n})
				source := b.do(http.MethodGet, "/"+index+"/_source/"+elasticsearch.DocumentID(n.AppendJSON(nil)), "")
				if got := membersOf(source); got != m.members {
					t.Errorf("%s\nwant %s", got, m.members)
				}
			})
		})
	}
}

// fill lowers the limit of fields to the number that the index has, if the settings ask
// for it.
func fill(b bare, index, settings, properties string) {
	if settings == "" {
		return
	}
	if !strings.Contains(properties, `"info"`) || !strings.Contains(properties, `"host"`) { // each index of Python has these
		b.do(http.MethodPut, "/"+index+"/_mapping", `{"properties": {"info": {"properties": {"host": {"type": "text"}}}}}`)
	}
	for _, key := range []string{"name", "base_id", "trace_id", "parent_id", "timestamp", "project", "service"} {
		if !strings.Contains(properties, `"`+key+`"`) {
			b.do(http.MethodPut, "/"+index+"/_mapping", `{"properties": {"`+key+`": {"type": "text"}}}`)
		}
	}
	count := strings.Count(b.do(http.MethodGet, "/"+index+"/_mapping", ""), `"type"`) + 1 // info has no type
	b.do(http.MethodPut, "/"+index+"/_settings", `{`+strings.Replace(settings, "LIMIT", strconv.Itoa(count), 1)+`}`)
}

// membersOf returns the keys of a document, with those of info.
func membersOf(source string) string {
	n, err := osprofiler.ParseInfo(source)
	if err != nil {
		return err.Error()
	}
	var keys []string
	for key, raw := range n.Members() {
		if key == "info" {
			inner := slices.Collect(keysOf(osprofiler.Info(raw)))
			key += "{" + strings.Join(inner, " ") + "}"
		}
		keys = append(keys, key)
	}
	return strings.Join(keys, " ")
}

func keysOf(info osprofiler.Info) iter.Seq[string] {
	return func(yield func(string) bool) {
		for key := range info.Members() {
			if !yield(key) {
				return
			}
		}
	}
}
