package memory_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	_ "github.com/osprofiler-otel/osprofiler/examples/memory-store"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Place:  func(testing.TB) string { return "memory://" + osprofiler.NewID() },
		OptOut: map[string]string{"open-unreachable": "the memory of the process cannot be unreachable"},
	})
}

func TestOpenErrors(t *testing.T) {
	for _, connectionString := range []string{"memory", "memory://", "memory://name?osp_read_only=yes"} {
		if _, err := store.Open(t.Context(), connectionString); !errors.Is(err, store.ErrConnectionString) {
			t.Errorf("Open(%q): %v", connectionString, err)
		}
	}
}

func Example() {
	ctx := context.Background()
	s, err := store.Open(ctx, "memory://example")
	if err != nil {
		log.Fatal(err)
	}
	id := osprofiler.NewID()
	if err := s.Write(ctx, []osprofiler.Notification{{Name: "db-start", BaseID: id, TraceID: osprofiler.NewID(), ParentID: id}}); err != nil {
		log.Fatal(err)
	}
	for trace, err := range s.Traces(ctx, store.Query{Limit: 1}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(trace.Name, trace.Notifications)
	}
	// Output: db-start 1
}
