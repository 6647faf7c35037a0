package reader

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// fewEvents is the number of events of an operation up to which they are compared one by one.
// Most operations have two. With more events there is an index.
const fewEvents = 16

// An eventIndex finds the events of an operation with many events.
type eventIndex struct {
	byName    map[string]int   // the first event of that name
	byPayload map[uint64][]int // by the hash of the payload's JSON value
	seed      maphash.Seed
}

// eventNamed returns the index of the first event of that name.
func (op *operation) eventNamed(name string) (i int, ok bool) {
	if op.events != nil {
		i, ok = op.events.byName[name]
		return i, ok
	}
	for i := range op.node.Events {
		if op.node.Events[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

// hasEqualEvent reports whether the operation has an event with the same JSON value.
func (op *operation) hasEqualEvent(e Event) bool {
	if op.events != nil {
		for _, i := range op.events.byPayload[pyjson.Hash(op.events.seed, e.Payload)] {
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

// indexEvent adds the last event to the index. It creates the index when there are more than
// fewEvents events.
func (op *operation) indexEvent(e Event) {
	last := len(op.node.Events) - 1
	if op.events != nil {
		op.events.add(e, last)
		return
	}
	if last+1 <= fewEvents {
		return
	}
	op.events = &eventIndex{byName: map[string]int{}, byPayload: map[uint64][]int{}, seed: maphash.MakeSeed()}
	for i, e := range op.node.Events {
		op.events.add(e, i)
	}
}

func (x *eventIndex) add(e Event, i int) {
	if _, ok := x.byName[e.Name]; !ok {
		x.byName[e.Name] = i
	}
	h := pyjson.Hash(x.seed, e.Payload)
	x.byPayload[h] = append(x.byPayload[h], i)
}

// numberEvents gives different events of one name different keys. The earliest
// has the name as its key. The others are #2, #3 and so on. The order in which
// the events arrived does not matter.
func (n *Node) numberEvents() {
	taken := make(map[string]bool, len(n.Events))
	for _, e := range n.Events {
		taken[e.Key()] = true // the name of another event may look like a numbered key
	}
	numbers := make(map[string]int, len(n.Events)) // the last number of each name
	for _, i := range n.byTime() {
		e := &n.Events[i]
		last, repeated := numbers[e.Name]
		if !repeated {
			numbers[e.Name] = 1
			continue
		}
		for e.Nth = last + 1; taken[e.Key()]; e.Nth++ {
		}
		taken[e.Key()] = true
		numbers[e.Name] = e.Nth
	}
}

// byTime returns the indexes of the events, sorted by the text of their
// timestamps and then by their payloads. The order in which the events arrived
// does not matter.
func (n *Node) byTime() []int {
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
