package python_test

import (
	"fmt"
	"iter"
	"log"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/store"
)

// oneRequest yields the notifications of a request that queries a database and another
// service, which never answers.
func oneRequest() iter.Seq2[osprofiler.Notification, error] {
	return parse([]string{
		`{"name": "wsgi-start", "base_id": "b0", "trace_id": "t1", "parent_id": "b0", "timestamp": "2024-05-06T07:08:09.000000", "info": {"request": {"method": "GET", "path": "/servers", "query": "", "scheme": "http"}, "host": "c1"}, "project": "nova", "service": "api"}`,
		`{"name": "db-start", "base_id": "b0", "trace_id": "t2", "parent_id": "t1", "timestamp": "2024-05-06T07:08:09.001500", "info": {"db": {"statement": "SELECT id, name\nFROM instances", "params": {}}, "host": "c1"}, "project": "nova", "service": "api"}`,
		`{"name": "db-stop", "base_id": "b0", "trace_id": "t2", "parent_id": "t1", "timestamp": "2024-05-06T07:08:09.002250", "info": {"host": "c1"}, "project": "nova", "service": "api"}`,
		`{"name": "neutron-api-start", "base_id": "b0", "trace_id": "t3", "parent_id": "t1", "timestamp": "2024-05-06T07:08:09.004000", "info": {"host": "c1"}, "project": "nova", "service": "api"}`,
		`{"name": "wsgi-stop", "base_id": "b0", "trace_id": "t1", "parent_id": "b0", "timestamp": "2024-05-06T07:08:09.042000", "info": {"etype": "Timeout", "message": "no answer", "host": "c1"}, "project": "nova", "service": "api"}`,
	})
}

func parse(lines []string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, line := range lines {
			if !yield(osprofiler.ParseNotification(line)) {
				return
			}
		}
	}
}

func ExampleBuildReport() {
	report, err := python.BuildReport(oneRequest())
	if err != nil {
		log.Fatal(err)
	}
	for _, stat := range report.Stats {
		fmt.Println(stat.Name, stat.Count, stat.Duration)
	}
	noHost := func(yield func(osprofiler.Notification, error) bool) {
		yield(osprofiler.ParseNotification(`{"name": "db-start", "base_id": "b0", "trace_id": "t1", "parent_id": "b0", "timestamp": "2024-05-06T07:08:09.000000", "info": {}, "project": "nova", "service": "api"}`))
	}
	_, err = python.BuildReport(noHost)
	fmt.Println(err)
	// Output:
	// wsgi 1 42
	// db 1 1
	// neutron 1 0
	// the Python library's report fails at notification 1 of the trace, "db-start", with KeyError: 'host'; without Python's answers the trace can be read
}

func ExampleWithDriver() {
	sql := store.PythonAnswers{
		Driver:  "sqlalchemy",
		Payload: func(n *osprofiler.Notification) string { return `{"info": ` + string(n.Info) + `}` },
	}
	report, err := python.BuildReport(oneRequest(), python.WithDriver(sql))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Children[0].Children[1].Events[0].Payload)
	// Output: {"info": {"host": "c1"}}
}
