package reader

import (
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// BuildReport builds the report of one trace from its notifications, in the
// order in which the back end gives them. It is pure: it reads nothing but the
// sequence. An error that wraps [*store.Damage] becomes a warning; any other
// ends it and is returned. No notifications make an empty report.
//
// Without [WithUpstreamAnswers] nothing that a notification says is an error;
// with it, what the Python library fails at is an [*UpstreamError].
func BuildReport(notifications iter.Seq2[osprofiler.Notification, error], opts ...ReportOption) (*Report, error) {
	c := config{}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return buildReport(notifications, c)
}

func buildReport(notifications iter.Seq2[osprofiler.Notification, error], c config) (*Report, error) {
	b := &builder{config: c, strings: map[string]int32{}}
	for n, err := range notifications {
		if err != nil {
			if store.Ends(err) {
				return nil, err
			}
			b.warn.note(damagedEntry, err.Error())
			continue
		}
		b.n = n // n itself would escape to the heap, each time
		b.number++
		if err := b.add(&b.n); err != nil {
			return nil, err
		}
	}
	return b.report()
}

// A builder collects the operations of one trace.
type builder struct {
	config
	n       osprofiler.Notification // the current one
	number  int                     // which one it is, from 1
	pieces  [][]operation           // in order of first appearance; see op
	count   int                     // how many these are
	latest  int32                   // the one that the last event belonged to
	strings map[string]int32        // their index by trace_id
	others  map[string]int32        // the same for trace_ids that are no strings, or missing
	nodes   []Node                  // room for the next ones
	events  []Event                 // room for the next ones

	baseID                 string
	first, last, lastStart moment
	warn                   warnings
}

// An operation is a node in the making.
type operation struct {
	node             *Node
	started, stopped moment
	names            *nameIndex  // once there are many events
	from             origin      // our own answers only
	failedAt         exceptionOf // our own answers only
	parent           int32       // index, or none
	sawStart         bool
	sawStop          bool
	repeated         bool // several events have one name
}

const none = -1

func (b *builder) add(n *osprofiler.Notification) error {
	if b.number == 1 {
		b.baseID = n.BaseID
	}
	if b.upstream {
		return b.addUpstream(n)
	}
	b.addOwn(n)
	return nil
}

func (b *builder) report() (*Report, error) {
	r := &Report{BaseID: b.baseID, Began: b.first.time(), Upstream: b.upstream}
	if b.first.ok {
		r.Finished = new(b.last.since(b.first))
	}
	if b.lastStart.ok {
		r.LastStarted = new(b.lastStart.since(b.first))
	}
	if b.upstream {
		b.finishUpstream()
		if err := b.linkUpstream(); err != nil {
			return nil, err
		}
	} else {
		b.finishOwn()
		b.linkOwn()
	}
	r.Stats = b.stats()
	r.Children = b.tree()
	r.Warnings = b.warn.sentences()
	return r, nil
}

// pieceSize is how many operations lie in one piece of memory.
const pieceSize = 512

// op returns an operation by its index.
func (b *builder) op(i int32) *operation { return &b.pieces[i/pieceSize][i%pieceSize] }

// operations yields the indexes and the operations in order.
func (b *builder) operations() iter.Seq2[int32, *operation] {
	return func(yield func(int32, *operation) bool) {
		i := int32(0)
		for _, piece := range b.pieces {
			for k := range piece {
				if !yield(i, &piece[k]) {
					return
				}
				i++
			}
		}
	}
}

// newOperation adds an operation and returns its index.
func (b *builder) newOperation() int32 {
	i := b.count
	if i%pieceSize == 0 {
		size := pieceSize
		if i == 0 {
			size = 8 // most traces are small: append grows it
		}
		b.pieces = append(b.pieces, make([]operation, 0, size))
	}
	if len(b.nodes) == cap(b.nodes) {
		b.nodes = make([]Node, 0, roomFor(i))
	}
	b.nodes = append(b.nodes, Node{})
	piece := &b.pieces[i/pieceSize]
	*piece = append(*piece, operation{node: &b.nodes[len(b.nodes)-1], parent: none})
	b.count++
	return int32(i)
}

// addEvent puts an event behind the others of its operation. Nearly all have
// two: so much is cut out of a larger piece.
func (b *builder) addEvent(op *operation, e Event) {
	if op.node.Events == nil {
		if len(b.events)+2 > cap(b.events) {
			b.events = make([]Event, 0, 2*roomFor(b.count))
		}
		at := len(b.events)
		b.events = b.events[:at+2]
		op.node.Events = b.events[at : at : at+2]
	}
	op.node.Events = append(op.node.Events, e)
	op.indexEvent(e)
}

// roomFor grows the room with what is there.
func roomFor(have int) int { return min(max(have, 1), pieceSize) }

// clock takes the time of an event into the trace's.
func (b *builder) clock(at moment, half osprofiler.Half) {
	b.first = earliest(b.first, at)
	b.last = latest(b.last, at)
	if half != osprofiler.Stop {
		b.lastStart = latest(b.lastStart, at)
	}
}

// start is what siblings are sorted by.
func (op *operation) start() moment {
	if op.started.ok {
		return op.started
	}
	return op.stopped
}

// setTimes gives the node its times; a missing one is the other.
func (op *operation) setTimes(first moment) {
	started, stopped := op.start(), op.stopped
	if !stopped.ok {
		stopped = started
	}
	n := op.node
	if n.Timed = started.ok; n.Timed {
		n.setTimes(started, stopped, first)
	}
	switch {
	case op.started.ok && op.stopped.ok:
	case !op.sawStop && n.Timed:
		n.Incomplete = NoStop
	case !op.sawStart && n.Timed:
		n.Incomplete = NoStart
	default:
		n.Incomplete = NoTime
	}
}

func (n *Node) setTimes(started, stopped, first moment) {
	n.Started, n.Finished = started.since(first), stopped.since(first)
	n.Begin, n.End, n.Exact = started.after(first), stopped.after(first), true
}

// stats sums up. Upstream takes what has no duration for 0, and what stops
// before it starts for less; in ours neither has a known duration.
func (b *builder) stats() []Stat {
	at := map[string]int{}
	var stats []Stat
	for _, op := range b.operations() {
		n := op.node
		place, ok := at[n.Name]
		if !ok {
			place = len(stats)
			at[n.Name] = place
			stats = append(stats, Stat{Name: n.Name})
		}
		s := &stats[place]
		s.Count++
		ms, ok := n.Duration()
		known := ok && (ms >= 0 || b.upstream)
		if known || b.upstream {
			s.Duration += n.Finished - n.Started
		}
		if !known {
			s.Incomplete++
		}
	}
	return stats
}
