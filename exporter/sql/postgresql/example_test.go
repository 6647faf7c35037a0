package postgresql_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/postgresql"
	"github.com/osprofiler-otel/osprofiler/store"
)

func ExampleOpen() {
	ctx := context.Background()
	s, err := postgresql.Open("postgresql://reader:secret@db.example/osprofiler?sslmode=verify-full&sslrootcert=system", postgresql.WithReadOnly())
	if err != nil {
		log.Fatal(err)
	}
	for trace, err := range s.Traces(ctx, store.Query{Limit: 10}) {
		fmt.Println(trace.BaseID, trace.Timestamp, err)
	}
	if err := s.Close(); err != nil {
		log.Fatal(err)
	}
}

// A program that needs more settings than a connection string has opens the
// database itself. Closing the store leaves the database open.
func ExampleNew() {
	c, err := pgx.ParseConfig("host=db.example user=nova password=secret dbname=osprofiler sslmode=verify-full sslrootcert=system")
	if err != nil {
		log.Fatal(err)
	}
	c.RuntimeParams["application_name"] = "nova-api"
	db := stdlib.OpenDB(*c)
	defer func() { _ = db.Close() }()
	s := postgresql.New(db, postgresql.WithBusyTimeout(time.Second))
	defer func() { _ = s.Close() }()
	if err := s.Ping(context.Background()); err != nil {
		fmt.Println(err)
	}
}
