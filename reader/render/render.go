// Package render writes reports: as the JSON of the Python tool ([JSON]), as a tree for
// people ([Text]), and as a graph for Graphviz ([Dot]). These functions write any report that
// package reader builds or parses, whatever its depth. Package reader/python draws the Python
// tool's graph.
package render

import (
	"io"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
)

// JSON writes a report as [reader.Report.EncodeJSON] does. The error is w's.
func JSON(w io.Writer, r *reader.Report) error { return r.EncodeJSON(w) }

// A TextOption is an option of [Text].
type TextOption interface{ apply(*textConfig) }

type textConfig struct {
	width    int
	color    bool
	ascii    bool
	verbose  bool
	findings bool
	location *time.Location
}

type textOption func(*textConfig)

func (f textOption) apply(c *textConfig) { f(c) }

// The widths that Text supports, in columns.
const (
	defaultWidth = 80
	leastWidth   = 60
)

// WithWidth sets how many columns the lines may take. The default is 80, the
// minimum 60.
func WithWidth(columns int) TextOption {
	return textOption(func(c *textConfig) { c.width = max(columns, leastWidth) })
}

// WithColor turns on colours, as escape sequences that every terminal supports. They are off
// by default. A stored text never becomes an escape sequence.
func WithColor(on bool) TextOption {
	return textOption(func(c *textConfig) { c.color = on })
}

// WithASCII draws with ASCII characters only. Any other character of a stored text
// is shown as its code. It is off by default.
func WithASCII(on bool) TextOption {
	return textOption(func(c *textConfig) { c.ascii = on })
}

// WithLocation sets the time zone of the trace's date and time. The default is UTC.
func WithLocation(location *time.Location) TextOption {
	return textOption(func(c *textConfig) { c.location = location })
}

// WithVerbose shows more below each operation: the name, kind and status of its
// span, the id, the attributes, the events with their time since the start of the
// operation, and the links. It is off by default.
func WithVerbose(on bool) TextOption {
	return textOption(func(c *textConfig) { c.verbose = on })
}
