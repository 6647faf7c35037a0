package render

import (
	"fmt"
	"strconv"
	"strings"
)

// duration writes whole milliseconds for people. The times that it is the
// difference of were cut off, so 0 is anything below one.
func duration(ms int64) string {
	if ms < 0 {
		return "-" + strings.TrimPrefix(duration(max(-ms, 1)), "<") // the lowest has no opposite
	}
	switch {
	case ms == 0:
		return "<1 ms"
	case ms < 1000:
		return strconv.FormatInt(ms, 10) + " ms"
	case ms < 9_995:
		return fmt.Sprintf("%.2f s", float64(ms)/1000)
	case ms < 59_950:
		return fmt.Sprintf("%.1f s", float64(ms)/1000)
	}
	s := ms / 1000
	if ms%1000 >= 500 {
		s++
	}
	switch {
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 24*3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	switch days := s / 86400; {
	case days < 1000:
		return fmt.Sprintf("%dd%02dh", days, s/3600%24)
	case days < 36525*10:
		return fmt.Sprintf("%dy", days*100/36525)
	}
	return ">999y"
}

// mean writes an average of milliseconds.
func mean(sum, count int64) string {
	switch {
	case count == 0:
		return ""
	case sum == 0:
		return duration(0)
	}
	if ms := float64(sum) / float64(count); ms < 9.95 && sum >= 0 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return duration(sum / count)
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
