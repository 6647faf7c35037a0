package storetest

import (
	"hash/maphash"
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A pool holds notifications. It finds a notification that is equal to a given one without
// comparing it with each.
type pool struct {
	seed   maphash.Seed
	all    []osprofiler.Notification
	byHash map[uint64][]int // the indices of the notifications that are left
}

func newPool(all []osprofiler.Notification) *pool {
	p := &pool{maphash.MakeSeed(), all, map[uint64][]int{}}
	for i := range all {
		h := pyjson.Hash(p.seed, all[i].JSON())
		p.byHash[h] = append(p.byHash[h], i)
	}
	return p
}

// find returns the hash of a notification, and the place of an equal one in the list for that
// hash. The place is negative if no equal notification is left.
func (p *pool) find(n osprofiler.Notification) (hash uint64, place int) {
	hash = pyjson.Hash(p.seed, n.JSON())
	return hash, slices.IndexFunc(p.byHash[hash], func(i int) bool { return p.all[i].Equal(n) })
}

// has reports whether an equal notification is left.
func (p *pool) has(n osprofiler.Notification) bool {
	_, place := p.find(n)
	return place >= 0
}

// take removes an equal notification. It returns false if none is left.
func (p *pool) take(n osprofiler.Notification) bool {
	hash, place := p.find(n)
	if place >= 0 {
		p.byHash[hash] = slices.Delete(p.byHash[hash], place, place+1)
	}
	return place >= 0
}

// left returns the notifications that were not taken, in their order.
func (p *pool) left() (rest []osprofiler.Notification) {
	var indices []int
	for _, same := range p.byHash {
		indices = append(indices, same...)
	}
	slices.Sort(indices)
	for _, i := range indices {
		rest = append(rest, p.all[i])
	}
	return rest
}
