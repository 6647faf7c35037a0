// Package mongo is the back end for MongoDB, and for servers that speak its
// protocol. It writes and reads the collections of the Python library's driver:
// profiler and profiler_error. Importing the package registers the schemes
// mongodb:// and mongodb+srv://. See docs/stores/mongodb.md.
//
// A read of one trace is in read.go, a listing in traces.go, a feed in feed.go
// and a write in write.go, with the outcome of each document in judge.go. They
// use encode.go and decode.go (a notification as a document), info_bson.go and
// info_json.go (an info as BSON, and back), chunks.go (notifications that are too
// large for a document), client.go (connecting), call.go (talking to the server),
// and class.go and errors.go (what an error means).
package mongo

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

func init() {
	store.Register(store.Backend{Schemes: []string{schemeMongo, schemeSRV}, Open: openConnectionString})
}

// A database is the driver of one MongoDB database.
type database struct {
	config

	name     string   // for errors: the kind of server and its address
	user     string   // of the connection string; may be empty
	addrs    []string // of the seeds; empty for a client that was given to New
	withTLS  bool
	client   *client // connects at the first call
	info     atomic.Pointer[serverInfo]
	indexed  indexState
	features features
}

// Names of Python's driver, and ours.
const (
	defaultDatabase   = "osprofiler"
	eventsCollection  = "profiler"
	errorsCollection  = "profiler_error"
	chunksCollection  = "profiler_osp_chunks" // only ours: see chunks.go
	defaultTimeout    = 30 * time.Second      // of one answer
	disconnectTimeout = 500 * time.Millisecond
)

type config struct {
	database         string
	filterErrorTrace bool
	readOnly         bool
	ttl              time.Duration
	timeout          time.Duration // of an answer; 0 for no end
	writeTimeout     time.Duration // of a confirmation by the write concern; 0 for no end of its own
}

// An Option changes how a Store works.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithDatabase sets the name of the database. The default is osprofiler, which
// the Python library always uses.
func WithDatabase(name string) Option { return optionFunc(func(c *config) { c.database = name }) }

// WithFilterErrorTrace sets whether Write keeps a record of each trace that
// failed. The Python library lists failed traces by these records. Our own
// listing does not need them.
func WithFilterErrorTrace(on bool) Option {
	return optionFunc(func(c *config) { c.filterErrorTrace = on })
}

// WithReadOnly refuses to write and to delete.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

// WithTTL makes the server delete each notification after this time since it was
// written, in whole seconds, rounded up. Each document then has the time at which it
// was written. Write and Ping create a TTL index on this time. By default, as in the
// Python library, nothing expires.
func WithTTL(d time.Duration) Option {
	return optionFunc(func(c *config) { c.ttl = (d + time.Second - 1).Truncate(time.Second) })
}

// WithSocketTimeout sets how long to wait for each answer of the server. The
// default is 30 seconds.
func WithSocketTimeout(d time.Duration) Option {
	return optionFunc(func(c *config) { c.timeout = d })
}

func newConfig(opts []Option) config {
	c := config{database: defaultDatabase, timeout: defaultTimeout}
	for _, opt := range opts {
		opt.apply(&c)
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	return c
}

// New returns the Store of a client that the caller made. Close leaves the
// client open. The client's write concern says how durable a nil of Write is.
func New(c *gomongo.Client, opts ...Option) *store.Store {
	d := &database{config: newConfig(opts), name: "MongoDB"}
	d.client = givenClient(c, d.database)
	return newStore(d)
}

func newStore(d *database) *store.Store {
	if d.readOnly {
		return store.NewReadOnly(d)
	}
	return store.New(d)
}

// Name implements driver.Driver.
func (d *database) Name() string { return d.name }

// Ping implements driver.Driver. It looks for one document, which needs a server
// that can be read. A user who may only write gets an answer, too: the answer
// that the user may not read. Unless the Store is read-only, Ping creates the
// indexes that Write would create, and reports why WithTTL does not work.
func (d *database) Ping(ctx context.Context) error {
	_, err := call(ctx, d, func(ctx context.Context, c *collections) (bson.Raw, error) {
		raw, err := c.events.FindOne(ctx, bson.D{{Key: "_id", Value: bson.NewObjectIDFromTimestamp(time.Unix(0, 0))}}).Raw()
		if errors.Is(err, gomongo.ErrNoDocuments) || !d.readOnly && isForbidden(err) {
			return nil, nil
		}
		return raw, err
	})
	if err != nil || d.readOnly {
		return err
	}
	d.ensureIndexes(ctx)
	return d.explain(ctx, d.ensureTTL(ctx))
}

// Close implements driver.Driver. It closes the connections, but not a client
// that was given to New.
func (d *database) Close() error { return d.client.close() }

var (
	_ driver.Driver    = (*database)(nil)
	_ driver.Writer    = (*database)(nil)
	_ driver.Versioner = (*database)(nil)
)
