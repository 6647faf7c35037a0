package convert

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// A half is one of the two notifications of an operation from which a span is made.
type half struct {
	n         *osprofiler.Notification // nil if it is missing
	kind      osprofiler.Half
	info      tags.ParsedInfo // the info, or the part of it that no attribute holds yet
	exact     tags.Exact      // the members of the info that attributes hold fully
	at        time.Time
	hasTime   bool // the timestamp could be read; the time is at
	keepWhole bool // the span must hold the whole notification
}

func newHalf(n *osprofiler.Notification, kind osprofiler.Half) half {
	h := half{n: n, kind: kind}
	if n == nil {
		return h
	}
	h.info = tags.NewParsedInfo(n.Info)
	at, err := n.Time()
	h.at, h.hasTime = at, err == nil
	return h
}

// timesOf returns both times. If one is missing or cannot be read, it is set to the other. If
// both are, they are set to the beginning of 1970.
func timesOf(start, stop *half) (from, to time.Time) {
	switch {
	case !start.hasTime && !stop.hasTime:
		epoch := time.Unix(0, 0).UTC()
		return epoch, epoch
	case !start.hasTime:
		return stop.at, stop.at
	case !stop.hasTime:
		return start.at, start.at
	}
	return start.at, stop.at
}

// followsFrom reports whether the notification, without its info, can be derived from the
// operation and its first notification.
func (h *half) followsFrom(first *half, operation string) bool {
	n := h.n
	if f := first.n; h != first && (n.ParentID != f.ParentID || n.Project != f.Project || n.Service != f.Service) {
		return false
	}
	for _, text := range [...]string{n.BaseID, n.TraceID, n.ParentID, n.Project, n.Service, n.Name} {
		if !utf8.ValidString(text) {
			return false
		}
	}
	suffix, ok := strings.CutPrefix(n.Name, operation)
	return ok && suffix == suffixOf(h.kind) &&
		n.Plain() && n.BaseID != "" && n.TraceID != "" && n.ParentID != "" && h.hasTime && isFormatted(n.Timestamp)
}

// isFormatted reports whether a readable timestamp has the form that [osprofiler.FormatTime]
// writes. A readable timestamp has no part with too many digits. So if the length is right, no
// part has too few.
func isFormatted(timestamp string) bool {
	const point = len("2006-01-02T15:04:05")
	if len(timestamp) != point+len(".000000") || timestamp[10] != 'T' || timestamp[point] != '.' {
		return false
	}
	for _, c := range []byte(timestamp[point+1:]) {
		if c < '0' || '9' < c {
			return false
		}
	}
	return true
}
