package html

import (
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

// mostDetail is how many characters of a description the index has at most. The whole text is
// in the report.
const mostDetail = 200

// A builder builds the index of a report.
type builder struct {
	index
	numbers    map[string]int32   // the index of each text in index.Strings
	uuids      map[[16]byte]int32 // the number of each UUID in index.IDs
	analysis   *analyze.Analysis
	begin, end []time.Duration // the intervals of the operations
	infoEnd    int64           // the end of the info of the operation before
}

// newIndex returns the index of a report. Its title is not set yet.
func newIndex(r *reader.Report, report *encodedReport, a *analyze.Analysis) *index {
	b := &builder{numbers: map[string]int32{"": 0}, uuids: map[[16]byte]int32{}, analysis: a}
	b.index = index{
		Format: 1, BaseID: r.BaseID, Warnings: append([]string{}, r.Warnings...), Strings: []string{""}, IDs: []byte{},
		Ops: newColumns(), Stats: []stat{},
		Report: reportSize{report.length, chunkSize},
	}
	if !r.Began.IsZero() {
		began := r.Began.UnixMicro()
		b.Began = &began
	}
	if r.LastStarted != nil {
		last := microseconds(time.Duration(*r.LastStarted) * time.Millisecond)
		b.LastStarted = &last
	}
	b.Duration = microseconds(time.Duration(a.TraceEnd - a.TraceBegin))
	b.addNodes(r, report)
	b.Ticks = ticksOf(b.begin, b.end)
	b.Ops.Begin, b.Ops.Length = b.Ticks.differences(b.begin), b.Ticks.lengths(b.begin, b.end)
	b.Ops.ID = differences(b.Ops.ID)
	for _, s := range r.Stats {
		total := microseconds(time.Duration(s.Duration) * time.Millisecond)
		b.Stats = append(b.Stats, stat{b.text(s.Name), s.Count, total, s.Incomplete})
	}
	return &b.index
}

// text returns the index of a text.
func (b *builder) text(s string) int32 {
	i, ok := b.numbers[s]
	if !ok {
		i = int32(len(b.Strings))
		b.numbers[s] = i
		b.Strings = append(b.Strings, s)
	}
	return i
}

// id returns the index of a text that is an id. The index of a UUID is negative.
func (b *builder) id(s string) int32 {
	uuid, ok := packedUUID(s)
	if !ok {
		return b.text(s)
	}
	number, ok := b.uuids[uuid]
	if !ok {
		number = int32(len(b.uuids))
		b.uuids[uuid] = number
		b.IDs = append(b.IDs, uuid[:]...)
	}
	return -1 - number
}

func (b *builder) addNodes(r *reader.Report, report *encodedReport) {
	var open []int32 // the operations around the current one, by level
	for depth, n := range r.Nodes() {
		parent := int32(-1)
		if depth > 0 {
			parent = open[depth-1]
		}
		open = append(open[:depth], int32(len(b.Ops.Parent)))
		b.addNode(r, n, parent, report.infos[n])
	}
}

func (b *builder) addNode(r *reader.Report, n *reader.Node, parent int32, info extent) {
	o := &b.Ops
	o.Parent = append(o.Parent, parent)
	for _, column := range []struct {
		column *[]int32
		text   string
	}{
		{&o.Name, n.Name}, {&o.Service, n.Service}, {&o.Project, n.Project}, {&o.Host, n.Host}, {&o.Kind, kind(n)},
		{&o.Detail, shortened(describe.Detail(n, false))},
		{&o.Exception, exception(n)}, {&o.Status, describe.Clean(describe.HTTPStatus(n))},
	} {
		*column.column = append(*column.column, b.text(column.text))
	}
	o.ID, o.ParentID = append(o.ID, b.id(n.TraceID)), append(o.ParentID, b.id(n.ParentID))
	begin, end := n.Begin, n.End
	if !n.Timed {
		begin, end = 0, 0
	}
	b.begin, b.end = append(b.begin, begin), append(b.end, end)
	i, a := len(o.Flags), b.analysis
	o.Flags = append(o.Flags, flagsOf(r, n, parent)|marksOf(a, i))
	o.Self, o.Critical = append(o.Self, microseconds(a.Self[i])), append(o.Critical, microseconds(a.Critical[i]))
	o.Call = append(o.Call, a.CallOf[i])
	if a.Skew.Moved > 0 {
		o.Shift = append(o.Shift, microseconds(a.Shift[i]))
	}
	o.At, o.Size = append(o.At, info.at-b.infoEnd), append(o.Size, info.size)
	b.infoEnd = info.at + info.size
}

func exception(n *reader.Node) string {
	if !describe.Failed(n) {
		return ""
	}
	return shortened(describe.Failure(n))
}

// headline names an operation in one line.
func headline(n *reader.Node) string {
	text := n.Name
	if detail := describe.Detail(n, false); detail != "" {
		text = detail
	}
	return shortened(describe.Clean(text))
}

func shortened(text string) string {
	if len(text) <= mostDetail {
		return text
	}
	runes := 0
	for i := range text {
		if runes++; runes == mostDetail {
			return strings.TrimSpace(text[:i]) + "…"
		}
	}
	return text
}

// kinds maps members of an info to the kind of call that they describe.
var kinds = map[string]string{"request": "server", "requests": "client", "db": "db", "function": "function"}

// kind returns the kind of call of an operation: "server", "client", "db", "function", or ""
// if its start does not show the kind.
func kind(n *reader.Node) string {
	event, ok := n.Event(osprofiler.Start)
	if !ok {
		if event, ok = n.Event(osprofiler.Stop); !ok {
			return ""
		}
	}
	for key := range event.Info().Members() {
		if k := kinds[key]; k != "" {
			return k
		}
	}
	return ""
}

func flagsOf(r *reader.Report, n *reader.Node, parent int32) (f flags) {
	if describe.Failed(n) {
		f |= flagFailed
	}
	switch n.Incomplete {
	case reader.Complete:
	case reader.NoStart:
		f |= flagNoStart
	case reader.NoStop:
		f |= flagNoStop
	default:
		f |= flagNoTime
	}
	if parent < 0 && n.ParentID != "" && r.BaseID != "" && n.ParentID != r.BaseID {
		f |= flagOrphan
	}
	if !n.Timed {
		f |= flagNoTime
	}
	if !n.Exact {
		f |= flagWholeMS
	}
	return f
}

// marksOf returns the flags for the results of the analysis about an operation.
func marksOf(a *analyze.Analysis, i int) (f flags) {
	if a.Critical[i] > 0 {
		f |= flagCritical
	}
	if a.InRepeated[i] {
		f |= flagRepeated
	}
	if a.RootFailure[i] {
		f |= flagRootFailure
	}
	return f
}
