package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// realNotifications returns the notifications of the ten real traces of OpenStack,
// and those that the Python library's helpers wrote.
func realNotifications(t *testing.T) (all []osprofiler.Notification) {
	t.Helper()
	add := func(text string) {
		n, err := osprofiler.ParseNotification(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	for _, trace := range openstackTraces(t) {
		for _, line := range lines(readFile(t, trace.file)) {
			add(line)
		}
	}
	for _, line := range lines(readFile(t, "testdata/18-keystone-messaging.jsonl")) { // sent over AMQP
		add(line)
	}
	var shared struct{ Notifications []json.RawMessage }
	if err := json.Unmarshal([]byte(readFile(t, "../../testdata/trace-a.json")), &shared); err != nil {
		t.Fatal(err)
	}
	for _, text := range shared.Notifications {
		add(strings.ReplaceAll(string(text), "\n", " "))
	}
	return all
}

// The counts of a listing equal those of the reports, in every kind of store, even if all
// notifications were written twice.
func TestListCountsAsReportsDo(t *testing.T) {
	all := realNotifications(t)
	for name, open := range map[string]func(t *testing.T) string{
		"file":       func(t *testing.T) string { return "file://" + filepath.Join(t.TempDir(), "traces.jsonl") },
		"SQLite":     func(t *testing.T) string { return "sqlite:///" + filepath.Join(t.TempDir(), "traces.db") },
		"PostgreSQL": func(t *testing.T) string { return testenv.PostgreSQL(t) },
		"MariaDB":    func(t *testing.T) string { return testenv.MariaDB(t) },
		"Redis":      func(t *testing.T) string { return testenv.RedisDB(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), open(t))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for range 2 {
				if err := s.Write(t.Context(), all); err != nil {
					t.Fatal(err)
				}
			}
			if traces := checkCounts(t, s); traces != 11 {
				t.Errorf("%d traces, want 11", traces)
			}
		})
	}
}

// checkCounts compares each summary with the report of its trace.
func checkCounts(t *testing.T, s *store.Store) (traces int) {
	t.Helper()
	r := reader.New(s)
	listed := map[string]store.Summary{}
	for summary, err := range r.Traces(context.WithoutCancel(t.Context()), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		listed[summary.BaseID] = summary
	}
	for id, summary := range listed {
		report, err := r.Report(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		operations, failures := 0, 0
		for _, node := range report.Nodes() {
			if operations++; node.Failed {
				failures++
			}
		}
		duration, _ := summary.Duration()
		if summary.Operations != operations || summary.Failures != failures || duration.Milliseconds() != *report.Finished {
			t.Errorf("%s: the listing has %d operations, %d failures, %s; the report %d, %d, %d ms",
				id, summary.Operations, summary.Failures, duration, operations, failures, *report.Finished)
		}
	}
	return len(listed)
}
