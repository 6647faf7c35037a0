package file_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/store"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()

	s, err := store.Open(ctx, "file://"+filepath.Join(dir, "traces.jsonl"))
	if err != nil {
		panic(err)
	}
	defer func() { _ = s.Close() }()
	err = s.Write(ctx, []osprofiler.Notification{{
		Name: "wsgi-start", BaseID: "a0000000-0000-4000-8000-000000000001", TraceID: "a0000000-0000-4000-8000-000000000002",
		ParentID: "a0000000-0000-4000-8000-000000000001", Timestamp: "2024-05-06T07:08:09.000010", Info: `{"host": "host-1"}`,
	}})
	if err != nil {
		panic(err)
	}
	for trace, err := range s.Traces(ctx, store.Query{Limit: 10}) {
		fmt.Println(trace.BaseID, trace.Timestamp, err)
	}
	// Output:
	// a0000000-0000-4000-8000-000000000001 2024-05-06T07:08:09.000010 <nil>
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "traces.jsonl")
	if err := os.WriteFile(path, []byte(`{"name": "wsgi-start", "base_id": "B"}`+"\n"+`{"name": "wsgi-st`), 0o600); err != nil {
		panic(err)
	}

	s, err := file.Open("file://"+path, file.WithReadOnly())
	if err != nil {
		panic(err)
	}
	defer func() { _ = s.Close() }()
	for n, err := range s.Notifications(context.Background(), "B") {
		if err != nil {
			fmt.Println("a line was skipped")
			continue
		}
		fmt.Println(n.JSON())
	}
	// Output:
	// {"name": "wsgi-start", "base_id": "B"}
	// a line was skipped
}
