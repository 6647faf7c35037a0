package mongo

import (
	"context"
	"sync"

	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler/store"
)

// collections are the collections of the database.
type collections struct {
	client *gomongo.Client
	db     *gomongo.Database
	events *gomongo.Collection // one document for each notification
	errors *gomongo.Collection // one document for each failed trace, see WithFilterErrorTrace
	chunks *gomongo.Collection // parts of notifications that are too large for one document
}

func collectionsOf(c *gomongo.Client, database string) *collections {
	db := c.Database(database)
	return &collections{
		client: c, db: db,
		events: db.Collection(eventsCollection),
		errors: db.Collection(errorsCollection),
		chunks: db.Collection(chunksCollection),
	}
}

// A client makes the client library's client at the first call, because the client
// library begins to connect, and looks up SRV records, when its client is made.
type client struct {
	options  func() (*options.ClientOptions, error) // nil for a client that was given to New
	database string

	mu          sync.Mutex
	collections *collections
	attempt     *attempt // the one in progress; nil if there is none
	closed      bool
}

// An attempt to make a client asks a name server for mongodb+srv. The client library
// does that without a context.
type attempt struct {
	done        chan struct{} // closed at its end
	collections *collections
	err         error
}

func givenClient(c *gomongo.Client, database string) *client {
	return &client{collections: collectionsOf(c, database)}
}

// connect returns the collections.
func (c *client) connect(ctx context.Context) (*collections, error) {
	c.mu.Lock()
	made, closed, a := c.collections, c.closed, c.attempt
	if made == nil && !closed && a == nil {
		a = &attempt{done: make(chan struct{})}
		c.attempt = a
		go c.try(a)
	}
	c.mu.Unlock()
	switch {
	case closed:
		return nil, store.ErrClosed
	case made != nil:
		return made, nil
	}
	select {
	case <-a.done:
		return a.collections, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// try makes the client for all callers that wait for it.
func (c *client) try(a *attempt) {
	defer close(a.done)
	var made *gomongo.Client
	o, err := c.options()
	if err == nil {
		made, err = gomongo.Connect(o)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attempt = nil
	switch {
	case err != nil:
		a.err = err
	case c.closed:
		a.err = store.ErrClosed
		disconnect(made)
	default:
		a.collections = collectionsOf(made, c.database)
		c.collections = a.collections
	}
}

// close closes the connections of a client that was made here.
func (c *client) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.closed
	c.closed = true
	if first && c.options != nil && c.collections != nil {
		disconnect(c.collections.client)
	}
	return nil
}

// disconnect closes the connections. One that is in use is closed, too.
func disconnect(c *gomongo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), disconnectTimeout)
	defer cancel()
	_ = c.Disconnect(ctx)
}
