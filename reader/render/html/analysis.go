package html

import (
	"time"

	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// A pageAnalysis is the JSON document of the element "analysis". It is an [analyze.Analysis],
// but with the segments of the critical path in columns, and with differences of operation
// indexes in the lists of repeated calls, because there may be as many of them as operations.
type pageAnalysis struct {
	*analyze.Analysis

	CriticalPath pagePath     `json:"critical_path"`
	Repeated     []pageRepeat `json:"repeated"`
}

type pageRepeat struct {
	analyze.Repeat

	Ops []int `json:"ops"` // each index minus the one before
}

type pagePath struct {
	analyze.CriticalPath

	Segments segments `json:"segments"`
}

// segments are the segments of the critical path. They follow one another without a gap.
type segments struct {
	Ticks  ticks   `json:"ticks"`  // ticks in a microsecond
	Begin  int64   `json:"begin"`  // of the first segment, in ticks
	Op     []int   `json:"op"`     // each index minus the one before
	Length []int64 `json:"length"` // in ticks
}

func newPageAnalysis(a *analyze.Analysis) pageAnalysis {
	p := pageAnalysis{a, pagePath{a.CriticalPath, newSegments(a.CriticalPath.Segments)}, make([]pageRepeat, len(a.Repeated))}
	for i, r := range a.Repeated {
		p.Repeated[i] = pageRepeat{r, differences(r.Ops)}
	}
	return p
}

func newSegments(all []analyze.Segment) segments {
	ops := make([]int, len(all))
	begin, end := make([]time.Duration, len(all)), make([]time.Duration, len(all))
	for i, from := range all {
		ops[i], begin[i], end[i] = from.Op, time.Duration(from.Begin), time.Duration(from.End)
	}
	unit := ticksOf(begin, end)
	s := segments{Ticks: unit, Op: differences(ops), Length: unit.lengths(begin, end)}
	if len(all) > 0 {
		s.Begin = unit.of(begin[0])
	}
	return s
}
