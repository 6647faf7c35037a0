package redis_test

import (
	"context"
	"fmt"
	"log"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// exampleURL returns the connection string of the server that tests share.
func exampleURL() string {
	url, err := redisServer().Find()
	if err != nil {
		log.Fatal(err)
	}
	return url
}

func redisServer() *testenv.Resource {
	i := slices.IndexFunc(testenv.Resources, func(r *testenv.Resource) bool { return r.Variable == testenv.RedisVariable })
	return testenv.Resources[i]
}

const exampleID = "0a1b2c3d-0000-4000-8000-00000000e001"

func exampleBatch() []osprofiler.Notification {
	return []osprofiler.Notification{{
		Name: "wsgi-start", BaseID: exampleID, TraceID: "0a1b2c3d-0000-4000-8000-00000000e002", ParentID: exampleID,
		Timestamp: "2024-05-06T07:08:09.000010", Info: `{"host": "host-1"}`, Project: "nova", Service: "api",
	}}
}

func ExampleOpen() {
	s, err := redis.Open(exampleURL(), redis.WithTTL(time.Minute), redis.WithLegacy(false))
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
	options, err := goredis.ParseURL(exampleURL())
	if err != nil {
		log.Fatal(err)
	}
	options.ContextTimeoutEnabled, options.MaxRetries = true, -1
	client := goredis.NewClient(options)
	defer client.Close()
	s := redis.New(client, redis.WithTTL(time.Minute), redis.WithFilterErrorTrace(true))
	defer s.Close()
	fmt.Println(s.Write(context.Background(), exampleBatch()))
	// Output: <nil>
}
