package postgresql_test

import (
	"context"
	"fmt"
	"log"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/postgresql"
	"github.com/osprofiler-otel/osprofiler/store"
)

func ExampleOpen() {
	ctx := context.Background()
	s, err := postgresql.Open(ctx, "host=db.example user=reader password=secret dbname=osprofiler sslmode=verify-full sslrootcert=system", postgresql.WithReadOnly())
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
