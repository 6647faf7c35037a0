package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	_ "github.com/osprofiler-otel/osprofiler/exporter/all" // the stores that are measured
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A place is one kind of store.
type place struct {
	name  string
	fresh func() (url string, drop func() error, err error)   // an empty one, and what gives it back
	bare  func(ctx context.Context, url string) (bare, error) // its client library alone
	// What the client library alone does: to write a batch, to fetch a trace, to list.
	writes, fetches, lists string
}

// A bare is a store's client library alone, used as well as it can be.
type bare interface {
	// fetch gets all that is stored of one trace.
	fetch(ctx context.Context, baseID string) (stored, error)
	// write stores records at once.
	write(ctx context.Context, records []record) error
	// list gets what the newest of so many traces of two notifications can be told from.
	list(ctx context.Context, traces int) error
	// much runs what writes very much.
	much(ctx context.Context, write func() error) error
	close() error
}

// A record is what is written in one: of Redis a key and what is pushed onto
// its list, of a SQL database a row.
type record []any

// stored is what a client library's fetch returned.
type stored interface {
	notifications() int
	records() []record // which write the same
}

var places = []place{
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

func placeNames() (names []string) {
	for _, p := range places {
		names = append(names, p.name)
	}
	return names
}

// prepared returns an empty store that has its table.
func (p place) prepared(ctx context.Context) (url string, drop func() error, err error) {
	url, drop, err = p.fresh()
	if err != nil {
		return "", nil, err
	}
	s, err := store.Open(ctx, url)
	if err == nil {
		err = s.Close()
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
