package mongo

import (
	"context"
	"math"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// An indexState remembers when the indexes were checked or created.
type indexState struct {
	mu                    sync.Mutex
	events, chunks, times indexes
}

// indexes says whether some indexes were checked or created.
type indexes struct {
	done bool      // they are there, or cannot be had
	err  error     // why they are not there
	next time.Time // nobody tries again before then
}

// indexPause is how long nobody tries to create indexes after a failure that may
// pass.
const indexPause = time.Minute

// indexTime is how long a Write waits for indexes. In a large collection the server
// needs longer, and goes on by itself.
const indexTime = 5 * time.Second

// ensureIndexes creates the indexes that make reading fast, if they are missing
// and the user may create them. Python's driver creates none. Nothing depends on
// the indexes, so a failure is not an error.
func (d *database) ensureIndexes(ctx context.Context) {
	_ = d.ensure(ctx, &d.indexed.events, func(ctx context.Context, c *collections) error {
		return createIndexes(ctx, c.events, ascending(keyBaseID), ascending(keyTimestamp))
	})
}

// ensureChunkIndex creates the index by which the chunks of a trace are deleted.
func (d *database) ensureChunkIndex(ctx context.Context) {
	_ = d.ensure(ctx, &d.indexed.chunks, func(ctx context.Context, c *collections) error {
		return createIndexes(ctx, c.chunks, ascending(keyBaseID))
	})
}

// ensureTTL creates the TTL indexes that WithTTL needs. It returns why they are not
// there.
func (d *database) ensureTTL(ctx context.Context) error {
	if d.ttl == 0 {
		return nil
	}
	return d.ensure(ctx, &d.indexed.times, func(ctx context.Context, c *collections) (err error) {
		index := ascending(keyWritten)
		index.Options = options.Index().SetExpireAfterSeconds(int32(min(d.ttl/time.Second, math.MaxInt32)))
		for _, collection := range []*gomongo.Collection{c.events, c.chunks, c.errors} {
			if err = createIndexes(ctx, collection, index); err != nil {
				return explained.New(err, "%s cannot delete what is older than osp_ttl=%v, which needs a TTL index on %s: %s", d.name, d.ttl, keyWritten, d.explain(ctx, err))
			}
		}
		return nil
	})
}

func ascending(key string) gomongo.IndexModel {
	return gomongo.IndexModel{Keys: bson.D{{Key: key, Value: 1}}}
}

func createIndexes(ctx context.Context, c *gomongo.Collection, models ...gomongo.IndexModel) error {
	_, err := c.Indexes().CreateMany(ctx, models)
	return err
}

// ensure creates indexes, unless that was done or failed a short time ago. It
// returns why they are not there.
func (d *database) ensure(ctx context.Context, state *indexes, create func(context.Context, *collections) error) error {
	if due, err := d.indexed.due(state); !due {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, indexTime)
	defer cancel()
	_, err := try(ctx, d, func(ctx context.Context, c *collections) (struct{}, error) { return struct{}{}, create(ctx, c) })
	d.indexed.mu.Lock()
	defer d.indexed.mu.Unlock()
	state.err, state.done = err, err == nil || classOf(err) == serverstate.Stays
	return err
}

// due reports whether the caller is to create the indexes. Others then do not try
// for a while.
func (s *indexState) due(state *indexes) (due bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state.done || time.Now().Before(state.next) {
		return false, state.err
	}
	state.next = time.Now().Add(indexPause)
	return true, nil
}
