package store

import (
	"hash/maphash"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// unique finds equal notifications in a sequence. It holds all notifications in memory, so it
// is meant for one trace. The zero unique is empty.
//
// Nearly all notifications already differ in their fields. So whole JSON values are compared
// only where the fields are equal.
type unique struct {
	seed     maphash.Seed
	pieces   [][]osprofiler.Notification // never moved once full
	count    int
	byFields map[uint64]int   // hash of the fields -> index of the first notification with it
	byValue  map[uint64][]int // hash of the JSON value -> indexes, for notifications that share a hash of the fields
}

// add adds n and returns true, or returns false if an equal notification was added
// before.
func (u *unique) add(n osprofiler.Notification) bool {
	if u.byFields == nil {
		u.seed = maphash.MakeSeed()
		u.byFields = map[uint64]int{}
		u.byValue = map[uint64][]int{}
	}
	fields := u.fields(&n)
	first, ok := u.byFields[fields]
	if !ok {
		u.byFields[fields] = u.append(n)
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
	u.byValue[value] = append(u.byValue[value], u.append(n))
	return true
}

// pieceSize is the number of notifications in one piece of memory.
const pieceSize = 128

func (u *unique) append(n osprofiler.Notification) int {
	i := u.count
	u.count++
	switch {
	case i == 0:
		u.pieces = append(u.pieces, nil) // most traces are small, so that append grows the first piece
	case i%pieceSize == 0:
		u.pieces = append(u.pieces, make([]osprofiler.Notification, 0, pieceSize))
	}
	piece := &u.pieces[i/pieceSize]
	*piece = append(*piece, n)
	return i
}

func (u *unique) at(i int) *osprofiler.Notification { return &u.pieces[i/pieceSize][i%pieceSize] }

// fields hashes fields that are the same in equal notifications and differ in almost all
// others. Info is not hashed, because one JSON value can be written in several ways.
func (u *unique) fields(n *osprofiler.Notification) uint64 {
	if !n.Plain() {
		return maphash.String(u.seed, stringMember(n, "trace_id")) + 31*maphash.String(u.seed, stringMember(n, "timestamp")) + uint64(len(stringMember(n, "name")))
	}
	return maphash.String(u.seed, n.TraceID) + 31*maphash.String(u.seed, n.Timestamp) + uint64(len(n.Name))
}

// stringMember returns the value of a string member. For any other member it returns an empty
// text, because equal numbers can be written in several ways.
func stringMember(n *osprofiler.Notification, key string) string {
	raw, _ := n.Member(key)
	text, _ := pyjson.Text(raw)
	return text
}
