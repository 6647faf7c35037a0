package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/XSAM/otelsql"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	_ "modernc.org/sqlite" // registers the driver "sqlite", which needs no cgo
)

// openDatabase opens the cloud's database in memory, with the instrumentation of
// otelsql: every statement that belongs to a trace becomes a span.
func openDatabase(ctx context.Context, t *telemetry) (*sql.DB, error) {
	provider, err := t.service(ctx, "nova", "database", "db-1")
	if err != nil {
		return nil, err
	}
	db, err := otelsql.Open("sqlite", ":memory:",
		otelsql.WithTracerProvider(provider),
		otelsql.WithAttributes(semconv.DBSystemNameSQLite),
		otelsql.WithSpanOptions(otelsql.SpanOptions{
			OmitConnResetSession: true,
			OmitConnectorConnect: true,
			OmitRows:             true,
			SpanFilter: func(ctx context.Context, _ otelsql.Method, _ string, _ []driver.NamedValue) bool {
				return trace.SpanContextFromContext(ctx).IsValid()
			},
		}),
	)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection would have its own database in memory
	if _, err = db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

const schema = `
CREATE TABLE hosts (name TEXT PRIMARY KEY, free_mb INTEGER NOT NULL);
CREATE TABLE servers (name TEXT PRIMARY KEY, memory_mb INTEGER NOT NULL, status TEXT NOT NULL, host TEXT);
INSERT INTO hosts VALUES ('compute-1', 4096), ('compute-2', 8192);
`
