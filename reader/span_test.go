package reader_test

import (
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/reader"
)

// Span returns the span that an operation's notifications make. If the payloads of a report
// have no ids, the report and the node provide them.
func TestSpan(t *testing.T) {
	const base, id, parent = "20000000-0000-4000-8000-000000000001", "20000000-0000-4000-8000-000000000002", "20000000-0000-4000-8000-000000000003"
	request := `"info": {"host": "h", "request": {"method": "GET", "path": "/v3", "scheme": "http", "query": ""}}`
	whole := own(t, event("wsgi-start", id, parent, 0, request), event("wsgi-stop", id, parent, 5), event("wsgi-start", id, parent, 2))
	for name, text := range map[string]string{
		"whole payloads":       encode(t, whole),
		"payloads without ids": strings.NewReplacer(`"name": "wsgi-start",`, "", `"trace_id": "`+id+`",`+"\n            ", "").Replace(encode(t, whole)),
	} {
		r, err := reader.ParseReport(text)
		if err != nil {
			t.Fatal(name, err)
		}
		r.BaseID = base
		s := r.Span(r.Children[0])
		if s == nil || s.Name() != "wsgi" || s.SpanKind().String() != "server" || s.EndTime().Sub(s.StartTime()).Microseconds() != 5 {
			t.Errorf("%s: %+v", name, s)
		}
		if got := s.SpanContext().SpanID().String(); got != "8000000000000002" {
			t.Errorf("%s: the span's id is %s", name, got)
		}
	}
	if s := whole.Span(&reader.Node{Name: "a", Events: []reader.Event{{Name: "a-start", Payload: "5"}}}); s != nil {
		t.Errorf("a span of nothing: %+v", s)
	}
}
