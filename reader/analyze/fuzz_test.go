package analyze_test

import (
	"io"
	"testing"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
	"github.com/osprofiler-otel/osprofiler/reader/render"
	"github.com/osprofiler-otel/osprofiler/reader/render/html"
)

// FuzzSavedReport reads texts as saved reports, whose times and trees may be anything. The
// laws of checkLaws apply to every report that can be read.
func FuzzSavedReport(f *testing.F) {
	for _, text := range []string{
		`{"children": []}`,
		`{"children": [{"info": {"name": "wsgi", "service": "api", "started": 0, "finished": 90, "meta.raw_payload.wsgi-start": {"timestamp": "2026-11-22T07:00:00.000000", "info": {"request": {"method": "GET", "path": "/a/12?b=c"}}}}, "children": [` +
			`{"info": {"name": "db", "started": 5, "finished": 40, "exception": "E"}}, {"info": {"name": "db", "started": 39, "finished": 60}}, {"info": {"name": "db", "started": 70, "finished": 190}}]}]}`,
		`{"children": [{"info": {"name": "a", "started": -9223372036854775808, "finished": 9223372036854775807}, "children": [{"info": {"name": "b", "started": 9223372036854775807, "finished": -9223372036854775808}}]}]}`,
		`{"children": [{"info": {"started": 1e300, "finished": 1e400, "exception": "E"}}, {"info": {"started": null}}, {"info": {"incomplete": "no stop", "started": 5, "finished": 5}, "children": [{"info": {"started": 7, "finished": 6}}]}]}`,
		`{"info": {"finished": 200}, "children": [{"info": {"name": "x", "started": 100, "finished": 0, "incomplete": "stop", "host": "h"}}, {"info": {"name": "y", "started": 5, "finished": 9}}]}`,
		`{"info": {"finished": 5}, "children": [{"info": {"name": "x", "host": "h", "started": -50, "finished": 150}, "children": [{"info": {"name": "y", "host": "h2", "started": 160, "finished": 170}}]}]}`,
		`{"children": [{"info": {"name": ";\n 5", "service": "\u0000", "started": 0, "finished": 3, "meta.raw_payload.a-start": {"info": {"db": {"statement": "SELECT 'x\u2028 IN ("}}}}}]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := reader.ParseReport(text)
		if err != nil {
			return
		}
		a := analyze.Trace(r)
		if err := render.Analysis(io.Discard, a); err != nil {
			t.Fatal(err)
		}
		if err := html.Write(io.Discard, r); err != nil {
			t.Fatal(err)
		}
		if a.Count > 300 {
			checkPath(t, a) // the checks of the other laws are quadratic in the size
			return
		}
		checkLaws(t, r, a)
	})
}
