package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A duration is exact, or known in whole milliseconds only.
type duration struct {
	time.Duration
	exact bool
}

// milliseconds returns the duration of a number of a report.
func milliseconds(ms int64) duration {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	return duration{time.Duration(min(max(ms, -most), most)) * time.Millisecond, false}
}

// String writes the duration in at most eight columns. Whole milliseconds were
// rounded down, so that 0 means less than one millisecond.
func (d duration) String() string {
	if d.Duration < 0 {
		return "-" + strings.TrimPrefix(duration{max(-d.Duration, 1), d.exact}.String(), "<") // the lowest number has no positive counterpart
	}
	us, ms := d.Microseconds(), float64(d.Duration)/float64(time.Millisecond)
	switch {
	case !d.exact && d.Duration == 0:
		return "<1 ms"
	case d.exact && ms < 0.9995:
		return strconv.FormatInt(us, 10) + " µs"
	case d.exact && ms < 9.995:
		return fmt.Sprintf("%.2f ms", ms)
	case d.exact && ms < 99.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return long(d.Duration)
}

// long writes a time of about a second or more.
func long(d time.Duration) string {
	s := d.Seconds()
	switch {
	case s < 9.995:
		return fmt.Sprintf("%.2f s", s)
	case s < 59.95:
		return fmt.Sprintf("%.1f s", s)
	}
	switch whole := int64(d.Round(time.Second) / time.Second); {
	case whole < 3600:
		return fmt.Sprintf("%dm%02ds", whole/60, whole%60)
	case whole < 24*3600:
		return fmt.Sprintf("%dh%02dm", whole/3600, whole/60%60)
	case whole < 1000*24*3600:
		return fmt.Sprintf("%dd%02dh", whole/86400, whole/3600%24)
	default:
		return fmt.Sprintf("%dy", whole/31557600)
	}
}

// lastNames returns the last two parts of a name with dots.
func lastNames(name string) string {
	last := strings.LastIndexByte(name, '.')
	if last < 0 {
		return name
	}
	return name[strings.LastIndexByte(name[:last], '.')+1:]
}

// counted writes a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// FormatDuration writes a duration in at most eight columns, as the text view does.
func FormatDuration(d time.Duration) string { return duration{d, true}.String() }
