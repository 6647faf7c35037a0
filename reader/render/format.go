package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A span of time is exact, or only known in whole milliseconds.
type span struct {
	time.Duration
	exact bool
}

// milliseconds is what the report's numbers say.
func milliseconds(ms int64) span {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	return span{time.Duration(min(max(ms, -most), most)) * time.Millisecond, false}
}

// String writes it for people, in eight columns at most. Whole milliseconds
// were cut off, so that 0 of them is anything below one.
func (d span) String() string {
	if d.Duration < 0 {
		return "-" + strings.TrimPrefix(span{max(-d.Duration, 1), d.exact}.String(), "<") // the lowest has no opposite
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

// lastNames returns the last two of a dotted name's parts, which tell most.
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
