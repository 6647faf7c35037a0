package convert_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// Each span has the resource of its own service and host. Spans share a resource as long as
// there are not too many resources. The test uses many goroutines and names of any length.
func TestResources(t *testing.T) {
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for i := range 6000 {
				service, host := fmt.Sprint("service-", i%7), fmt.Sprint("host-", i*(g+1))
				if i%1000 == 0 {
					host = strings.Repeat("h", 2000) + host
				}
				n := osprofiler.Notification{
					Name: "x-start", BaseID: "b", TraceID: "t", ParentID: "b", Timestamp: "2024-05-06T07:08:09.000010",
					Info: osprofiler.Info(`{"host": "` + host + `"}`), Project: "project", Service: service,
				}
				s := convert.SpanOf(&n, nil)
				want := "host.name=" + host + ",service.name=" + service + ",service.namespace=project"
				if got := s.Resource().String(); got != want {
					t.Errorf("the resource is %s and should be %s", got, want)
				}
			}
		})
	}
	group.Wait()
	a, b := osprofiler.Notification{Service: "api"}, osprofiler.Notification{Service: "api", Name: "stop"}
	if convert.SpanOf(&a, nil).Resource() != convert.SpanOf(nil, &b).Resource() {
		t.Error("one service should have one resource")
	}
}

// The notifications of a span have the project, service, host and resource of that span,
// however many resources a Converter has seen, and with many goroutines. The Converter's cache
// is bounded.
func TestManyResourcesOfOneConverter(t *testing.T) {
	c := convert.New()
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for i := range 600 {
				service := fmt.Sprint("service-", g, "-", i)
				if i%100 == 0 {
					service += strings.Repeat("x", 1<<20)
				}
				s := convert.Span{Name: "x", Resource: resource.NewSchemaless(attribute.String("service.name", service), attribute.String("host.name", service+"-host"))}
				for range 2 {
					for _, n := range c.Append(nil, convert.Both, s.Snapshot()) {
						if n.Service != service || n.Info.Host() != service+"-host" || n.Half() == osprofiler.Stop && !strings.Contains(string(n.Info), service+`\"}`) {
							t.Errorf("the notification of another resource: %.300s", n.JSON())
						}
					}
				}
			}
		})
	}
	group.Wait()
	if s := (convert.Span{Name: "x"}); len(c.Append(nil, convert.Both, s.Snapshot())) != 2 {
		t.Error("a span without a resource is two notifications, too")
	}
}
