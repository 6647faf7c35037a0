package reader_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"path/filepath"

	_ "github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/render"
)

// This example contains the lines of docs/reports.md word for word; package doctest checks
// that.
func ExampleReader_Report() {
	folder, err := filepath.Abs("testdata/openstack")
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	w := io.Discard // a program shows the report on os.Stdout
	connectionString := "file://" + filepath.Join(folder, "17-keystone-killed-mid-request.jsonl")
	const baseID = "1740482c-5a17-4e6a-8d63-6942b6601abb"

	r, err := reader.Open(ctx, connectionString)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	report, err := r.Report(ctx, baseID)
	if err != nil {
		log.Fatal(err)
	}
	for depth, node := range report.Nodes() {
		if elapsed, ok := node.Elapsed(); depth == 0 && ok {
			fmt.Println(node.Service, node.Name, elapsed)
		}
	}
	if err := render.Text(w, report, render.WithWidth(120)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// public wsgi 197.323ms
	// inventory-sync list-while-server-dies 2.889751s
}
