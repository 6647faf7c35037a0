package convert_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// Each span has the resource of its own service and host, shared with others of
// these while there are not too many, from many goroutines and with names of any length.
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
