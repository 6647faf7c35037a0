// Package describe describes an operation in a few words: its call on one line, and
// durations. The texts may contain any characters of a stored text. The caller has to escape
// invisible characters before printing them.
package describe

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration writes a duration in at most eight columns. Whole milliseconds (exact is
// false) were rounded down, so that 0 means less than one millisecond.
func Duration(d time.Duration, exact bool) string {
	if d < 0 {
		return "-" + strings.TrimPrefix(Duration(max(-d, 1), exact), "<") // the lowest number has no positive counterpart
	}
	us, ms := d.Microseconds(), float64(d)/float64(time.Millisecond)
	switch {
	case !exact && d == 0:
		return "<1 ms"
	case exact && ms < 0.9995:
		return strconv.FormatInt(us, 10) + " µs"
	case exact && ms < 9.995:
		return fmt.Sprintf("%.2f ms", ms)
	case exact && ms < 99.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return long(d)
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

// Percent writes part as a percentage of whole. It returns "" if whole is not positive.
func Percent(part, whole time.Duration) string {
	switch percent := 100 * float64(part) / float64(whole); {
	case whole <= 0:
		return ""
	case percent > 0 && percent < 1:
		return "<1 %"
	default:
		return strconv.Itoa(int(percent+0.5)) + " %"
	}
}

// Counted writes a number with its noun.
func Counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
