package elasticsearch_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strings"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
)

// exampleURL is the server that tests share, with an index that examples delete.
func exampleURL() (connectionString string, drop func()) {
	server, err := exampleServer().Find()
	if err != nil {
		log.Fatal(err)
	}
	index := "osp-test-" + osprofiler.NewID()
	return server + "?index_name=" + index, func() {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodDelete, strings.Replace(server, "elasticsearch://", "http://", 1)+"/"+index, http.NoBody)
		if err != nil {
			log.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			log.Fatal(err)
		}
		_ = res.Body.Close()
		http.DefaultClient.CloseIdleConnections()
	}
}

const exampleID = "0a1b2c3d-0000-4000-8000-00000000e001"

func exampleBatch() []osprofiler.Notification {
	return []osprofiler.Notification{{
		Name: "wsgi-start", BaseID: exampleID, TraceID: "0a1b2c3d-0000-4000-8000-00000000e002", ParentID: exampleID,
		Timestamp: "2024-05-06T07:08:09.000010", Info: `{"host": "host-1"}`, Project: "nova", Service: "api",
	}}
}

func ExampleOpen() {
	connectionString, drop := exampleURL()
	defer drop()
	s, err := elasticsearch.Open(connectionString, elasticsearch.WithRefresh(elasticsearch.RefreshNow))
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

// A program that has a client already gives it to New.
func ExampleNew() {
	connectionString, drop := exampleURL()
	defer drop()
	rest, index, _ := strings.Cut(connectionString, "?index_name=")
	address, err := url.Parse(strings.Replace(rest, "elasticsearch://", "http://", 1))
	if err != nil {
		log.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client, err := elastictransport.NewClient(elastictransport.WithURLs(address), elastictransport.WithTransport(transport))
	if err != nil {
		log.Fatal(err)
	}
	s := elasticsearch.New(client, elasticsearch.WithIndexName(index))
	defer s.Close()
	fmt.Println(s.Ping(context.Background()))
	// Output: <nil>
}
