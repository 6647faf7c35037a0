package relay

import (
	"cmp"
	"hash/maphash"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A key is a 128-bit hash of a notification or of a base id. Equal notifications have the
// same key. Different ones practically never have: among ten million notifications, the
// chance is below 10⁻²³.
type key [2]uint64

// seeds make keys that differ from run to run, so that nobody can prepare notifications with
// the same key.
var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// keyOf returns the key of a notification with the given JSON text.
func keyOf(json string) key {
	return key{pyjson.Hash(seeds[0], json), pyjson.Hash(seeds[1], json)}
}

// keyOfID returns the key of a base id. Ids are compared by their text.
func keyOfID(baseID string) key {
	text := driver.Text(baseID)
	return key{maphash.String(seeds[0], text), maphash.String(seeds[1], text)}
}

func (k key) compare(other key) int {
	return cmp.Or(cmp.Compare(k[0], other[0]), cmp.Compare(k[1], other[1]))
}
