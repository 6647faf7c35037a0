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

// A client makes the client library's client at the first call, because that one
// begins to connect, and looks up SRV records, when it is made.
type client struct {
	options  func() (*options.ClientOptions, error) // nil for a client that was given to New
	database string

	mu          sync.Mutex
	collections *collections
	closed      bool
}

func givenClient(c *gomongo.Client, database string) *client {
	return &client{collections: collectionsOf(c, database)}
}

// connect returns the collections.
func (c *client) connect(ctx context.Context) (*collections, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, store.ErrClosed
	case c.collections != nil:
		return c.collections, nil
	}
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	made, err := gomongo.Connect(o)
	if err != nil {
		return nil, err
	}
	c.collections = collectionsOf(made, c.database)
	return c.collections, nil
}

// close closes the connections of a client that was made here.
func (c *client) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.options == nil || c.collections == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), disconnectTimeout)
	defer cancel()
	_ = c.collections.client.Disconnect(ctx) // an error says that a connection was in use; it is closed then
	return nil
}
