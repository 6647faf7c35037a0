// Package redis is the store in Redis, or in what speaks its protocol (Valkey):
// key for key and byte for byte what the Python library's driver writes and
// reads today, and the layout of its early releases for reading. Importing it
// registers the schemes redis://, rediss://, redis+unix:// and
// redissentinel://. See docs/stores/redis.md.
package redis

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	store.Register(store.Backend{Schemes: []string{schemeRedis, schemeTLS, schemeUnix, schemeSentinel}, OpenStore: openConnectionString})
}

// A Store keeps notifications in lists of a Redis database. It implements
// store.Store, store.ErrorTracer, store.Changer and store.Upstreamer.
type Store struct {
	config
	client goredis.UniversalClient
	own    bool // whether Close closes the client
	server

	life    context.Context // done when the store is closed
	end     context.CancelFunc
	closing sync.Mutex // held while running grows or the store closes
	running sync.WaitGroup
}

// server is what errors and reports say of it.
type server struct {
	place  string // its name
	driver string // upstream's, for it
	hint   string // for connections that break before the first answer
}

type config struct {
	filterErrorTrace bool
	readOnly         bool
	legacy           bool
	ttl              time.Duration
	replicas         int
	timeout          time.Duration
}

// An Option changes how a store works.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithFilterErrorTrace says whether a record is kept of each trace that failed,
// which upstream's list of failed traces needs; ours does not.
func WithFilterErrorTrace(on bool) Option {
	return optionFunc(func(c *config) { c.filterErrorTrace = on })
}

// WithReadOnly refuses to write.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

// WithLegacy says whether the keys of early releases of the Python library are
// read, too. By default they are; since they are found only by going through
// all keys, reading a trace is faster without.
func WithLegacy(on bool) Option { return optionFunc(func(c *config) { c.legacy = on }) }

// WithTTL makes a trace expire so long after the last write to it, in whole
// seconds, rounded up. By default, as in the Python library, none does.
func WithTTL(d time.Duration) Option {
	return optionFunc(func(c *config) { c.ttl = (d + time.Second - 1).Truncate(time.Second) })
}

// WithReplicas makes Write wait until n replicas have the batch, too, so that
// nil outlives the loss of the master. It needs one connection to one server:
// with another client than a *redis.Client, such as that of a cluster or a
// ring, Write returns an error that wraps [errors.ErrUnsupported].
func WithReplicas(n int) Option { return optionFunc(func(c *config) { c.replicas = n }) }

// WithSocketTimeout says how long to wait for a connection and for each answer;
// by default five seconds. For a client that was handed to [New] it is only
// the time that replicas get.
func WithSocketTimeout(d time.Duration) Option {
	return optionFunc(func(c *config) { c.timeout = d })
}

// defaultTimeout leaves a server the time to write a batch to a slow disk.
const defaultTimeout = 5 * time.Second

func newConfig(opts []Option) config {
	c := config{legacy: true, timeout: defaultTimeout}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return c
}

// New makes a store of a client of yours, which Close leaves open. Set its
// ContextTimeoutEnabled, and MaxRetries to -1: a batch is repeated by who
// writes it. If the server refuses a connection (protected mode, no slot free,
// no password), such a client tells only that the connection broke.
func New(client goredis.UniversalClient, opts ...Option) *Store {
	return newStore(client, newConfig(opts), false, server{place: nameOf(client), driver: schemeRedis})
}

func newStore(client goredis.UniversalClient, c config, own bool, at server) *Store {
	s := &Store{config: c, client: client, own: own, server: at}
	if own {
		greet(client)
	}
	s.life, s.end = context.WithCancel(context.Background())
	return s
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

// isCluster tells whether the client follows the slots of a cluster.
func (s *Store) isCluster() bool {
	_, ok := s.client.(*goredis.ClusterClient)
	return ok
}

// alive tells whether a method may go on.
func (s *Store) alive(ctx context.Context) error {
	if s.closed() {
		return store.ErrClosed
	}
	return ctx.Err()
}

func (s *Store) closed() bool { return s.life.Err() != nil }

// Close ends what is under way and closes the connections, but not the client
// that was handed to New.
func (s *Store) Close() error {
	s.closing.Lock()
	closed := s.closed()
	s.end()
	s.closing.Unlock()
	if closed || !s.own {
		return nil
	}
	err := s.client.Close()
	s.running.Wait()
	if err != nil {
		return fmt.Errorf("cannot close the connections to %s: %w", s.place, err)
	}
	return nil
}

// call runs f, which talks to the server, and returns as soon as the context
// ends or the store is closed: the client library notices deadlines, but no
// cancelling. What f was still to get is dropped then.
func call[T any](ctx context.Context, s *Store, f func(ctx context.Context) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	if !s.enter() {
		return none, store.ErrClosed
	}
	within, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.life, cancel)
	answers := make(chan answer, 1)
	go func() {
		defer s.running.Done()
		defer cancel()
		defer stop()
		value, err := f(within)
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		return a.value, s.explain(ctx, a.err)
	case <-ctx.Done():
		return none, ctx.Err()
	case <-s.life.Done():
		return none, store.ErrClosed
	}
}

func (s *Store) enter() bool {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed() {
		return false
	}
	s.running.Add(1)
	return true
}
