package mongo

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler/store"
)

// SameButSpelling is sameButSpelling.
var SameButSpelling = sameButSpelling

// WithoutChangeStreams makes a Store believe that the server has none.
func WithoutChangeStreams(s *store.Store) {
	s.Driver().(*database).features.noChangeStreams.Store(true)
}

// WithoutGroups makes a Store believe that the server cannot sum up traces.
func WithoutGroups(s *store.Store) { s.Driver().(*database).features.noFirstInGroup.Store(true) }

// WithoutUUIDs makes a Store believe that collections have no UUIDs.
func WithoutUUIDs(s *store.Store) { s.Driver().(*database).features.hasNoUUIDs.Store(true) }

// SumsUp reports whether the server was seen to sum up traces.
func SumsUp(s *store.Store) bool { return !s.Driver().(*database).features.noFirstInGroup.Load() }

// TimeOfToken returns the time in a token of a change stream.
func TimeOfToken(token bson.Raw) uint64 { return timeOfToken(token) }
