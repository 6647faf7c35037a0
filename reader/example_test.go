package reader_test

import (
	"context"
	"fmt"
	"iter"
	"log"
	"os"
	"path/filepath"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/render"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// oneRequest yields the notifications of a request that queries a database and another
// service, which never answers.
func oneRequest() iter.Seq2[osprofiler.Notification, error] {
	return parsed([]string{
		`{"name": "wsgi-start", "base_id": "b0", "trace_id": "t1", "parent_id": "b0", "timestamp": "2024-05-06T07:08:09.000000", "info": {"request": {"method": "GET", "path": "/servers", "query": "", "scheme": "http"}, "host": "c1"}, "project": "nova", "service": "api"}`,
		`{"name": "db-start", "base_id": "b0", "trace_id": "t2", "parent_id": "t1", "timestamp": "2024-05-06T07:08:09.001500", "info": {"db": {"statement": "SELECT id, name\nFROM instances", "params": {}}, "host": "c1"}, "project": "nova", "service": "api"}`,
		`{"name": "db-stop", "base_id": "b0", "trace_id": "t2", "parent_id": "t1", "timestamp": "2024-05-06T07:08:09.002250", "info": {"host": "c1"}, "project": "nova", "service": "api"}`,
		`{"name": "neutron-api-start", "base_id": "b0", "trace_id": "t3", "parent_id": "t1", "timestamp": "2024-05-06T07:08:09.004000", "info": {"host": "c1"}, "project": "nova", "service": "api"}`,
		`{"name": "wsgi-stop", "base_id": "b0", "trace_id": "t1", "parent_id": "b0", "timestamp": "2024-05-06T07:08:09.042000", "info": {"etype": "Timeout", "message": "no answer", "host": "c1"}, "project": "nova", "service": "api"}`,
	})
}

func ExampleBuildReport() {
	report, err := reader.BuildReport(oneRequest())
	if err != nil {
		log.Fatal(err)
	}
	for depth, node := range report.Nodes() {
		took, ok := node.Elapsed()
		fmt.Println(depth, node.Name, took, ok, node.Incomplete, node.Failed)
	}
	fmt.Println(report.Warnings)
	// Output:
	// 0 wsgi 42ms true  true
	// 1 db 750µs true  false
	// 1 neutron-api 0s false no stop false
	// [1 operation has no stop notification: "neutron-api t3"]
}

func ExampleReport_EncodeJSON() {
	report, err := reader.BuildReport(func(func(osprofiler.Notification, error) bool) {})
	if err != nil {
		log.Fatal(err)
	}
	if err := report.EncodeJSON(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {
	//   "info": {
	//     "name": "total",
	//     "started": 0,
	//     "finished": null,
	//     "last_trace_started": null
	//   },
	//   "children": [],
	//   "stats": {}
	// }
}

func ExampleParseReport() {
	saved, err := os.ReadFile("testdata/show_a.json") // by `osprofiler trace show --json`
	if err != nil {
		log.Fatal(err)
	}
	report, err := reader.ParseReport(string(saved))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.BaseID, report.Began, *report.Finished, "ms")
	_, err = reader.ParseReport(`{"traceID": "from another tool"}`)
	fmt.Println(err)
	// Output:
	// a0000000-0000-4000-8000-000000000001 2024-05-06 07:08:09.00001 +0000 UTC 8 ms
	// this is no saved report: the report should have a list of children
}

// stored writes the request into a file, as a service would.
func stored() (connectionString string, remove func()) {
	dir, err := os.MkdirTemp("", "reader")
	if err != nil {
		log.Fatal(err)
	}
	connectionString = "file:///" + filepath.Join(dir, "traces.jsonl")
	s, err := store.Open(context.Background(), connectionString)
	if err != nil {
		log.Fatal(err)
	}
	var all []osprofiler.Notification
	for n, err := range oneRequest() {
		if err != nil {
			log.Fatal(err)
		}
		all = append(all, n)
	}
	if err := s.Write(context.Background(), all); err != nil {
		log.Fatal(err)
	}
	if err := s.Close(); err != nil {
		log.Fatal(err)
	}
	return connectionString, func() { _ = os.RemoveAll(dir) }
}

func ExampleOpen() {
	connectionString, remove := stored()
	defer remove()
	ctx := context.Background()
	r, err := reader.Open(ctx, connectionString) // needs the import of exporter/file, or of exporter/all
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for trace, err := range r.Traces(ctx, store.Query{Failed: true, Limit: 10}) {
		if err != nil {
			log.Fatal(err)
		}
		report, err := r.Report(ctx, trace.BaseID)
		if err != nil {
			log.Fatal(err)
		}
		if err := render.Text(os.Stdout, report); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// Trace b0
	// 2024-05-06 07:08:09.000 UTC · 42.0 ms · 3 operations · 1 failed · 1 incomplete
	//
	//                                                            0            42.0 ms
	// ✗ api:wsgi  GET /servers                          42.0 ms │████████████████████│
	// │   Timeout: no answer
	// ├ api:db  SELECT … FROM instances                  750 µs │▐                   │
	// └ api:neutron-api                     running for 38.0 ms │ ▕╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌│
	//
	// service  project  hosts  operations  failed
	// api      nova     c1              3       1
	//
	// operation    count    total     mean  failed  incomplete
	// wsgi             1  42.0 ms  42.0 ms       1
	// db               1   750 µs   750 µs
	// neutron-api      1                                     1
	//
	// ! 1 operation has no stop notification: "neutron-api t3"
}

func ExampleReader_Traces() {
	connectionString, remove := stored()
	defer remove()
	ctx := context.Background()
	r, err := reader.Open(ctx, connectionString)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for trace, err := range r.Traces(ctx, store.Query{Service: "api", Limit: 10}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(trace.BaseID, trace.Timestamp, trace.Notifications, trace.Failed)
	}
	// Output: b0 2024-05-06T07:08:09.000000 5 true
}

func ExampleFields() {
	connectionString, remove := stored()
	defer remove()
	ctx := context.Background()
	r, err := reader.Open(ctx, connectionString)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for trace, err := range r.Traces(ctx, store.Query{First: true}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(reader.Fields(trace.First, "name", "info.request.path"))
	}
	// Output: {"name": "wsgi-start", "info": {"request": {"path": "/servers"}}}
}

func ExampleReader_Spans() {
	connectionString, remove := stored()
	defer remove()
	ctx := context.Background()
	converter := convert.New(convert.WithRedaction(tags.Redaction{DBParams: true}))
	r, err := reader.Open(ctx, connectionString, reader.WithConverter(converter))
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for span, err := range r.Spans(ctx, "b0") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(span.Name(), span.SpanKind(), span.Status().Code)
	}
	// Output:
	// wsgi server Error
	// db client Unset
	// neutron-api internal Unset
}

func ExampleNew() {
	connectionString, remove := stored()
	defer remove()
	ctx := context.Background()
	s, err := store.Open(ctx, connectionString)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	r := reader.New(s)
	report, err := r.Report(ctx, "b0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(report.Children), report.Stats)
	// Output: 1 [{wsgi 1 42 0} {db 1 1 0} {neutron-api 1 0 1}]
}
