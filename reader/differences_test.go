package reader_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The tests of this file correspond to the rows of docs/differences.md. TestDifferencesTable
// checks that the tests and the rows agree.

// event returns a notification of base id "b" with a timestamp in microseconds. The members
// in more are added or replace others.
func event(name, id, parent string, micros int, more ...string) string {
	members := []string{
		fmt.Sprintf(`"name": %q`, name), `"base_id": "b"`, fmt.Sprintf(`"trace_id": %q`, id), fmt.Sprintf(`"parent_id": %q`, parent),
		fmt.Sprintf(`"timestamp": "2024-05-06T07:08:%02d.%06d"`, micros/1_000_000, micros%1_000_000),
		`"info": {"host": "h"}`, `"project": "nova"`, `"service": "api"`,
	}
	for _, m := range more {
		key, value, _ := strings.Cut(m, ": ")
		i := slices.IndexFunc(members, func(old string) bool { return strings.HasPrefix(old, key+": ") })
		switch {
		case value == "": // an empty value removes the member
			members = slices.Delete(members, i, i+1)
		case i < 0:
			members = append(members, m)
		default:
			members[i] = m
		}
	}
	return "{" + strings.Join(members, ", ") + "}"
}

func own(t tester, events ...string) *reader.Report {
	t.Helper()
	r, err := reader.BuildReport(sequence(t, events...))
	if err != nil {
		t.Fatal(err)
	}
	checkComplete(t, notifications(t, sequence(t, events...)), r)
	return r
}

func pythons(t tester, events ...string) *reader.Report {
	t.Helper()
	r, err := python.BuildReport(sequence(t, events...))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Warnings) > 0 {
		t.Errorf("Python does not warn of %q", r.Warnings)
	}
	return r
}

func pythonFails(t tester, exception string, events ...string) {
	t.Helper()
	_, err := python.BuildReport(sequence(t, events...))
	var failure *python.ExceptionError
	if !errors.As(err, &failure) || failure.Exception != exception {
		t.Errorf("Python's answer is %v, want %s", err, exception)
	}
}

// shape draws the tree: names with their times, children in brackets.
func shape(r *reader.Report) string {
	var write func(nodes []*reader.Node) string
	write = func(nodes []*reader.Node) string {
		var parts []string
		for _, n := range nodes {
			part := fmt.Sprintf("%s %d-%d", n.Name, n.Started, n.Finished)
			if n.Incomplete != reader.Complete {
				part += " " + string(n.Incomplete)
			}
			if len(n.Children) > 0 {
				part += " [" + write(n.Children) + "]"
			}
			parts = append(parts, part)
		}
		return strings.Join(parts, ", ")
	}
	return write(r.Children)
}

func wantShape(t tester, r *reader.Report, want string) {
	t.Helper()
	if got := shape(r); got != want {
		t.Errorf("the tree is %s, want %s", got, want)
	}
}

func wantStats(t tester, r *reader.Report, want ...reader.Stat) {
	t.Helper()
	if !slices.Equal(r.Stats, want) {
		t.Errorf("the stats are %v, want %v", r.Stats, want)
	}
}

func wantWarnings(t tester, r *reader.Report, want ...string) {
	t.Helper()
	if !slices.Equal(r.Warnings, want) {
		t.Errorf("the warnings are %q, want %q", r.Warnings, want)
	}
}

func TestDifferenceNames(t *testing.T) {
	events := []string{
		event("neutron-api-start", "1", "b", 0), event("neutron-api-stop", "1", "b", 9000),
		event("neutron-db-start", "2", "1", 1000), event("neutron-db-stop", "2", "1", 2000),
		event("stop-and-start", "3", "1", 3000), event("nonstop", "3", "1", 4000),
	}
	r := own(t, events...)
	wantShape(t, r, "neutron-api 0-9 [neutron-db 1-2, stop-and 3-4]")
	wantStats(t, r, reader.Stat{Name: "neutron-api", Count: 1, Duration: 9}, reader.Stat{Name: "neutron-db", Count: 1, Duration: 1},
		reader.Stat{Name: "stop-and", Count: 1, Duration: 1})
	r = pythons(t, events...)
	wantShape(t, r, "neutron 0-9 [neutron 1-2, stop 3-4]")
	wantStats(t, r, reader.Stat{Name: "neutron", Count: 2, Duration: 10}, reader.Stat{Name: "stop", Count: 1, Duration: 1})
}

func TestDifferenceOrigin(t *testing.T) {
	events := []string{
		event("a-stop", "1", "b", 9000, `"service": "s1"`, `"info": {"host": "h1"}`),
		event("b-start", "1", "x", 2000, `"service": "s2"`, `"info": {"host": "h2"}`),
		event("a-start", "1", "b", 1000, `"service": "s3"`, `"info": {"host": "h3"}`),
		event("c-start", "2", "1", 3000, `"service": null`, `"info": {}`), event("c-stop", "2", "1", 4000, `"service": "s4"`, `"info": {"host": "h4"}`),
	}
	r := own(t, events...)
	top := r.Children[0]
	if top.Name != "a" || top.Service != "s3" || top.Host != "h3" || top.ParentID != "b" {
		t.Errorf("the origin should be the earliest start, not %+v", top)
	}
	if c := top.Children[0]; c.Service != "s4" || c.Host != "h4" {
		t.Errorf("what the start does not say, the stop should: %+v", c)
	}
	events = events[:3]
	if first := pythons(t, events...).Children[0]; first.Service != "s1" || first.Host != "h1" {
		t.Errorf("Python's origin should be the first to come, not %+v", first)
	}
}

func TestDifferenceDuplicates(t *testing.T) {
	start, stop := event("a-start", "1", "b", 1000), event("a-stop", "1", "b", 3000)
	other := `{ "service": "api", ` + strings.TrimSuffix(strings.TrimPrefix(stop, "{"), `, "service": "api"}`) + "}"
	r := own(t, start, stop, start, other)
	wantShape(t, r, "a 0-2")
	wantWarnings(t, r, `2 repeated notifications were dropped: "a-start", "a-stop"`)
	if got, want := encode(t, pythons(t, start, stop, start, other)), encode(t, pythons(t, start, other)); got != want {
		t.Errorf("Python's last one should win: %s\nwant %s", got, want)
	}
}

func TestDifferenceRepeatedNames(t *testing.T) {
	events := []string{
		event("a-start", "1", "b", 2000), event("a-stop", "1", "b", 5000, `"info": {"host": "h", "etype": "E"}`),
		event("a-start", "1", "b", 1000), event("a-stop", "1", "b", 9000), event("a-start#2", "1", "b", 3000),
	}
	r := own(t, events...)
	wantShape(t, r, "a 0-8")
	var keys []string
	for _, e := range r.Children[0].Events {
		keys = append(keys, strings.TrimPrefix(e.Key(), "meta.raw_payload."))
	}
	if want := []string{"a-start#3", "a-stop", "a-start", "a-stop#2", "a-start#2"}; !slices.Equal(keys, want) {
		t.Errorf("the keys are %q, want %q", keys, want)
	}
	wantWarnings(t, r, `1 operation has several different notifications of one name: "a 1"`)
	events = events[:4]
	r = pythons(t, events...)
	wantShape(t, r, "a 0-8")
	if n := r.Children[0]; len(n.Events) != 2 || n.Failed {
		t.Errorf("Python's last ones should have taken the places of the others: %+v", n)
	}
}

func TestDifferenceExceptions(t *testing.T) {
	events := []string{
		event("a-start", "1", "b", 0), event("a-stop", "1", "b", 5000, `"info": {"host": "h", "etype": "E"}`), event("a-stop", "1", "b", 9000),
	}
	if n := own(t, events...).Children[0]; !n.Failed || n.Exception != "E" {
		t.Errorf("the failure is lost: %+v", n)
	}
	if n := pythons(t, events...).Children[0]; n.Failed || n.Exception != "None" {
		t.Errorf("Python's last stop should count: %+v", n)
	}
}

func TestDifferenceCycles(t *testing.T) {
	events := []string{
		event("a-start", "1", "2", 2000), event("a-stop", "1", "2", 3000),
		event("b-start", "2", "1", 1000), event("b-stop", "2", "1", 4000),
		event("c-start", "3", "3", 5000), event("c-stop", "3", "3", 6000),
		event("d-start", "4", "2", 1500), event("d-stop", "4", "2", 1600),
		event("e-start", "5", "b", 0), event("e-stop", "5", "b", 9000),
	}
	r := own(t, events...)
	wantShape(t, r, "e 0-9, b 1-4 [d 1-1, a 2-3], c 5-6")
	wantWarnings(t, r, `2 operations stand at the top because they are, through their parents, their own ancestors: "b 2", "c 3"`)
	r = pythons(t, events...)
	wantShape(t, r, "e 0-9")
	if len(r.Stats) != 5 {
		t.Errorf("Python's stats should still count all: %v", r.Stats)
	}
}

func TestDifferenceOrphans(t *testing.T) {
	events := []string{
		event("a-start", "1", "b", 0), event("a-stop", "1", "b", 9000),
		event("c-start", "3", "gone", 2000), event("c-stop", "3", "gone", 3000),
		event("d-start", "4", "b", 4000), event("d-stop", "4", "b", 5000),
	}
	r := own(t, events...)
	wantShape(t, r, "a 0-9, c 2-3, d 4-5")
	wantWarnings(t, r, `1 operation stands at the top because its parent is not in the trace: "c 3"`)
	wantShape(t, pythons(t, events...), "a 0-9, c 2-3, d 4-5")
}

func TestDifferenceMissingMembers(t *testing.T) {
	for key, exception := range map[string]string{
		"project": "KeyError: 'project'", "service": "KeyError: 'service'", "info": "KeyError: 'info'",
		"parent_id": "KeyError: 'parent_id'", "name": "KeyError: 'name'", "timestamp": "KeyError: 'timestamp'",
	} {
		events := []string{event("a-start", "1", "b", 0, fmt.Sprintf(`%q: `, key))}
		r := own(t, events...)
		if want := fmt.Sprintf("1 member is missing in a notification: %q", key); !slices.Contains(r.Warnings, want) {
			t.Errorf("the warnings are %q, want %q", r.Warnings, want)
		}
		pythonFails(t, exception, events...)
	}
	host := event("a-start", "1", "b", 0, `"info": {}`)
	r := own(t, host)
	if !slices.Contains(r.Warnings, `1 operation does not say its host: "a 1"`) {
		t.Errorf("no warning of the missing host among %q", r.Warnings)
	}
	if got := encode(t, r); !strings.Contains(got, `"host": null`) {
		t.Errorf("the host should be null: %s", got)
	}
	pythonFails(t, "KeyError: 'host'", host)
}

func TestDifferenceMissingTraceID(t *testing.T) {
	events := []string{
		event("a-start", "", "b", 0, `"trace_id": `), event("a-stop", "", "b", 2000, `"trace_id": null`),
		event("b-start", "", "b", 1000, `"trace_id": null`),
	}
	r := own(t, events...)
	wantShape(t, r, "a 0-2, b 1-1 no stop")
	pythonFails(t, "KeyError: 'trace_id'", events...)
	wantShape(t, pythons(t, events[1:]...), "a 0-1")
}

func TestDifferenceIDs(t *testing.T) {
	events := []string{
		event("a-start", "", "b", 0, `"trace_id": 1`), event("a-stop", "1", "b", 9000),
		event("b-start", "2", "", 1000, `"parent_id": 1`), event("c-start", "3", "1", 2000),
	}
	r := own(t, events...)
	wantShape(t, r, "a 0-9 [b 1-1 no stop, c 2-2 no stop]")
	if got := encode(t, r); !strings.Contains(got, `"trace_id": 1,`) {
		t.Errorf("the id should stay a number: %s", got)
	}
	wantShape(t, pythons(t, events...), "a 0-0 no stop [b 1-1 no stop], a 9-9 no start [c 2-2 no stop]")
	list := event("a-start", "", "b", 0, `"trace_id": [1]`)
	wantShape(t, own(t, list), "a 0-0 no stop")
	pythonFails(t, "TypeError: unhashable type: 'list'", list)
}

func TestDifferenceTypes(t *testing.T) {
	for member, exception := range map[string]string{
		`"info": null`:   "TypeError: 'NoneType' object is not subscriptable",
		`"info": "text"`: "TypeError: string indices must be integers, not 'str'",
		`"name": 5`:      "AttributeError: 'int' object has no attribute 'split'",
		`"timestamp": 5`: "TypeError: strptime() argument 1 must be str, not int",
	} {
		events := []string{event("a-start", "1", "b", 0, member)}
		own(t, events...)
		pythonFails(t, exception, events...)
	}
}

func TestDifferenceTimestamps(t *testing.T) {
	at := func(text string) string { return fmt.Sprintf(`"timestamp": %q`, text) }
	events := []string{
		event("a-start", "1", "b", 0, at("2024-05-06T07:08:09")), event("a-stop", "1", "b", 0, at("2024-05-06T07:08:09.123456789Z")),
		event("b-start", "2", "1", 0, at("2024-05-06 09:08:09.05+02:00")), event("b-stop", "2", "1", 0, at("2024-05-06T07:08:09.06")),
	}
	wantShape(t, own(t, events...), "a 0-123 [b 50-60]")
	pythonFails(t, "ValueError: time data '2024-05-06T07:08:09' does not match format '%Y-%m-%dT%H:%M:%S.%f'", events...)
	pythonFails(t, "ValueError: unconverted data remains: 789Z", events[1:]...)

	unreadable := []string{
		event("a-start", "1", "b", 0), event("a-stop", "1", "b", 0, at("tomorrow")), event("b-start", "2", "1", 0, at("soon")),
	}
	r := own(t, unreadable...)
	wantShape(t, r, "a 0-0 no time [b 0-0 no time]")
	wantWarnings(t, r, `2 timestamps cannot be read: "tomorrow", "soon"`)
	if got := encode(t, r); !strings.Contains(got, `"started": null`) {
		t.Errorf("what is not known should be null: %s", got)
	}
	pythonFails(t, "ValueError: time data 'tomorrow' does not match format '%Y-%m-%dT%H:%M:%S.%f'", unreadable...)
}

func TestDifferenceOrderOfSiblings(t *testing.T) {
	events := []string{
		event("late-start", "1", "b", 900), event("late-stop", "1", "b", 950),
		event("early-start", "2", "b", 100), event("early-stop", "2", "b", 200),
	}
	wantShape(t, own(t, events...), "early 0-0, late 0-0")
	wantShape(t, pythons(t, events...), "late 0-0, early 0-0")
}

func TestDifferenceIncomplete(t *testing.T) {
	events := []string{
		event("a-start", "1", "b", 0), event("a-stop", "1", "b", 9000), event("a-start", "2", "1", 2000), event("b-stop", "3", "1", 3000),
	}
	r := own(t, events...)
	wantStats(t, r, reader.Stat{Name: "a", Count: 2, Duration: 9, Incomplete: 1}, reader.Stat{Name: "b", Count: 1, Incomplete: 1})
	wantWarnings(t, r, `1 operation has no start notification: "b 3"`, `1 operation has no stop notification: "a 2"`)
	for _, n := range r.Children[0].Children {
		if _, ok := n.Duration(); ok {
			t.Errorf("%s has a duration", n.Name)
		}
	}
	got := encode(t, r)
	for _, want := range []string{`"incomplete": "no stop"`, `"incomplete": "no start"`, `"incomplete": 1`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in %s", want, got)
		}
	}
	if got := encode(t, pythons(t, events...)); strings.Contains(got, "incomplete") {
		t.Errorf("Python does not tell: %s", got)
	}
}

func TestDifferenceNegativeDurations(t *testing.T) {
	events := []string{
		event("a-start", "1", "b", 0), event("a-stop", "1", "b", 9000), event("a-start", "2", "1", 8000), event("a-stop", "2", "1", 3000),
	}
	r := own(t, events...)
	wantShape(t, r, "a 0-9 [a 8-3]")
	wantStats(t, r, reader.Stat{Name: "a", Count: 2, Duration: 9, Incomplete: 1})
	wantWarnings(t, r, `1 operation stops before it starts, so its clocks disagree: "a 2"`)
	if r := pythons(t, events...); r.Stats[0].Duration != 4 {
		t.Errorf("Python should add -5 to 9: %v", r.Stats)
	}
}

func TestDifferencePayloads(t *testing.T) {
	events := []string{event("a-start", "1", "b", 0), event("a-stop", "1", "b", 9000, `"extra": [1]`)}
	driver := store.PythonAnswers{Driver: "sqlalchemy", Payload: func(n *osprofiler.Notification) string {
		raw, _ := n.Member("info")
		return `{"info": ` + raw + `}`
	}}
	if got := own(t, events...).Children[0].Events[1].Payload; !pyjson.Equal(got, events[1]) {
		t.Errorf("the payload is %s, want %s", got, events[1])
	}
	r, err := python.BuildReport(sequence(t, events...), python.WithDriver(driver))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Children[0].Events[1].Payload; got != `{"info": {"host": "h"}}` {
		t.Errorf("Python's payload is %s", got)
	}
}

func TestDifferenceWarnings(t *testing.T) {
	events := []string{event("a-start", "1", "gone", 0)}
	for _, c := range []struct {
		report *reader.Report
		want   bool
	}{{own(t, events...), true}, {pythons(t, events...), false}, {own(t, event("a-start", "1", "b", 0), event("a-stop", "1", "b", 0)), false}} {
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(encode(t, c.report)), &members); err != nil {
			t.Fatal(err)
		}
		if _, got := members["warnings"]; got != c.want {
			t.Errorf("warnings in the JSON: %t, want %t", got, c.want)
		}
	}
}

func TestDifferenceNoTop(t *testing.T) {
	s := filled(t, "file", notifications(t, sequence(t, event("a-start", "1", "1", 0), event("a-stop", "1", "1", 1000))))
	r, err := open(t, s).Report(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	wantShape(t, r, "a 0-1")
	if _, err := openPython(t, s).Report(t.Context(), "b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Python should not find it, but %v", err)
	}
}

// listed returns which traces are listed with which times.
func listed(t *testing.T, seq iter.Seq2[store.Summary, error]) string {
	t.Helper()
	var parts []string
	for _, trace := range traces(t, seq) {
		parts = append(parts, trace.BaseID+" "+trace.Timestamp[len(trace.Timestamp)-6:])
	}
	return strings.Join(parts, ", ")
}

// listedRows returns which traces Python lists with which times.
func listedRows(t *testing.T, seq iter.Seq2[python.Row, error]) string {
	t.Helper()
	var parts []string
	for row, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, row.BaseID()+" "+row.Timestamp()[len(row.Timestamp())-6:])
	}
	return strings.Join(parts, ", ")
}

func TestDifferenceTraces(t *testing.T) {
	s := filled(t, "sqlite", notifications(t, sequence(t, event("a-stop", "1", "b", 3000), event("a-start", "1", "b", 1000),
		event("a-start", "2", "c", 2000, `"base_id": "c"`))))
	if got := listed(t, open(t, s).Traces(t.Context(), store.Query{Limit: 9})); got != "c 002000, b 001000" {
		t.Errorf("listed are %s", got)
	}
	if got := listedRows(t, openPython(t, s).Traces(t.Context(), python.Query{})); got != "b 003000, c 002000" {
		t.Errorf("Python, by the first row, lists %s", got)
	}
}

func TestDifferenceErrorTraces(t *testing.T) {
	s := filled(t, "sqlite", notifications(t, sequence(t, event("a-stop", "1", "b", 3000, `"info": {"etype": "E", "host": "h"}`))))
	if got := listed(t, open(t, s).Traces(t.Context(), store.Query{Failed: true})); got != "b 003000" {
		t.Errorf("listed are %s", got)
	}
	for _, err := range openPython(t, s).FailedTraces(t.Context(), python.Query{}) {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Python cannot, but %v", err)
		}
	}
}

// Every row of the tables names one test that exists, and every test of a difference has a
// row.
func TestDifferencesTable(t *testing.T) {
	page, err := os.ReadFile("../docs/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]int{}
	link := regexp.MustCompile(`\[(TestDifference\w+)\]\(\.\./(\S+)\)`)
	for line := range strings.Lines(string(page)) {
		row := strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| what |")
		links := link.FindAllStringSubmatch(line, -1)
		if row != (len(links) == 1) {
			t.Errorf("each row should name one test, unlike %s", line)
		}
		for _, l := range links {
			named[l[2]+" "+l[1]]++
		}
	}
	function := regexp.MustCompile(`(?m)^func (TestDifference\w+)\(`)
	for _, file := range []string{"reader/differences_test.go", "reader/render/differences_test.go"} {
		source, err := os.ReadFile("../" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range function.FindAllStringSubmatch(string(source), -1) {
			if f[1] != "TestDifferencesTable" && named[file+" "+f[1]] != 1 {
				t.Errorf("%s stands in %d rows", f[1], named[file+" "+f[1]])
			}
			delete(named, file+" "+f[1])
		}
	}
	for test := range named {
		t.Errorf("there is no test %s", test)
	}
}
