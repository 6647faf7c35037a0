// Package backend holds what several back ends share: what they need to keep
// the promises of store.Store on top of what their stores give.
package backend

import (
	"hash/maphash"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// Unique tells which notifications of a sequence come for the first time. It
// keeps them; so it is for the notifications of one trace. The zero Unique is
// ready for use.
//
// Nearly all differ in their fields already, so whole values are compared only
// where these agree.
type Unique struct {
	seed     maphash.Seed
	kept     [][]osprofiler.Notification // in pieces, which never move
	count    int
	byFields map[uint64]int   // the first with these fields
	byValue  map[uint64][]int // those that share their fields with another
}

// First tells whether no equal notification came before, and keeps n.
func (u *Unique) First(n osprofiler.Notification) bool {
	if u.byFields == nil {
		u.seed = maphash.MakeSeed()
		u.byFields = map[uint64]int{}
		u.byValue = map[uint64][]int{}
	}
	fields := u.fields(&n)
	first, met := u.byFields[fields]
	if !met {
		u.byFields[fields] = u.keep(n)
		return true
	}
	value := pyjson.Hash(u.seed, u.at(first).JSON())
	if len(u.byValue[value]) == 0 {
		u.byValue[value] = []int{first}
	}
	value = pyjson.Hash(u.seed, n.JSON())
	for _, i := range u.byValue[value] {
		if u.at(i).Equal(n) {
			return false
		}
	}
	u.byValue[value] = append(u.byValue[value], u.keep(n))
	return true
}

// pieceSize is how many notifications lie in one piece of memory.
const pieceSize = 128

func (u *Unique) keep(n osprofiler.Notification) int {
	i := u.count
	u.count++
	switch {
	case i == 0:
		u.kept = append(u.kept, nil) // most traces are small: append grows it
	case i%pieceSize == 0:
		u.kept = append(u.kept, make([]osprofiler.Notification, 0, pieceSize))
	}
	piece := &u.kept[i/pieceSize]
	*piece = append(*piece, n)
	return i
}

func (u *Unique) at(i int) *osprofiler.Notification { return &u.kept[i/pieceSize][i%pieceSize] }

// fields hashes fields of which equal notifications have the same, so many that
// hardly any others agree in all. Info the same value may write in several ways.
func (u *Unique) fields(n *osprofiler.Notification) uint64 {
	return maphash.String(u.seed, n.TraceID) + 31*maphash.String(u.seed, n.Timestamp) + uint64(len(n.Name))
}

// Text returns the text that a string comes back as when it was stored as
// JSON: bytes that are no UTF-8 are U+FFFD then. Ids are compared by it.
func Text(s string) string { return pyjson.Normal(s) }
