// Package elasticsearch is the back end for Elasticsearch and OpenSearch. It
// writes and reads the documents of the Python library's driver. Importing the
// package registers the schemes elasticsearch://, elasticsearch+https://,
// opensearch:// and opensearch+https://. See docs/stores/elasticsearch.md.
//
// A write is in write.go and bulk.go. document.go maps between notifications and
// documents, and index.go reads and makes the mapping of an index. product.go
// distinguishes the products, call.go sends requests to the server, and errors.go and
// states.go say what the server's answers mean.
package elasticsearch

import (
	"context"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

func init() {
	store.Register(store.Backend{
		Schemes: []string{schemeElasticsearch, schemeElasticsearchTLS, schemeOpenSearch, schemeOpenSearchTLS},
		Open:    openConnectionString,
	})
}

// A cluster is the driver of the indices of one store in a cluster.
type cluster struct {
	config
	server

	client Client
	close  func() // closes the connections; nil if the client was given to New

	products productCache
	indices  indexCache
}

// server describes the cluster in errors.
type server struct {
	name    string
	hint    string // what to change if the server and the client disagree about TLS
	without string // how to connect without TLS
}

// A config has the values of the options.
type config struct {
	events, errors   string // the names of the indices
	docType          string // the mapping type of Elasticsearch 7
	scrollTime       string // how long a server keeps the state of a read, as it reads times
	scrollSize       int    // how many documents one page of a read has
	refresh          string // the parameter refresh of a bulk request
	filterErrorTrace bool
	readOnly         bool
	timeout          time.Duration // of an answer
}

// A Client sends requests to a cluster, whose host it sets. The clients of Elastic
// and of OpenSearch are Clients: *elasticsearch.Client, *opensearch.Client and
// *elastictransport.Client. The client of Elastic refuses OpenSearch.
type Client = esapi.Transport

// An Option changes how a Store works.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// The defaults are those of Python's driver.
const (
	defaultIndex      = "osprofiler-notifications"
	defaultErrorIndex = "osprofiler-notifications-error"
	defaultDocType    = "notification"
	defaultScrollTime = "2m"
	defaultScrollSize = 10_000

	// defaultTimeout leaves a server the time to write a batch to a slow disk.
	defaultTimeout = 30 * time.Second
)

// WithIndexName sets the name of the index of notifications. The default is
// osprofiler-notifications.
func WithIndexName(name string) Option { return optionFunc(func(c *config) { c.events = name }) }

// WithErrorIndexName sets the name of the index of failed traces, which has a
// document for each notification that failed. The default is
// osprofiler-notifications-error. The Python library knows no other name, whatever
// the name of the index of notifications is.
func WithErrorIndexName(name string) Option { return optionFunc(func(c *config) { c.errors = name }) }

// WithDocType sets the mapping type of an index that is created in Elasticsearch
// 7. Later versions and OpenSearch have no mapping types. The default is
// notification.
func WithDocType(name string) Option { return optionFunc(func(c *config) { c.docType = name }) }

// WithScroll sets how many documents one page of a read has, and how long the
// server keeps the state of a read between two pages, in the server's notation.
// The defaults are 10000 and 2m.
func WithScroll(size int, keep string) Option {
	return optionFunc(func(c *config) { c.scrollSize, c.scrollTime = size, keep })
}

// WithFilterErrorTrace sets whether Write keeps a record of each notification
// that failed. The Python library lists failed traces by these records. Our own
// listing does not need them.
func WithFilterErrorTrace(on bool) Option {
	return optionFunc(func(c *config) { c.filterErrorTrace = on })
}

// WithReadOnly refuses to write and to delete.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

// A Refresh says when a batch that was written can be read.
type Refresh string

// The values of Refresh.
const (
	// RefreshLater leaves it to the index, which refreshes itself each second by
	// default (index.refresh_interval).
	RefreshLater Refresh = "false"
	// RefreshWait makes Write wait for that refresh.
	RefreshWait Refresh = "wait_for"
	// RefreshNow refreshes the index at each Write, which costs the server much.
	RefreshNow Refresh = "true"
)

// WithRefresh sets when a batch that was written can be read. The default is
// RefreshLater.
func WithRefresh(r Refresh) Option { return optionFunc(func(c *config) { c.refresh = string(r) }) }

// WithTimeout sets how long to wait for each answer. The default is 30 seconds.
func WithTimeout(d time.Duration) Option { return optionFunc(func(c *config) { c.timeout = d }) }

func newConfig(opts []Option) config {
	c := config{
		events: defaultIndex, errors: defaultErrorIndex,
		docType: defaultDocType, scrollTime: defaultScrollTime, scrollSize: defaultScrollSize,
		refresh: string(RefreshLater), timeout: defaultTimeout,
	}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return c
}

// New returns the Store of a client that the caller made. Close leaves the client
// open. The client should not repeat requests for long, because the caller of
// Write repeats a batch.
func New(client Client, opts ...Option) *store.Store {
	return newStore(&cluster{config: newConfig(opts), server: server{name: "the Elasticsearch or OpenSearch cluster"}, client: client})
}

func newStore(c *cluster) *store.Store {
	if c.readOnly {
		return store.NewReadOnly(c)
	}
	return store.New(c)
}

// Name implements driver.Driver.
func (c *cluster) Name() string { return c.name }

// Ping implements driver.Driver. It reads the mapping of the index. Unless the
// Store is read-only, it creates the index if there is none.
func (c *cluster) Ping(ctx context.Context) error {
	if c.readOnly {
		_, err := c.layout(ctx)
		return err
	}
	return c.prepare(ctx, true)
}

// Version implements driver.Versioner.
func (c *cluster) Version(ctx context.Context) (string, error) {
	p, err := c.product(ctx)
	if err != nil {
		return "", err
	}
	return p.String(), nil
}

// Close implements driver.Driver. It closes the connections, but not a client that
// was given to New.
func (c *cluster) Close() error {
	if c.close != nil {
		c.close()
	}
	return nil
}

var (
	_ driver.Driver    = (*cluster)(nil)
	_ driver.Writer    = (*cluster)(nil)
	_ driver.Versioner = (*cluster)(nil)
)
