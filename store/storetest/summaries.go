package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The rules in this file are about the summary of each listed trace.

// failingTrace returns a trace of five events out of order, of which the second and the fourth
// failed, and its summary.
func failingTrace() ([]osprofiler.Notification, store.Summary) {
	batch := events(5)
	batch[0].Name, batch[0].Service, batch[0].Project = "wsgi-start", "osapi", "nova-é"
	batch[1].Info = `{"etype": "ValueError", "host": "h"}`
	batch[3].Info = `{"etype": "KeyError", "host": "h"}`
	for i := range batch {
		batch[i].TraceID = fmt.Sprint(i / 2) // three operations, of which the first two failed
	}
	s := store.Summary{
		BaseID: baseID(batch), Timestamp: batch[0].Timestamp, LastTimestamp: batch[4].Timestamp,
		Notifications: 5, Operations: 3, Failures: 2,
		Name: "wsgi-start", Service: "osapi", Project: "nova-é", Failed: true, FirstFailure: batch[1].Timestamp,
	}
	return []osprofiler.Notification{batch[3], batch[4], batch[1], batch[0], batch[2]}, s
}

func summaries(ctx context.Context, stage *Stage) error {
	failing, failed := failingTrace()
	quiet := trace(10)
	one := trace(20)[1:]
	s, err := stage.With(ctx, slices.Concat(failing, quiet, one)...)
	if err != nil {
		return err
	}
	want := []store.Summary{
		{BaseID: baseID(one), Timestamp: one[0].Timestamp, LastTimestamp: one[0].Timestamp, Notifications: 1, Operations: 1, Name: "wsgi-stop", Service: "api", Project: "nova"},
		{BaseID: baseID(quiet), Timestamp: quiet[0].Timestamp, LastTimestamp: quiet[1].Timestamp, Notifications: 2, Operations: 1, Name: "wsgi-start", Service: "api", Project: "nova"},
		failed,
	}
	for _, q := range []store.Query{{Limit: 10}, {Limit: 3}, {Limit: 1}, {Failed: true, Limit: 5}, {Since: want[1].Time(), Limit: 10}} {
		if err := summarizes(ctx, s, q, slices.DeleteFunc(slices.Clone(want), func(t store.Summary) bool { return !q.Matches(&t) })...); err != nil {
			return err
		}
	}
	return nil
}

// summarizes checks the whole summaries of a query with a limit.
func summarizes(ctx context.Context, s *store.Store, q store.Query, want ...store.Summary) error {
	got, err := collect(s.Traces(ctx, q))
	if err != nil {
		return fmt.Errorf("listing %+v: %w", q, err)
	}
	want = want[:min(len(want), q.Limit)]
	if !slices.Equal(got, want) {
		return fmt.Errorf("listing %+v: got\n  %s\nwant\n  %s", q, abbreviate(fmt.Sprintf("%+v", got)), abbreviate(fmt.Sprintf("%+v", want)))
	}
	return nil
}

func summariesFirst(ctx context.Context, stage *Stage) error {
	failing, _ := failingTrace()
	odd, err := parseAll(`{"name": "db-start", "base_id": "BASE", "trace_id": "t", "timestamp": "2024-05-06T07:00:00.000000", "info": {"request": {"path": "/v3", "a.b": [1, NaN]}}, "x": {"y": 2.50}}`)
	if err != nil {
		return err
	}
	s, err := stage.With(ctx, append(failing, odd...)...)
	if err != nil {
		return err
	}
	want := []osprofiler.Notification{failing[3], odd[0]}
	for _, q := range []store.Query{{First: true, Limit: 5}, {First: true}, {First: true, Failed: true}} {
		got, err := collect(s.Traces(ctx, q))
		if err != nil {
			return fmt.Errorf("listing %+v: %w", q, err)
		}
		var firsts []osprofiler.Notification
		for _, t := range got {
			if t.First == nil {
				return fmt.Errorf("listing %+v: the trace %s has no first notification", q, t.BaseID)
			}
			firsts = append(firsts, *t.First)
		}
		if q.Failed {
			want = want[:1]
		}
		if err := sameSet(firsts, want); err != nil {
			return fmt.Errorf("listing %+v: %w", q, err)
		}
	}
	return nil
}

func listService(ctx context.Context, stage *Stage) error {
	var all []osprofiler.Notification
	var want []entry
	for i := range 30 {
		one := trace(i)
		one[0].Service = []string{"api", "API", "api ", "scheduler", ""}[i%5]
		one[1].Service = "scheduler" // only the first notification counts
		all = append(all, one[1], one[0])
		if one[0].Service == "api" {
			want = append([]entry{traceOf(one[0])}, want...)
		}
	}
	s, err := stage.With(ctx, all...)
	if err != nil {
		return err
	}
	for _, q := range []store.Query{{Service: "api"}, {Service: "api", Limit: 4}, {Service: "api", Limit: 100}} {
		listed := want
		if q.Limit > 0 {
			listed = want[:min(q.Limit, len(want))]
		}
		if err := lists(ctx, s, q, listed...); err != nil {
			return err
		}
	}
	return lists(ctx, s, store.Query{Service: "nobody"})
}

func deletes(ctx context.Context, stage *Stage) error {
	gone, stays := events(30), events(5)
	stays[0].BaseID = baseID(gone) + "x" // nearly the same id
	for i := range stays {
		stays[i].BaseID = stays[0].BaseID
	}
	long := events(3)
	for i := range long {
		long[i].BaseID = strings.Repeat("ü", 300)
	}
	s, err := stage.With(ctx, slices.Concat(gone, stays, long)...)
	if err != nil {
		return err
	}
	for _, batch := range [][]osprofiler.Notification{gone, long} {
		count, err := s.Delete(ctx, baseID(batch))
		if err != nil {
			return fmt.Errorf("deleting the trace %s: %w", abbreviate(baseID(batch)), err)
		}
		if count != len(batch) {
			return fmt.Errorf("deleting a trace of %d notifications returned %d", len(batch), count)
		}
		if err := missing(ctx, s, baseID(batch)); err != nil {
			return fmt.Errorf("after deleting it: %w", err)
		}
	}
	if err := errors.Join(holds(ctx, s, stays), lists(ctx, s, store.Query{}, traceOf(stays[0]))); err != nil {
		return fmt.Errorf("after deleting others: %w", err)
	}
	for _, id := range []string{baseID(gone), osprofiler.NewID(), "", "*", "%"} {
		if _, err := s.Delete(ctx, id); !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("deleting the trace %q, which does not exist: got the error %w, want %w", id, err, store.ErrNotFound)
		}
	}
	if err := s.Write(ctx, gone); err != nil {
		return fmt.Errorf("writing a deleted trace again: %w", err)
	}
	return holds(ctx, s, gone)
}

func deletedWhileFollowed(ctx context.Context, stage *Stage) error {
	gone, stays := events(10), events(10)
	s, err := stage.With(ctx, append(slices.Clone(gone), stays...)...)
	if err != nil {
		return err
	}
	feed, err := s.Feed(ctx, "")
	if err != nil {
		return err
	}
	if _, err := collect(feed.Poll(ctx)); err != nil {
		return err
	}
	if _, err := s.Delete(ctx, baseID(gone)); err != nil {
		return err
	}
	later := events(7)
	if err := s.Write(ctx, later); err != nil {
		return err
	}
	came, err := collect(feed.Poll(ctx))
	if errors.Is(err, store.ErrCursor) {
		return nil // the place was recreated, and reports it
	}
	if err != nil {
		return err
	}
	return comprise(came, later)
}
