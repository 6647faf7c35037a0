package mysql_test

import (
	"context"
	"fmt"
	"log"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/mysql"
	"github.com/osprofiler-otel/osprofiler/store"
)

func ExampleOpen() {
	ctx := context.Background()
	c := driver.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", "db.example:3306", "reader", "secret", "osprofiler"
	s, err := mysql.Open(ctx, c, mysql.WithReadOnly())
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
