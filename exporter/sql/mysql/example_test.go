package mysql_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/mysql"
	"github.com/osprofiler-otel/osprofiler/store"
)

func ExampleOpen() {
	ctx := context.Background()
	s, err := mysql.Open("mysql://reader:secret@db.example/osprofiler?ssl_ca=/etc/ssl/certs/ca-certificates.crt", mysql.WithReadOnly())
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
	c := driver.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", "db.example:3306", "nova", "secret", "osprofiler"
	c.InterpolateParams = true // one round trip a statement
	connector, err := driver.NewConnector(c)
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	s := mysql.New(db)
	defer func() { _ = s.Close() }()
	if err := s.Ping(context.Background()); err != nil {
		fmt.Println(err)
	}
}
