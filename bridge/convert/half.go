package convert

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// A half is one of the two notifications that a span is made of, and what is
// known of it on the way.
type half struct {
	n       *osprofiler.Notification // nil if it is missing
	stop    bool
	outline tags.Outline // of its info, or of what of that nothing else says yet
	said    bool         // the attributes say the member that describes the call
	at      time.Time
	timed   bool // at is what its timestamp says
	unlike  bool // it has to be kept whole
}

// read reads info and time.
func (h *half) read() {
	if h.n == nil {
		return
	}
	h.outline = tags.OutlineOf(h.n.Info)
	at, err := h.n.Time()
	h.at, h.timed = at, err == nil
}

func (h *half) kind() osprofiler.Half {
	if h.stop {
		return osprofiler.Stop
	}
	return osprofiler.Start
}

// timesOf gives both times. A missing or unreadable one is the other; where
// neither can be read, it is the beginning of 1970.
func timesOf(start, stop *half) (from, to time.Time) {
	switch {
	case !start.timed && !stop.timed:
		epoch := time.Unix(0, 0).UTC()
		return epoch, epoch
	case !start.timed:
		return stop.at, stop.at
	case !stop.timed:
		return start.at, start.at
	}
	return start.at, stop.at
}

// follows tells whether all of a notification but its info follows from the
// span and the operation's first notification.
func (h *half) follows(first *half, operation string) bool {
	n := h.n
	if f := first.n; h != first && (n.ParentID != f.ParentID || n.Project != f.Project || n.Service != f.Service) {
		return false
	}
	for _, text := range [...]string{n.BaseID, n.TraceID, n.ParentID, n.Project, n.Service, n.Name} {
		if !utf8.ValidString(text) {
			return false
		}
	}
	name, ok := strings.CutPrefix(n.Name, operation)
	return ok && (h.stop && name == "-stop" || !h.stop && name == "-start") &&
		n.Plain() && n.BaseID != "" && n.TraceID != "" && n.ParentID != "" && h.timed && isFormatted(n.Timestamp)
}

// isFormatted tells whether a timestamp that can be read is written as
// [osprofiler.FormatTime] writes it. Its date and its time have no more digits
// than they should, so they have none less if all has its length.
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
