package otlpreceiver_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A service sends spans by OTLP, and a store gets them as notifications. The answer to the
// service means that the store has them.
func Example() {
	dir, err := os.MkdirTemp("", "otlp")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	to, err := store.Open(context.Background(), "file://"+filepath.ToSlash(filepath.Join(dir, "traces.jsonl")))
	if err != nil {
		log.Fatal(err)
	}
	defer to.Close()
	source, err := otlpreceiver.Open("otlp+http://127.0.0.1:0") // without the port 0: 4318
	if err != nil {
		log.Fatal(err)
	}
	defer source.Close()

	ctx, stop := context.WithCancel(context.Background())
	followed := make(chan error)
	go func() {
		_, err := relay.Follow(ctx, []relay.Source{source}, []relay.Target{relay.ToStore(to)})
		followed <- err
	}()

	const request = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"glance"}}]},
		"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"get image","kind":1,
		"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000001000000000"}]}]}]}`
	response, err := http.Post("http://"+source.Addr().String()+"/v1/traces", "application/json", strings.NewReader(request))
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()
	fmt.Println(response.Status)

	for n, err := range to.Notifications(ctx, "4bf92f35-77b3-4da6-a3ce-929d0e0e4736") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(n.Service, n.Timestamp, n.Name)
	}
	stop()
	if err := <-followed; err != nil {
		log.Fatal(err)
	}
	// Output:
	// 200 OK
	// glance 2023-11-14T22:13:20.000000 get image-start
	// glance 2023-11-14T22:13:21.000000 get image-stop
}
