// Package html writes a report as one self-contained web page: it needs no server, no network
// and no other file. The page shows the tree of the operations with a timeline, a flame
// graph, the time by service and the findings of package reader/analyze.
//
// # The page
//
// The page consists of the files page.html, *.css and *.js of this package. [Write] puts the
// style sheets and scripts into page.html where page.html refers to them, so that page.html
// decides on their order. A content security policy in the page names each of them by its
// hash and forbids everything else: any request, any other script, and markup made from text.
//
// # The data
//
// The page contains three data elements, gzipped and in base64, so that no text of a
// trace can be read as markup. The element "data" is an index: the operations in
// columns, with times, names and short descriptions. The element "analysis" has the
// findings. The element "report" is the whole saved report, as `trace show --json`
// writes it, in chunks that are compressed one by one, so that a browser decodes only
// what it shows.
// [reader.ParseReport] reads the report from the page.
package html

import (
	"bufio"
	"cmp"
	"io"
	"slices"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

// An Option is an option of [Write].
type Option interface{ apply(*config) }

type config struct {
	title     string
	generator string
}

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithTitle sets the title of the page. The default consists of the first operation and the
// base id.
func WithTitle(title string) Option {
	return optionFunc(func(c *config) { c.title = title })
}

// WithGenerator sets the name and version of the program that writes the page,
// which the page shows.
func WithGenerator(generator string) Option {
	return optionFunc(func(c *config) { c.generator = generator })
}

// Write writes a report as a web page. The page contains the whole report. The
// error is w's.
func Write(w io.Writer, r *reader.Report, opts ...Option) error {
	c := config{title: title(r), generator: "osprofiler"}
	for _, o := range opts {
		o.apply(&c)
	}
	report, err := encodeReport(r)
	if err != nil {
		return err
	}
	a := analyze.Trace(r)
	index := newIndex(r, report, a)
	index.Generator, index.Title = c.generator, c.title
	data, err := compressJSON(index)
	if err != nil {
		return err
	}
	analysis, err := compressJSON(newPageAnalysis(a))
	if err != nil {
		return err
	}
	b := pageWriter{bufio.NewWriterSize(w, 64<<10)}
	b.page(page(), map[string]func(){
		markerCSP:   func() { b.text(policy()) },
		markerTitle: func() { b.text(escape(c.title)) },
		markerData:  func() { b.element("data", oneGzip, data) },
		markerReport: func() {
			b.element("analysis", oneGzip, analysis)
			b.element("report", gzipChunks, report.chunks...)
		},
	})
	return b.Flush()
}

// title names the trace by the longest operation at the top and by the base id.
func title(r *reader.Report) string {
	text := "Trace"
	if r.BaseID != "" {
		text += " " + describe.Clean(r.BaseID)
	}
	if len(r.Children) == 0 {
		return text
	}
	longest := slices.MaxFunc(r.Children, func(a, b *reader.Node) int { return cmp.Compare(a.End-a.Begin, b.End-b.Begin) })
	head := headline(longest)
	if longest.Service != "" {
		head = shortened(describe.Clean(longest.Service)) + ": " + head
	}
	return head + " · " + text
}
