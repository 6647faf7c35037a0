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
}

// A bare is the client library of a store, used in its fastest way without our code.
type bare interface {
	// fetch returns the stored notifications of a trace.
	fetch(ctx context.Context, baseID string) (stored, error)
	// write stores all records in one request or transaction.
	write(ctx context.Context, records []record) error
	// list fetches the data that a listing of the newest traces needs. The store has
	// this number of traces with two notifications each.
	list(ctx context.Context, traces int) error
	// writeBulk runs a function that writes very many records. A SQL database has no
	// indexes meanwhile.
	writeBulk(ctx context.Context, write func() error) error
	close() error
}

// A record is a unit of writing: for Redis a key and the elements to push onto its
// list, for a SQL database a row.
type record []any

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
}

const (
	inserts      = "INSERTs of 100 rows in a transaction"
	selectsTrace = "SELECT … WHERE base_id = …"
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
	return url, drop, nil
}

func newSQLite() (url string, drop func() error, err error) {
	dir, err := os.MkdirTemp("", "osp-bench-")
	return "sqlite:///" + filepath.Join(dir, "traces.db"), func() error { return os.RemoveAll(dir) }, err
}
