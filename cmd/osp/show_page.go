package main

import (
	"io"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/render/html"
)

// writePage writes a report as a web page.
func writePage(w io.Writer, report *reader.Report) error {
	return html.Write(w, report, html.WithGenerator("osp "+version()))
}
