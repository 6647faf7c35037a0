package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	_ "github.com/osprofiler-otel/osprofiler/exporter/all" // registers the stores
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A subject is a kind of store to measure.
type subject struct {
	name  string
	fresh func() (url string, drop func() error, err error)   // returns an empty store, and drops it
	bare  func(ctx context.Context, url string) (bare, error) // returns its bare client library
	// How the bare client library writes a batch, fetches a trace, and lists, for the table.
	writes, fetches, lists string
	// most bounds the amounts of work for a slow server. A zero bounds nothing.
	most sizes
	// manyTraces bounds the traces among which memory is measured. A zero bounds nothing.
	manyTraces int
	// patience is an option of the connection string, for a slow server.
	patience string
	// lacks has the reason for each kind of work that Python's driver does not do: notify,
	// report or list_traces.
	lacks map[string]string
}

// A bare is the client library of a store, used in its fastest way without our code.
type bare interface {
	// fetch returns the stored notifications of a trace.
	fetch(ctx context.Context, baseID string) (stored, error)
	// write stores all records in one request or transaction.
	write(ctx context.Context, records []record) error
	// list fetches the data that a listing of the newest traces needs, or of all
	// traces if limit is 0. The store has this number of traces with two notifications
	// each.
	list(ctx context.Context, traces, limit int) error
	// writeBulk runs a function that writes very many records. A SQL database has no
	// indexes meanwhile.
	writeBulk(ctx context.Context, write func() error) error
	close() error
}

// A refresher is a bare whose store shows written records only after a refresh.
type refresher interface {
	// refresh makes the store show the records that were written.
	refresh(ctx context.Context) error
}

// visible makes sure that reading finds the written records.
func visible(ctx context.Context, client bare) error {
	if r, ok := client.(refresher); ok {
		return r.refresh(ctx)
	}
	return nil
}

// A record is a unit of writing. For Redis it is a key and the elements to push onto the
// list of that key. For a SQL database it is a row, for Elasticsearch the id and the
// source of a document, and for MongoDB the BSON of a document.
type record []any

// A keyed is a bare whose records have keys that depend on the rest of the record.
type keyed interface {
	// withKey returns a record with the key that belongs to the rest of the record.
	withKey(r record) (record, error)
}

// stored is the result of fetch.
type stored interface {
	notifications() int
	records() []record // writing these stores the same
}

var subjects = []subject{
	{
		name: "redis", fresh: testenv.NewRedisDB, bare: openRedis,
		writes: "a pipeline with one LPUSH a trace", fetches: "LRANGE 0 -1", lists: "SCAN, and a pipeline with LRANGE 0 -1 of the keys of each step",
	},
	{
		name: "sqlite", fresh: newSQLite, bare: openSQLite,
		writes: inserts, fetches: selectsTrace, lists: groups,
	},
	{
		name: "postgresql", fresh: testenv.NewPostgreSQL, bare: openPostgreSQL,
		writes: "COPY in a transaction", fetches: selectsTrace, lists: groups,
	},
	{
		name: "mariadb", fresh: testenv.NewMariaDB, bare: openMariaDB,
		writes: inserts, fetches: selectsTrace, lists: groups,
	},
	{
		name: "elasticsearch7", fresh: testenv.NewElasticsearch7, bare: openSearch,
		writes: bulk, fetches: scrolls, lists: composites,
		lacks: map[string]string{"list_traces": "it passes a set, which is no JSON"},
	},
	{
		name: "elasticsearch", fresh: testenv.NewElasticsearch, bare: openSearch,
		writes: bulk, fetches: scrolls, lists: composites,
		lacks: lacksAll("it names a mapping type, which Elasticsearch 8 does not know"),
	},
	{
		name: "opensearch", fresh: testenv.NewOpenSearch, bare: openSearch,
		writes: bulk, fetches: scrolls, lists: composites,
		lacks: lacksAll("its client library refuses OpenSearch"),
	},
	{
		name: "mongodb", fresh: testenv.NewMongoDB, bare: openMongoDB,
		writes: insertMany, fetches: finds, lists: "aggregate $group {$min: timestamp}, and for list $sort, $limit",
		most:       sizes{writeRounds: 5, notify: 500, report: 20_000, readRounds: 3},
		manyTraces: 500_000, patience: "&socketTimeoutMS=600000", // because a scan takes the server minutes
	},
	{
		name: "ferretdb", fresh: testenv.NewFerretDB, bare: openFerretDB,
		writes: insertMany, fetches: finds, lists: "find, of base_id and timestamp",
		most:       sizes{writeRounds: 2, notify: 200, report: 10_000, traces: 10_000, readRounds: 2},
		manyTraces: 10_000, patience: "&socketTimeoutMS=600000",
		lacks: map[string]string{"list_traces": "FerretDB reads the whole collection for each trace"},
	},
	{
		// The server is our test server in this process. So a figure includes the work
		// of that server, and says nothing about a real server.
		name: "loginsight", fresh: newLogInsight, bare: openLogInsight,
		writes: ingests, fetches: "one query for the events", lists: "queries for all events, of base_id and trace",
		most:       sizes{writeRounds: 5, notify: 500, report: 10_000, traces: 10_000, readRounds: 2},
		manyTraces: 10_000,
		lacks:      map[string]string{"list_traces": "it cannot list"},
	},
}

// lacksAll returns the reason why for each kind of work, for a store for which Python's
// driver does none.
func lacksAll(why string) map[string]string {
	return map[string]string{"notify": why, "report": why, "list_traces": why}
}

const (
	bulk         = "_bulk by net/http"
	scrolls      = "_search {term}, scrolls of 10,000 a page"
	composites   = "_search with a composite aggregation of base_id and timestamp"
	insertMany   = "InsertMany, unordered"
	finds        = "find {base_id}"
	inserts      = "INSERTs of 100 rows in a transaction"
	selectsTrace = "SELECT … WHERE base_id = …"
	ingests      = "POST events/ingest of 500 events by net/http"
	groups       = "SELECT base_id, min(timestamp) … GROUP BY base_id ORDER BY 2 DESC LIMIT 100"
)

func subjectNames() (names []string) {
	for _, p := range subjects {
		names = append(names, p.name)
	}
	return names
}

// prepared returns an empty store with its table.
func (p subject) prepared(ctx context.Context) (url string, drop func() error, err error) {
	url, drop, err = p.fresh()
	if err != nil {
		return "", nil, err
	}
	s, err := store.Open(ctx, url)
	if err == nil {
		err = errors.Join(s.Ping(ctx), s.Close())
	}
	if err != nil {
		return "", nil, errors.Join(err, drop())
	}
	return url + p.patience, drop, nil
}

func newSQLite() (url string, drop func() error, err error) {
	dir, err := os.MkdirTemp("", "osp-bench-")
	return "sqlite:///" + filepath.Join(dir, "traces.db"), func() error { return os.RemoveAll(dir) }, err
}
