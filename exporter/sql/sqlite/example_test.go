package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/store"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()

	// Three slashes and the path: a fourth one begins an absolute path.
	s, err := store.Open(ctx, "sqlite:///"+filepath.Join(dir, "traces.db"))
	if err != nil {
		panic(err)
	}
	defer func() { _ = s.Close() }()
	err = s.Write(ctx, []osprofiler.Notification{{
		Name: "wsgi-stop", BaseID: "a0000000-0000-4000-8000-000000000001", TraceID: "a0000000-0000-4000-8000-000000000002",
		ParentID: "a0000000-0000-4000-8000-000000000001", Timestamp: "2024-05-06T07:08:09.000010",
		Info: `{"etype": "ValueError", "message": "no such flavor", "host": "host-1"}`, Project: "nova", Service: "api",
	}})
	if err != nil {
		panic(err)
	}
	for trace, err := range s.Traces(ctx, store.Query{Failed: true, Limit: 10}) {
		fmt.Println(trace.BaseID, trace.FirstFailure, trace.Service, err)
	}
	// Output:
	// a0000000-0000-4000-8000-000000000001 2024-05-06T07:08:09.000010 api <nil>
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	path := filepath.Join(dir, "traces.db")

	s, err := sqlite.Open("sqlite:///" + path)
	if err != nil {
		panic(err)
	}
	if err := s.Write(ctx, []osprofiler.Notification{{Name: "wsgi-start", BaseID: "B", TraceID: "T", ParentID: "B"}}); err != nil {
		panic(err)
	}
	if err := s.Close(); err != nil {
		panic(err)
	}

	// Closed, the file may be copied, and be read where nothing can be written.
	s, err = sqlite.Open("sqlite:///"+path, sqlite.WithReadOnly())
	if err != nil {
		panic(err)
	}
	defer func() { _ = s.Close() }()
	for n, err := range s.Notifications(ctx, "B") {
		fmt.Println(n.Name, err)
	}
	// Output:
	// wsgi-start <nil>
}
