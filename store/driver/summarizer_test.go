package driver_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

func event(name, timestamp string, info osprofiler.Info) osprofiler.Notification {
	return osprofiler.Notification{Name: name, BaseID: "id\xff", Timestamp: timestamp, Info: info, Service: name + "-service", Project: name + "-project"}
}

func TestSummarizer(t *testing.T) {
	var s driver.Summarizer
	for i, c := range []struct {
		n     osprofiler.Notification
		first bool
	}{
		{event("b", "2024-05-06T07:08:10", `{}`), true},
		{event("c", "2024-05-06T07:08:11Z", `{"etype": "E"}`), false},
		{event("a", "2024-05-06T08:08:09.5+01:00", `{"etype": null}`), true},
		{event("x", "yesterday", `{"etype": "E"}`), false},
		{event("d", "2024-05-06T07:08:10.5", `{"\u0065type": "E"}`), false},
	} {
		if first := s.Add(&c.n); first != c.first {
			t.Errorf("notification %d is the first: %v", i, first)
		}
	}
	want := driver.Summary{
		BaseID: "id\uFFFD", Timestamp: "2024-05-06T08:08:09.5+01:00", LastTimestamp: "2024-05-06T07:08:11Z", Notifications: 5, Operations: 5, Failures: 3,
		Name: "a", Service: "a-service", Project: "a-project", Failed: true, FirstFailure: "2024-05-06T07:08:10.5",
	}
	if got := s.Summary(); got != want || s.Len() != 5 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	s.Reset()
	n := event("x", "", "")
	if !s.Add(&n) {
		t.Error("after Reset the next notification is not the first")
	}
	want = driver.Summary{BaseID: "id\uFFFD", Notifications: 1, Operations: 1, Name: "x", Service: "x-service", Project: "x-project"}
	if got := s.Summary(); got != want {
		t.Errorf("after Reset: got %+v, want %+v", got, want)
	}
}

// The order of the notifications affects only which of several notifications at the same time
// is the first.
func TestSummarizerOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := []string{"", "yesterday", "2024-05-06T07:08:09", "2024-05-06T07:08:10", "2024-05-06T07:08:11.000001", "tomorrow"}
		infos := []osprofiler.Info{"", `{"etype": "E"}`, `{"etype": null}`, `{"a": "etype"}`}
		batch := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) osprofiler.Notification {
			return event("n", rapid.SampledFrom(times).Draw(t, "time"), rapid.SampledFrom(infos).Draw(t, "info"))
		}), 1, 8).Draw(t, "batch")
		summary := func(batch []osprofiler.Notification) driver.Summary {
			var s driver.Summarizer
			for i := range batch {
				s.Add(&batch[i])
			}
			return s.Summary()
		}
		want := summary(batch)
		shuffled := rapid.Permutation(batch).Draw(t, "shuffled")
		got := summary(shuffled)
		if got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if want.Failed != slices.ContainsFunc(batch, func(n osprofiler.Notification) bool { return n.Info.Failed() }) {
			t.Fatalf("failed is %v", want.Failed)
		}
	})
}

// Timestamps of any form are compared as times. Timestamps that are no time come last, in the
// order of their texts, with the empty one at the end.
func TestSummarizerFirst(t *testing.T) {
	for _, c := range []struct {
		times []string
		want  string
	}{
		{[]string{"2024-01-01T00:00:03.000000", "2024-01-01T00:00:01Z", ""}, "2024-01-01T00:00:01Z"},
		{[]string{"2024-01-01T00:00:05", "2024-01-01T00:00:04Z", "2024-01-01T00:00:06"}, "2024-01-01T00:00:04Z"},
		{[]string{"", "b", "a"}, "a"},
		{[]string{"", "yesterday"}, "yesterday"},
		{[]string{"soon", "2024-01-03T00:00:00.000000"}, "2024-01-03T00:00:00.000000"},
		{[]string{""}, ""},
	} {
		var s driver.Summarizer
		for _, timestamp := range c.times {
			n := event("x", timestamp, "")
			s.Add(&n)
		}
		if got := s.Summary().Timestamp; got != c.want {
			t.Errorf("the first of %q is %q, want %q", c.times, got, c.want)
		}
	}
}
