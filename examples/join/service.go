package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/http"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	_ "modernc.org/sqlite" // registers the driver "sqlite", which needs no cgo
)

// newHandler returns the service: it counts its visitors in the database. otelhttp
// makes a span for each request.
func newHandler(db *sql.DB) http.Handler {
	visit := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var visitors int
		row := db.QueryRowContext(r.Context(), "UPDATE visitors SET count = count + 1 RETURNING count")
		if err := row.Scan(&visitors); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "hello, visitor %d\n", visitors)
	})
	return otelhttp.NewHandler(visit, "visit")
}

// openDatabase opens a database in memory. otelsql makes a span for each statement of
// a request.
func openDatabase(ctx context.Context) (*sql.DB, error) {
	db, err := otelsql.Open("sqlite", ":memory:",
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
	if _, err := db.ExecContext(ctx, "CREATE TABLE visitors AS SELECT 0 AS count"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
