package reader

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// few is how many events of an operation are searched one by one. Nearly all
// have two; beyond this many there is an index.
const few = 16

// A nameIndex finds events of an operation with many.
type nameIndex struct {
	first map[string]int   // by name: the first of that name
	equal map[uint64][]int // by the payload's hash
	seed  maphash.Seed
}

// named returns the index of the first event of that name.
func (op *operation) named(name string) (i int, ok bool) {
	if op.names != nil {
		i, ok = op.names.first[name]
		return i, ok
	}
	for i := range op.node.Events {
		if op.node.Events[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

// holds tells whether an event with an equal payload is there.
func (op *operation) holds(e Event) bool {
	if _, ok := op.named(e.Name); !ok {
		return false
	}
	if op.names != nil {
		for _, i := range op.names.equal[pyjson.Hash(op.names.seed, e.Payload)] {
			if pyjson.Equal(op.node.Events[i].Payload, e.Payload) {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(op.node.Events, func(o Event) bool {
		return o.Name == e.Name && pyjson.Equal(o.Payload, e.Payload)
	})
}

// indexEvent enters the last event into the index, if there should be one.
func (op *operation) indexEvent(e Event) {
	last := len(op.node.Events) - 1
	if op.names != nil {
		op.names.enter(e, last)
		return
	}
	if last+1 <= few {
		return
	}
	op.names = &nameIndex{first: map[string]int{}, equal: map[uint64][]int{}, seed: maphash.MakeSeed()}
	for i, e := range op.node.Events {
		op.names.enter(e, i)
	}
}

func (x *nameIndex) enter(e Event, i int) {
	if _, ok := x.first[e.Name]; !ok {
		x.first[e.Name] = i
	}
	h := pyjson.Hash(x.seed, e.Payload)
	x.equal[h] = append(x.equal[h], i)
}

// number gives different events of one name different keys: the earliest keeps
// the plain one, the others become #2, #3 and so on, whatever order they came in.
func (n *Node) number() {
	taken := make(map[string]bool, len(n.Events))
	for _, e := range n.Events {
		taken[e.Key()] = true // another's plain name may look like our number
	}
	last := make(map[string]int, len(n.Events))
	for _, i := range n.inOrder() {
		e := &n.Events[i]
		nth, again := last[e.Name]
		if !again {
			last[e.Name] = 1
			continue
		}
		for e.Nth = nth + 1; taken[e.Key()]; e.Nth++ {
		}
		taken[e.Key()] = true
		last[e.Name] = e.Nth
	}
}

// inOrder returns the indexes of the events in an order that does not depend on
// how they came: by the text of their time, and by all their text.
func (n *Node) inOrder() []int {
	order := make([]int, len(n.Events))
	times := make([]string, len(n.Events))
	for i, e := range n.Events {
		order[i] = i
		raw, _ := pyjson.Get(e.Payload, keyTimestamp)
		times[i], _ = pyjson.Text(raw)
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(times[x], times[y]), cmp.Compare(n.Events[x].Payload, n.Events[y].Payload))
	})
	return order
}
