package analyze

import (
	"cmp"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// A Failure is the root of a failure: a failed operation that did not fail because of one
// of its children.
type Failure struct {
	Ref
	Exception string `json:"exception"` // the error's type
	Message   string `json:"message"`   // at most 1,000 bytes
	// Top is the outermost operation that failed because of Op, or Op itself. Direct is true
	// if all of them failed with the same type of error.
	Top    int  `json:"top"`
	Direct bool `json:"direct"`
	// Handled is true if the operation above Top did not fail because of Op.
	Handled bool `json:"handled"`
}

// failures returns the roots of the failures: first those that were not handled, in the
// order in which they ended, then the others, the last one first.
func (a *Analysis) failures() []Failure {
	nodes, parent := a.trace.nodes, a.trace.parent
	causes := a.causes()
	top, direct := make([]int32, len(nodes)), make([]bool, len(nodes))
	for i := range nodes {
		top[i], direct[i] = int32(i), true
		if p := parent[i]; p != None && a.trace.failed[i] && causes[p] == int32(i) {
			top[i], direct[i] = top[p], direct[p] && describe.ErrorType(nodes[p]) == describe.ErrorType(nodes[i])
		}
	}
	all := []Failure{}
	for i, n := range nodes {
		if a.trace.failed[i] && causes[i] == None {
			exception, message := errorOf(n)
			isHandled := parent[top[i]] != None
			all = append(all, Failure{a.ref(i), shortened(exception), shortened(message), int(top[i]), direct[i], isHandled})
			a.RootFailure[i] = true
		}
	}
	slices.SortFunc(all, func(x, y Failure) int {
		switch {
		case x.Handled != y.Handled:
			return map[bool]int{false: -1, true: 1}[x.Handled]
		case x.Handled:
			x, y = y, x
		}
		return cmp.Or(cmp.Compare(a.End[x.Op], a.End[y.Op]), cmp.Compare(x.Op, y.Op))
	})
	return all
}

// causes returns for each failed operation the child that made it fail, or None. This child
// is the last failed one with the same type of error, or else the failed one that ended last,
// if no other child began after that.
func (a *Analysis) causes() []int32 {
	nodes, parent := a.trace.nodes, a.trace.parent
	causes, same := make([]int32, len(nodes)), make([]bool, len(nodes))
	lastBegin := make([]time.Duration, len(nodes)) // the last begin of a child, for each operation
	for i := range nodes {
		causes[i], lastBegin[i] = None, -longest
	}
	for i, n := range nodes {
		p := parent[i]
		if p == None {
			continue
		}
		lastBegin[p] = max(lastBegin[p], a.Begin[i])
		if !a.trace.failed[i] || !a.trace.failed[p] {
			continue
		}
		isSame := describe.ErrorType(n) == describe.ErrorType(nodes[p])
		c := causes[p]
		if c == None || isSame && !same[p] || isSame == same[p] && a.End[i] >= a.End[c] {
			causes[p], same[p] = int32(i), isSame
		}
	}
	for i, c := range causes {
		if c != None && !same[i] && lastBegin[i] > a.End[c] {
			causes[i] = None
		}
	}
	return causes
}

// errorOf returns the type and the message of the error of a failed operation.
func errorOf(n *reader.Node) (exception, message string) {
	exception = describe.ErrorType(n)
	for _, e := range n.Events {
		if e.Half() != osprofiler.Stop {
			continue
		}
		failure, _, ok := tags.FailureOfInfo(e.Info())
		if ok && (failure.Type == exception || exception == "" || exception == "None") {
			return failure.Type, failure.Message
		}
	}
	return exception, ""
}
