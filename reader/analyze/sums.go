package analyze

import (
	"cmp"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
)

// A Sum adds up operations.
type Sum struct {
	Count      int      `json:"count"`
	Failed     int      `json:"failed"`
	Incomplete int      `json:"incomplete"`  // operations without a duration
	Total      Duration `json:"total_us"`    // of the durations
	Self       Duration `json:"self_us"`     // of the self times
	Critical   Duration `json:"critical_us"` // of the self times on the critical path
}

// A ServiceSum adds up the operations of a service.
type ServiceSum struct {
	Project string `json:"project"`
	Service string `json:"service"`
	Sum
}

// An OperationSum adds up the operations with one label.
type OperationSum struct {
	Project string `json:"project"`
	Service string `json:"service"`
	Name    string `json:"name"`
	Kind    Kind   `json:"kind"`
	What    string `json:"what"` // at most 1,000 bytes
	Sum
	Max Duration `json:"max_us"` // the longest duration
	Op  int      `json:"op"`     // the first of the operations
}

// add adds the operation with an index.
func (s *Sum) add(a *Analysis, i int) {
	s.Count++
	if a.trace.failed[i] {
		s.Failed++
	}
	if d, ok := a.trace.duration(int32(i)); ok {
		s.Total.add(d)
	} else {
		s.Incomplete++
	}
	s.Self.add(a.Self[i])
	s.Critical.add(a.Critical[i])
}

// services adds up the operations by service, those with the longest self time first.
func (a *Analysis) services() []ServiceSum {
	sums := []ServiceSum{}
	index := map[[2]string]int{}
	for i, n := range a.trace.nodes {
		key := [2]string{n.Project, n.Service}
		k, ok := index[key]
		if !ok {
			k = len(sums)
			index[key] = k
			sums = append(sums, ServiceSum{Project: n.Project, Service: n.Service})
		}
		sums[k].add(a, i)
	}
	slices.SortStableFunc(sums, func(x, y ServiceSum) int { return cmp.Compare(y.Self, x.Self) })
	return sums
}

// operations adds up the operations by label, those with the longest self time first, and
// sets CallOf.
func (a *Analysis) operations() []OperationSum {
	sums := make([]OperationSum, len(a.labels))
	for i, l := range a.labels {
		sums[i] = OperationSum{Project: l.project, Service: l.service, Name: l.name, Kind: l.kind, What: l.shortWhat(), Op: None}
	}
	for i, l := range a.labelOf {
		s := &sums[l]
		if s.Op == None {
			s.Op = i
		}
		s.add(a, i)
		if d, ok := a.trace.duration(int32(i)); ok {
			s.Max = max(s.Max, Duration(d))
		}
	}
	order := make([]int, len(sums)) // the labels in order
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(sums[y].Self, sums[x].Self) })
	sorted, places := make([]OperationSum, len(sums)), make([]int, len(sums))
	for place, l := range order {
		sorted[place], places[l] = sums[l], place
	}
	a.CallOf = make([]int, len(a.labelOf))
	for i, l := range a.labelOf {
		a.CallOf[i] = places[l]
	}
	return sorted
}

// A SlowOperation is an operation with a long duration.
type SlowOperation struct {
	Ref
	Duration Duration `json:"duration_us"`
	Self     Duration `json:"self_us"`
}

// mostSlowest is how many of the slowest operations are listed.
const mostSlowest = 20

// slowest returns the operations with the longest durations, and how many have a
// duration.
func (a *Analysis) slowest() (slow []SlowOperation, count int) {
	var all []int
	for i := range a.trace.nodes {
		if _, ok := a.trace.duration(int32(i)); ok {
			all = append(all, i)
		}
	}
	took := func(i int) time.Duration { d, _ := a.trace.duration(int32(i)); return d }
	slices.SortStableFunc(all, func(x, y int) int { return cmp.Compare(took(y), took(x)) })
	slow = []SlowOperation{}
	for _, i := range all[:min(len(all), mostSlowest)] {
		slow = append(slow, SlowOperation{a.ref(i), Duration(took(i)), Duration(a.Self[i])})
	}
	return slow, len(all)
}

// ref names the operation with an index.
func (a *Analysis) ref(i int) Ref {
	n := a.trace.nodes[i]
	return Ref{i, n.TraceID, n.Project, n.Service, n.Name, a.labels[a.labelOf[i]].shortWhat()}
}

// incomplete reports whether the start or the stop of an operation is not known.
func incomplete(n *reader.Node) bool { return n.Incomplete != reader.Complete }
