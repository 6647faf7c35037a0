package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

// A Finding is a sentence about something important in a trace. The findings begin with the
// failures and the operations that never stopped. Then come those about time, the longest
// time first.
type Finding struct {
	Kind FindingKind `json:"kind"`
	// Text is one line without characters that control a terminal. Names from the trace
	// are in `backquotes` and shortened.
	Text    string   `json:"text"`
	Ops     []int    `json:"ops"`      // the operations that it is about, at most 100
	OpCount int      `json:"op_count"` // how many operations it is about
	Time    Duration `json:"time_us"`
	Share   float64  `json:"share"` // the part of the trace
}

// A FindingKind is the kind of a finding.
type FindingKind string

// The kinds of findings.
const (
	FoundFailure    FindingKind = "failure"    // roots of failures, at most 3; first those that were not handled
	FoundIncomplete FindingKind = "incomplete" // operations that never stopped, at most 2
	FoundCritical   FindingKind = "critical"   // calls whose self time is a fifth of the critical path or more, at most 3
	FoundRepeated   FindingKind = "repeated"   // repeated calls: 5 or more that take a twentieth of the trace, or 10 or more that take a hundredth, at most 3
	FoundGap        FindingKind = "gap"        // a tenth of the trace or more in which no operation ran, at most 1
	FoundSkew       FindingKind = "skew"       // clocks that disagree by a millisecond or more
)

// The thresholds for findings.
const (
	mostFailures    = 3
	mostIncomplete  = 2
	mostTimes       = 3 // the largest number of findings of one kind about time
	leastCritical   = 0.2
	leastRepeats    = 5
	leastWall       = 0.05
	manyRepeats     = 10
	leastWallOfMany = 0.01
	leastGap        = 0.1
	leastSkew       = time.Millisecond
	mostOps         = 100
)

// findings returns the sentences.
func (a *Analysis) findings() []Finding {
	times := append(a.repeatedFindings(), a.gapFindings()...)
	times = append(times, a.criticalFindings(times)...)
	slices.SortStableFunc(times, func(x, y Finding) int { return cmp.Compare(y.Time, x.Time) })
	found := append([]Finding{}, a.failureFindings()...)
	found = append(append(found, a.incompleteFindings()...), times...)
	return append(found, a.skewFindings()...)
}

// newFinding returns a finding about an amount of time.
func (a *Analysis) newFinding(kind FindingKind, took Duration, ops []int, format string, args ...any) Finding {
	return Finding{kind, fmt.Sprintf(format, args...), ops[:min(len(ops), mostOps)], len(ops), took, share(time.Duration(took), a.trace.total())}
}

// failureFindings returns a sentence for each kind of failure, in the order of the failures.
func (a *Analysis) failureFindings() []Finding {
	type kind struct {
		label          int32
		exception, top string
	}
	var order []kind
	failures := map[kind][]Failure{}
	for _, f := range a.Failures {
		k := kind{label: a.labelOf[f.Op], exception: f.Exception, top: a.failedWith(f)}
		if failures[k] == nil {
			order = append(order, k)
		}
		failures[k] = append(failures[k], f)
	}
	var found []Finding
	for _, k := range order[:min(len(order), mostFailures)] {
		all := failures[k]
		ops := make([]int, len(all))
		for i, f := range all {
			ops[i] = f.Op
		}
		times := ""
		if len(all) > 1 {
			times = fmt.Sprintf(" %d times", len(all))
		}
		found = append(found, a.newFinding(FoundFailure, 0, ops, "%s failed%s: %s%s", a.named(all[0].Op), times, errorText(all[0]), k.top))
	}
	if more := len(order) - mostFailures; more > 0 {
		last := &found[len(found)-1]
		last.Text += fmt.Sprintf("; and %s", describe.Counted(more, "other kind of failure", "other kinds of failures"))
	}
	return found
}

// failedWith describes the operations that failed because of a failed operation, and the one
// that went on in spite of it.
func (a *Analysis) failedWith(f Failure) (text string) {
	switch {
	case f.Top == f.Op:
	case f.Direct:
		text = "; the failure reached all operations up to " + a.named(f.Top)
	default:
		text = "; because of it " + a.named(f.Top) + " failed"
		if exception := onOneLine(describe.TypeOfError(describe.ErrorType(a.trace.nodes[f.Top])), mostOfError); exception != "" {
			text += " with " + exception
		}
	}
	if f.Handled {
		text += "; " + a.named(int(a.trace.parent[f.Top])) + " above it went on"
	}
	return text
}

// incompleteFindings returns sentences about the deepest operations without a stop.
func (a *Analysis) incompleteFindings() (found []Finding) {
	running := make([]bool, a.Count) // whether an operation below never stopped
	var ops []int
	for i := a.Count - 1; i >= 0; i-- {
		never := a.trace.nodes[i].Incomplete == reader.NoStop
		if never && !running[i] {
			ops = append(ops, i)
		}
		if p := a.trace.parent[i]; p != None {
			running[p] = running[p] || running[i] || never
		}
	}
	slices.SortFunc(ops, func(x, y int) int { return cmp.Or(cmp.Compare(a.Begin[x], a.Begin[y]), cmp.Compare(x, y)) })
	for i, op := range ops[:min(len(ops), mostIncomplete)] {
		took := Duration(a.trace.to - a.Begin[op])
		finding := a.newFinding(FoundIncomplete, took, []int{op}, "%s has no stop: it hung or still runs, its process died, or the stop was lost; the trace ended %s after its start", a.named(op), a.time(took))
		if more := len(ops) - mostIncomplete; more > 0 && i == mostIncomplete-1 {
			finding.Text += fmt.Sprintf("; %s no stop either", describe.Counted(more, "other operation has", "other operations have"))
		}
		found = append(found, finding)
	}
	return found
}

// skewFindings returns a sentence about clocks that disagree.
func (a *Analysis) skewFindings() []Finding {
	s := a.Skew
	if s.Op == None || time.Duration(s.Max) < leastSkew {
		return nil
	}
	n, by, op := a.trace.nodes[s.Op], a.time(s.Max), a.named(s.Op)
	ops := []int{s.Op}
	if s.kind == stopsEarly {
		return []Finding{a.newFinding(FoundSkew, s.Max, ops, "%s stops %s before it starts: its clock was set back, or its halves come from two clocks", op, by)}
	}
	parent := int(a.trace.parent[s.Op])
	above := a.named(parent) + onHost(a.trace.nodes[parent])
	if s.kind == isMoved {
		return []Finding{a.newFinding(FoundSkew, s.Max, ops, "Clocks disagree by at least %s: %s%s is outside of its parent %s; the times of %s were corrected for these findings",
			by, op, onHost(n), above, describe.Counted(s.Moved, "operation", "operations"))}
	}
	return []Finding{a.newFinding(FoundSkew, s.Max, ops, "Clocks disagree by at least %s: %s%s begins before its parent %s", by, op, onHost(n), above)}
}
