package loginsight_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"os"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/loginsight"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
)

// start starts the test server, which stands for a real one.
func start() *loginsightserver.Server {
	server, err := loginsightserver.Start()
	if err != nil {
		log.Fatal(err)
	}
	return server
}

func ExampleOpen() {
	server := start()
	defer server.Close()
	// loginsight://osprofiler:p%40ss%3Aw@10.1.2.3?osp_ca_certs=/etc/ssl/loginsight.pem
	s, err := loginsight.Open(server.URL())
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	const id = "0a1b2c3d-0000-4000-8000-00000000e001"
	ctx := context.Background()
	err = s.Write(ctx, []osprofiler.Notification{{
		Name: "wsgi-start", BaseID: id, TraceID: "0a1b2c3d-0000-4000-8000-00000000e002", ParentID: id,
		Timestamp: "2024-05-06T07:08:09.000010", Info: `{"host": "host-1"}`, Project: "nova", Service: "api",
	}})
	if err != nil {
		log.Fatal(err)
	}
	for n, err := range s.Notifications(ctx, id) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(n.Name, n.Info.Host())
	}
	// Output: wsgi-start host-1
}

// A Client sends and queries any events.
func ExampleClient() {
	server := start()
	defer server.Close()
	authorities := x509.NewCertPool()
	text, err := os.ReadFile(server.CAFile)
	if err != nil {
		log.Fatal(err)
	}
	authorities.AppendCertsFromPEM(text)
	client, err := loginsight.NewClient(loginsight.ClientConfig{
		Host: server.Host, Username: "osprofiler", Password: "p@ss:w",
		TLS: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx := context.Background()
	err = client.SendEvents(ctx, loginsight.Event{Text: "fan broken", Fields: []loginsight.Field{{Name: "rack", Content: "r7"}}})
	if err != nil {
		log.Fatal(err)
	}
	for e, err := range client.Events(ctx, loginsight.Contains("text", "fan")) {
		if err != nil {
			log.Fatal(err)
		}
		rack, _ := e.Field("rack")
		fmt.Println(e.Text, rack)
	}
	// Output: fan broken r7
}
