package html

import (
	"time"

	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// A pageAnalysis is the JSON document of the element "analysis": an
// [analyze.Analysis], but with the segments of the critical path in columns, because
// there may be as many of them as operations.
type pageAnalysis struct {
	*analyze.Analysis

	CriticalPath pagePath `json:"critical_path"`
}

type pagePath struct {
	analyze.CriticalPath

	Segments segments `json:"segments"`
}

type segments struct {
	Op    []int          `json:"op"`
	Begin []microseconds `json:"begin"`
	End   []microseconds `json:"end"`
}

func newPageAnalysis(a *analyze.Analysis) pageAnalysis {
	n := len(a.CriticalPath.Segments)
	s := segments{Op: make([]int, n), Begin: make([]microseconds, n), End: make([]microseconds, n)}
	for i, from := range a.CriticalPath.Segments {
		s.Op[i] = from.Op
		s.Begin[i] = microseconds(time.Duration(from.Begin))
		s.End[i] = microseconds(time.Duration(from.End))
	}
	return pageAnalysis{a, pagePath{a.CriticalPath, s}}
}
