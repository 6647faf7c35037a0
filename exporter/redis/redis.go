// Package redis is the back end for Redis, and for servers that speak its
// protocol (Valkey). It writes and reads the keys of the Python library's
// driver, byte for byte, and also reads the keys of that driver's early
// releases. Importing the package registers the schemes redis://, rediss://,
// redis+unix:// and redissentinel://. See docs/stores/redis.md.
//
// A read of one trace is in read.go, a listing in traces.go, a feed in feed.go
// and a write in write.go. They use keys.go (the names of keys), scan.go (going
// through all keys), lists.go (getting entries of lists), legacy.go (keys of early
// releases) and call.go (talking to the server).
package redis

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	_ "github.com/osprofiler-otel/osprofiler/exporter/redis/internal/quiet" // no log on the standard error of a service
	"github.com/osprofiler-otel/osprofiler/internal/inflight"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

func init() {
	store.Register(store.Backend{Schemes: []string{schemeRedis, schemeTLS, schemeUnix, schemeSentinel}, Open: openConnectionString})
}

// A database is the driver of one Redis database.
type database struct {
	config
	server

	client      goredis.UniversalClient
	owned       bool // Close closes the client
	calls       *inflight.Counter
	legacyIndex legacyIndex
	answered    atomic.Bool // the server has answered, so that both sides agree about TLS
}

// server describes the server in errors and reports.
type server struct {
	name         string
	pythonDriver string   // the name of Python's driver for it
	hint         string   // what to change if the server and the client disagree about TLS
	addrs        []string // of the server, its nodes or its sentinels; empty for a client that was given to New
	isSentinel   bool
	withTLS      bool
}

type config struct {
	filterErrorTrace bool
	readOnly         bool
	withLegacy       bool
	ttl              time.Duration
	replicas         int
	timeout          time.Duration
}

// An Option changes how a Store works.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithFilterErrorTrace sets whether Write keeps a record of each trace that
// failed. The Python library lists failed traces by these records. Our own
// listing does not need them.
func WithFilterErrorTrace(on bool) Option {
	return optionFunc(func(c *config) { c.filterErrorTrace = on })
}

// WithReadOnly refuses to write and to delete.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

// WithLegacy sets whether the keys of early releases of the Python library are
// read, too. By default they are. Only a scan of all keys finds such keys, so a
// Store remembers for five minutes which traces have any.
func WithLegacy(on bool) Option { return optionFunc(func(c *config) { c.withLegacy = on }) }

// WithTTL makes a trace expire when d has passed since the last write to it. d
// is rounded up to whole seconds. By default, as in the Python library, no
// trace expires.
func WithTTL(d time.Duration) Option {
	return optionFunc(func(c *config) { c.ttl = (d + time.Second - 1).Truncate(time.Second) })
}

// WithReplicas makes Write wait until n replicas have the batch, too, so that a
// batch for which Write returned nil survives the loss of the master.
// WithReplicas needs one connection to one server. With another client than a
// *redis.Client, such as that of a cluster or a ring, Write returns an error
// that wraps [errors.ErrUnsupported].
func WithReplicas(n int) Option { return optionFunc(func(c *config) { c.replicas = n }) }

// WithSocketTimeout sets how long to wait for a connection and for each answer.
// The default is five seconds. For a client that was given to [New],
// WithSocketTimeout sets only the time that replicas get.
func WithSocketTimeout(d time.Duration) Option {
	return optionFunc(func(c *config) { c.timeout = d })
}

// defaultTimeout leaves a server the time to write a batch to a slow disk.
const defaultTimeout = 5 * time.Second

func newConfig(opts []Option) config {
	c := config{withLegacy: true, timeout: defaultTimeout}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return c
}

// New returns the Store of a client that the caller made. Close leaves the
// client open. Set the client's ContextTimeoutEnabled, and its MaxRetries to -1,
// because the caller of Write repeats a batch. If the server refuses a
// connection (protected mode, no slot free, no password), such a client reports
// only that the connection broke.
func New(client goredis.UniversalClient, opts ...Option) *store.Store {
	return newStore(client, newConfig(opts), false, server{name: nameOf(client), pythonDriver: schemeRedis})
}

func newStore(client goredis.UniversalClient, c config, owned bool, at server) *store.Store {
	d := &database{config: c, server: at, client: client, owned: owned, calls: inflight.New()}
	if owned {
		reportRefusals(client, &d.answered)
	}
	if c.readOnly {
		return store.NewReadOnly(d)
	}
	return store.New(d)
}

func nameOf(client goredis.UniversalClient) string {
	switch c := client.(type) {
	case *goredis.Client:
		return "Redis at " + c.Options().Addr
	case *goredis.ClusterClient:
		return "the Redis cluster at " + strings.Join(c.Options().Addrs, ",")
	}
	return "Redis"
}

// isCluster reports whether the client follows the slots of a cluster.
func (d *database) isCluster() bool {
	_, ok := d.client.(*goredis.ClusterClient)
	return ok
}

// Name implements driver.Driver.
func (d *database) Name() string { return d.name }

// Ping implements driver.Driver. It asks for the length of a list, which needs
// the database to be loaded and to be served by this server. A user who may only
// write gets an answer, too, namely that the user may not read.
func (d *database) Ping(ctx context.Context) error {
	if !d.readOnly {
		if err := d.checkReplicas(); err != nil {
			return err
		}
	}
	_, err := call(ctx, d, func(ctx context.Context) (int64, error) {
		length, err := d.client.LLen(ctx, listPrefix).Result()
		if isWrongType(err) || !d.readOnly && isForbidden(err) {
			return 0, nil
		}
		return length, err
	})
	return err
}

// Close implements driver.Driver. It closes the connections, but not a client
// that was given to New. Then it waits up to half a second for the calls whose
// contexts ended before they did.
func (d *database) Close() error {
	d.calls.Close()
	if !d.owned {
		return nil
	}
	err := d.client.Close()
	select {
	case <-d.calls.Idle():
	case <-time.After(closeTime): // calls that were given up end by themselves
	}
	return err
}

// closeTime is how long Close waits for calls that were given up. Closing the
// client ends most of them at once, but not the attempt to connect to a sentinel
// that does not answer.
const closeTime = 500 * time.Millisecond

var (
	_ driver.Driver         = (*database)(nil)
	_ driver.Writer         = (*database)(nil)
	_ driver.Reader         = (*database)(nil)
	_ driver.Lister         = (*database)(nil)
	_ driver.Feeder         = (*database)(nil)
	_ driver.BulkDeleter    = (*database)(nil)
	_ driver.PythonAnswerer = (*database)(nil)
)
