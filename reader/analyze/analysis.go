package analyze

import (
	"cmp"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
)

// Format is the version of the JSON of the results. It changes if the meaning of a member
// changes.
const Format = 1

// An Analysis is the result of analysing one trace.
type Analysis struct {
	Format       int             `json:"format"`
	BaseID       string          `json:"base_id"`
	TraceBegin   Duration        `json:"begin_us"`
	TraceEnd     Duration        `json:"end_us"`
	Exact        bool            `json:"exact"` // false if only whole milliseconds are known of some times
	Count        int             `json:"count"` // the number of operations
	Failed       int             `json:"failed"`
	Incomplete   int             `json:"incomplete"`
	CriticalPath CriticalPath    `json:"critical_path"`
	Services     []ServiceSum    `json:"services"`
	Operations   []OperationSum  `json:"operations"`
	Slowest      []SlowOperation `json:"slowest"` // at most 20; SlowestCount counts all operations with a duration
	SlowestCount int             `json:"slowest_count"`
	Repeated     []Repeat        `json:"repeated"`
	Gaps         []Gap           `json:"gaps"` // the longest: at most 20 of the trace and 20 of operations. GapCount counts all
	GapCount     int             `json:"gap_count"`
	Failures     []Failure       `json:"failures"`
	Skew         Skew            `json:"skew"`
	Findings     []Finding       `json:"findings"`

	// These fields have one element for each operation. They are not in the JSON.
	Begin, End    []time.Duration `json:"-"` // the interval, or 0 and 0
	Shift         []time.Duration `json:"-"` // what was added to the times because a clock is wrong
	Self          []time.Duration `json:"-"`
	Critical      []time.Duration `json:"-"` // the self time on the critical path
	CriticalBelow []time.Duration `json:"-"` // the sum of Critical for the operation and all below it
	CallOf        []int           `json:"-"` // the index in Operations
	InRepeated    []bool          `json:"-"` // whether it is a repeated call
	RootFailure   []bool          `json:"-"` // whether it is the root of a failure

	trace   *trace
	labels  []label
	labelOf []int32
}

// Trace analyses a trace.
func Trace(r *reader.Report) *Analysis {
	t := newTrace(r)
	l := newLabeller()
	a := &Analysis{
		Format: Format, BaseID: r.BaseID, TraceBegin: Duration(t.from), TraceEnd: Duration(t.to), Exact: t.exact, Count: len(t.nodes),
		Begin: t.begin, End: t.end, Shift: t.shift, InRepeated: make([]bool, len(t.nodes)), RootFailure: make([]bool, len(t.nodes)),
		trace: t, labelOf: l.labelsOf(t)[0],
	}
	a.labels = l.labels
	for i, n := range t.nodes {
		if t.failed[i] {
			a.Failed++
		}
		if incomplete(n) {
			a.Incomplete++
		}
	}
	self, gaps, ofOperations := t.selfTimes()
	traceGaps, ofTrace := t.traceGaps()
	a.Self, a.GapCount = self, ofTrace+ofOperations
	a.Gaps = append(append([]Gap{}, traceGaps...), gaps...)
	slices.SortStableFunc(a.Gaps, func(x, y Gap) int { return cmp.Compare(y.length(), x.length()) })
	a.setCriticalPath(t.criticalPath())
	a.Services, a.Operations = a.services(), a.operations()
	a.Slowest, a.SlowestCount = a.slowest()
	a.Repeated, a.Failures, a.Skew = a.repeated(), a.failures(), a.skew()
	a.Findings = a.findings()
	return a
}

// mostCritical is how many operations of the critical path are listed.
const mostCritical = 100

// setCriticalPath sets the fields that are computed from the segments of the critical path.
func (a *Analysis) setCriticalPath(segments []Segment) {
	count := len(a.trace.nodes)
	a.Critical, a.CriticalBelow = make([]time.Duration, count), make([]time.Duration, count)
	p := &a.CriticalPath
	p.Segments = append([]Segment{}, segments...)
	counts := map[int]int{}
	for _, s := range segments {
		length := time.Duration(s.End) - time.Duration(s.Begin)
		if s.Op == None {
			p.Waiting.add(length)
			continue
		}
		a.Critical[s.Op] = plus(a.Critical[s.Op], length)
		counts[s.Op]++
	}
	copy(a.CriticalBelow, a.Critical)
	for i := count - 1; i >= 0; i-- {
		if above := a.trace.parent[i]; above != None {
			a.CriticalBelow[above] = plus(a.CriticalBelow[above], a.CriticalBelow[i])
		}
	}
	ops := make([]int, 0, len(counts))
	for op := range counts {
		ops = append(ops, op)
	}
	slices.SortFunc(ops, func(x, y int) int { return cmp.Or(cmp.Compare(a.Critical[y], a.Critical[x]), cmp.Compare(x, y)) })
	p.Operations, p.OperationCount = []CriticalOperation{}, len(ops)
	for _, op := range ops[:min(len(ops), mostCritical)] {
		took := a.Critical[op]
		p.Operations = append(p.Operations, CriticalOperation{a.ref(op), Duration(took), share(took, a.trace.total()), counts[op]})
	}
}
