package analyze_test

import (
	"fmt"
	"log"
	"os"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// saved reads a report that was saved with osp trace show --json.
func saved(name string) *reader.Report {
	text, err := os.ReadFile("../testdata/openstack/" + name + ".report.json")
	if err != nil {
		log.Fatal(err)
	}
	report, err := reader.ParseReport(string(text))
	if err != nil {
		log.Fatal(err)
	}
	return report
}

func ExampleTrace() {
	report := saved("03-keystone-user-create")
	a := analyze.Trace(report)
	for _, finding := range a.Findings {
		fmt.Println(finding.Kind, "-", finding.Text)
	}
	fmt.Printf("%d segments are the critical path\n", len(a.CriticalPath.Segments))
	// Output:
	// critical - `POST /v3/users` itself took 275 ms (49 % of the trace); 200 ms of that in one piece between `SELECT … FROM revocation_event WHERE revocation_event.issued…` and `SELECT 1`
	// critical - `POST /v3/auth/tokens` itself took 200 ms (36 % of the trace); 195 ms of that in one piece after `SELECT … FROM (SELECT user.id AS user_id FROM user WHERE use…`
	// gap - No operation ran for 72.5 ms (13 % of the trace), between `POST /v3/auth/tokens` and `POST /v3/users`
	// 27 segments are the critical path
}

func ExampleDiff() {
	before, now := saved("09-cinder-volume-create"), saved("12-neutron-network-create")
	d := analyze.Diff(before, now)
	for _, c := range d.Changes[:3] {
		fmt.Printf("%-6s %s:%s %s: %d ms\n", c.Change, c.Service, c.Name, c.What, c.Delta/1e6)
	}
	// Output:
	// came   neutron-server:wsgi POST /v2.0/networks: 276 ms
	// went   osapi_volume:wsgi POST /v3/{id}/volumes: -208 ms
	// faster public:wsgi POST /v3/auth/tokens: -3 ms
}

func ExampleFolded() {
	report := saved("06-client-bad-password")
	report.Children[0].Children[0].Children = nil // for a short output
	if err := analyze.Folded(os.Stdout, report); err != nil {
		log.Fatal(err)
	}
	// Output:
	// inventory-sync:login 4456
	// inventory-sync:login;public:wsgi POST /v3/auth/tokens 469094
}
