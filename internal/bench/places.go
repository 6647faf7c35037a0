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
	// list gets what the newest so many traces can be told from, and returns
	// how many texts or rows came.
	list(ctx context.Context, limit int) (int, error)
	// fill runs what writes very much.
	fill(ctx context.Context, write func() error) error
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
		writes: "a pipeline with one LPUSH for each trace", fetches: "LRANGE 0 -1", lists: "SCAN, and LRANGE of everything in pipelines",
	},
	{
		name: "sqlite", fresh: newSQLite, bare: openSQLite,
		writes: "INSERTs of many rows in a transaction", fetches: selectsTrace, lists: groups,
	},
	{
		name: "postgresql", fresh: testenv.NewPostgreSQL, bare: openPostgreSQL,
		writes: "COPY in a transaction", fetches: selectsTrace, lists: groups,
	},
	{
		name: "mariadb", fresh: testenv.NewMariaDB, bare: openMariaDB,
		writes: "one INSERT of many rows in a transaction", fetches: selectsTrace, lists: groups,
	},
}

const (
	selectsTrace = "SELECT of the trace's rows"
	groups       = "SELECT base_id, min(timestamp) GROUP BY base_id, sorted, with LIMIT"
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
