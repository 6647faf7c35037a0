package relay_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

// exampleStores returns a file store with three notifications and an empty one.
func exampleStores(ctx context.Context, folder string) (from, to *store.Store) {
	from, err := store.Open(ctx, "file://"+filepath.Join(folder, "from.jsonl"))
	if err != nil {
		log.Fatal(err)
	}
	if err := from.Write(ctx, notifications(3, 1)); err != nil {
		log.Fatal(err)
	}
	if to, err = store.Open(ctx, "file://"+filepath.Join(folder, "to.jsonl")); err != nil {
		log.Fatal(err)
	}
	return from, to
}

// The target gets what it lacks, so that a second Copy writes nothing.
func ExampleCopy() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	from, to := exampleStores(ctx, folder)
	defer from.Close()
	defer to.Close()

	for range 2 {
		source, target := relay.FromStore(from), relay.ToStore(to)
		counts, err := relay.Copy(ctx, source, []relay.Target{target})
		fmt.Println(counts.Read, "read,", counts.Targets[0].Written, "written", err)
		target.Close()
		source.Close()
	}
	// Output:
	// 3 read, 3 written <nil>
	// 3 read, 0 written <nil>
}

// The next run begins at the last checkpoint.
func ExampleFromFeed() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	from, to := exampleStores(ctx, folder)
	defer from.Close()
	defer to.Close()

	var cursor store.Cursor // kept in a file, for example
	keep := func(_ context.Context, c store.Cursor) error { cursor = c; return nil }
	for run := range 2 {
		source, target := relay.FromFeed(from, cursor, keep), relay.ToStore(to)
		counts, err := relay.Copy(ctx, source, []relay.Target{target})
		fmt.Println("run", run, "read", counts.Read, err)
		target.Close()
		source.Close()
	}
	// Output:
	// run 0 read 3 <nil>
	// run 1 read 0 <nil>
}
