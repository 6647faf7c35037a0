package render

import (
	"time"

	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

// A duration is either exact, or known only in whole milliseconds.
type duration struct {
	time.Duration
	exact bool
}

// milliseconds returns the duration for a number of milliseconds in a report.
func milliseconds(ms int64) duration {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	return duration{time.Duration(min(max(ms, -most), most)) * time.Millisecond, false}
}

// String writes the duration in at most eight columns.
func (d duration) String() string { return describe.Duration(d.Duration, d.exact) }

// counted writes a number with its noun.
func counted(n int, one, many string) string { return describe.Counted(n, one, many) }

// FormatDuration writes a duration in at most eight columns, as the text view does.
func FormatDuration(d time.Duration) string { return duration{d, true}.String() }
