package mongo_test

import (
	"context"
	"fmt"
	"log"
	"time"

	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/mongo"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

const exampleID = "0a1b2c3d-0000-4000-8000-00000000e001"

func exampleBatch() []osprofiler.Notification {
	return []osprofiler.Notification{{
		Name: "wsgi-start", BaseID: exampleID, TraceID: "0a1b2c3d-0000-4000-8000-00000000e002", ParentID: exampleID,
		Timestamp: "2024-05-06T07:08:09.000010", Info: `{"host": "host-1"}`, Project: "nova", Service: "api",
	}}
}

func ExampleOpen() {
	url, drop, err := testenv.NewMongoDB() // "mongodb://user:password@host1,host2/?db_name=osprofiler"
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = drop() }()
	s, err := mongo.Open(url, mongo.WithFilterErrorTrace(true), mongo.WithSocketTimeout(10*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	if err := s.Write(ctx, exampleBatch()); err != nil {
		log.Fatal(err)
	}
	for n, err := range s.Notifications(ctx, exampleID) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(n.Name, n.Info.Host())
	}
	// Output: wsgi-start host-1
}

func ExampleNew() {
	url, drop, err := testenv.NewMongoDB()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = drop() }()
	ctx := context.Background()
	server, database := split(url)
	client, err := gomongo.Connect(options.Client().ApplyURI(server))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = client.Disconnect(ctx) }()
	s := mongo.New(client, mongo.WithDatabase(database))
	defer s.Close()
	fmt.Println(s.Write(ctx, exampleBatch()))
	// Output: <nil>
}
