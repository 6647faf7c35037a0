package mongo

import (
	"context"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// An indexState remembers when the indexes were looked after.
type indexState struct {
	mu     sync.Mutex
	events indexes
	chunks indexes
}

// indexes says whether the indexes of a collection were looked after.
type indexes struct {
	done bool      // they are there, or the user may not create them
	next time.Time // not before then
}

// indexPause is how long nobody tries to create indexes after a failure that may
// pass.
const indexPause = time.Minute

// ensureIndexes creates the indexes that make reading fast, if they are missing
// and the user may create them: Python's driver creates none. Nothing depends on
// them, so that a failure is no error.
func (d *database) ensureIndexes(ctx context.Context) {
	d.ensure(ctx, &d.indexed.events, func(c *collections) *gomongo.Collection { return c.events }, keyBaseID, keyTimestamp)
}

// ensureChunkIndex creates the index by which the chunks of a trace are deleted.
func (d *database) ensureChunkIndex(ctx context.Context) {
	d.ensure(ctx, &d.indexed.chunks, func(c *collections) *gomongo.Collection { return c.chunks }, keyBaseID)
}

func (d *database) ensure(ctx context.Context, state *indexes, collection func(*collections) *gomongo.Collection, keys ...string) {
	if !d.indexed.due(state) {
		return
	}
	models := make([]gomongo.IndexModel, len(keys))
	for i, key := range keys {
		models[i].Keys = bson.D{{Key: key, Value: 1}}
	}
	_, err := try(ctx, d, func(ctx context.Context, c *collections) ([]string, error) {
		return collection(c).Indexes().CreateMany(ctx, models)
	})
	d.indexed.mu.Lock()
	defer d.indexed.mu.Unlock()
	state.done = err == nil || classOf(err) == serverstate.Stays
}

// due reports whether the caller is to create the indexes. Others then do not try
// for a while.
func (s *indexState) due(state *indexes) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state.done || time.Now().Before(state.next) {
		return false
	}
	state.next = time.Now().Add(indexPause)
	return true
}
