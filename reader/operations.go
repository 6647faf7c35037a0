package reader

import "iter"

// operations holds the operations of a trace, their nodes and their events in
// slices that do not move.
type operations struct {
	pieces [][]operation
	count  int
	nodes  []Node  // a buffer for the next nodes
	events []Event // a buffer for the next events
}

// pieceSize is how many operations lie in one slice.
const pieceSize = 512

// at returns an operation by its index.
func (o *operations) at(i int32) *operation { return &o.pieces[i/pieceSize][i%pieceSize] }

// all yields the indexes and the operations in order.
func (o *operations) all() iter.Seq2[int32, *operation] {
	return func(yield func(int32, *operation) bool) {
		i := int32(0)
		for _, piece := range o.pieces {
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
func (o *operations) newOperation() int32 {
	i := o.count
	if i%pieceSize == 0 {
		size := pieceSize
		if i == 0 {
			size = 8 // because most traces are small; append grows the slice
		}
		o.pieces = append(o.pieces, make([]operation, 0, size))
	}
	if len(o.nodes) == cap(o.nodes) {
		o.nodes = make([]Node, 0, o.growth())
	}
	o.nodes = append(o.nodes, Node{})
	piece := &o.pieces[i/pieceSize]
	*piece = append(*piece, operation{node: &o.nodes[len(o.nodes)-1], parent: none})
	o.count++
	return int32(i)
}

// addEvent appends an event to its operation. It takes the space for two events from a larger
// buffer, because most operations have two.
func (o *operations) addEvent(op *operation, e Event) {
	if op.node.Events == nil {
		if len(o.events)+2 > cap(o.events) {
			o.events = make([]Event, 0, 2*o.growth())
		}
		at := len(o.events)
		o.events = o.events[:at+2]
		op.node.Events = o.events[at : at : at+2]
	}
	op.node.Events = append(op.node.Events, e)
	op.indexEvent(e)
}

// growth is the number of operations for which new buffers have capacity.
func (o *operations) growth() int { return min(max(o.count, 1), pieceSize) }
