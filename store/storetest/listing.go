package storetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The rules in this file are about listing traces and failed traces.

// tracesOf returns the entries of the traces of notifications whose first notification is also
// their earliest.
func tracesOf(batch []osprofiler.Notification) []entry {
	var traces []entry
	for _, n := range batch {
		if !slices.ContainsFunc(traces, func(t entry) bool { return t.baseID == n.BaseID }) {
			traces = append(traces, traceOf(n))
		}
	}
	return traces
}

func traceOf(n osprofiler.Notification) entry {
	return entry{n.BaseID, n.Timestamp}
}

func (e entry) time() time.Time {
	t, _ := osprofiler.ParseTime(e.timestamp)
	return t
}

func listFirstEvent(ctx context.Context, stage *Stage) error {
	inOrder, reversed, mixed := events(40), events(40), events(40)
	want := []entry{traceOf(inOrder[0]), traceOf(reversed[0]), traceOf(mixed[0])}
	slices.Reverse(reversed)
	mixed[0], mixed[25] = mixed[25], mixed[0]
	var all []osprofiler.Notification
	for i := range inOrder {
		all = append(all, inOrder[i], reversed[i], mixed[i])
	}
	s, err := stage.With(ctx, all...)
	if err != nil {
		return err
	}
	return lists(ctx, s, store.Query{}, want...)
}

// minutes writes traces that begin one, two, three … minutes after epoch, in a shuffled order.
// It returns their entries, newest first.
func minutes(ctx context.Context, stage *Stage, count int) (*store.Store, []entry, error) {
	var all []osprofiler.Notification
	newestFirst := make([]entry, count)
	for i := range count {
		minute := 1 + (i*7)%count // each once: the counts used have no factor 7
		one := trace(minute)
		one[1].Timestamp = osprofiler.FormatTime(epoch.Add(24 * time.Hour)) // all end at the same time, so that only the first event counts
		all = append(all, one[1], one[0])
		newestFirst[count-minute] = traceOf(one[0])
	}
	s, err := stage.With(ctx, all...)
	return s, newestFirst, err
}

func listLimit(ctx context.Context, stage *Stage) error {
	s, newest, err := minutes(ctx, stage, 30)
	if err != nil {
		return err
	}
	for _, limit := range []int{1, 7, 29, 30, 31, 1000, math.MaxInt} {
		if err := lists(ctx, s, store.Query{Limit: limit}, newest[:min(limit, len(newest))]...); err != nil {
			return err
		}
	}
	return lists(ctx, s, store.Query{}, newest...)
}

func listWindow(ctx context.Context, stage *Stage) error {
	s, newest, err := minutes(ctx, stage, 30)
	if err != nil {
		return err
	}
	return windows(ctx, s, store.Query{}, newest)
}

// windows checks windows and limits of a query that lists these traces. The first trace is in
// the last minute, and the last trace in the first minute.
func windows(ctx context.Context, s *store.Store, of store.Query, newest []entry) error {
	count := len(newest)
	at := func(minute int) time.Time { return newest[count-minute].time() }
	for _, c := range []struct {
		q        store.Query
		from, to int // the first and the last minute listed
	}{
		{store.Query{Since: at(10)}, 10, count},
		{store.Query{Since: at(10).Add(time.Microsecond)}, 11, count},
		{store.Query{Until: at(10)}, 1, 9},
		{store.Query{Until: at(10).Add(time.Microsecond)}, 1, 10},
		{store.Query{Since: at(5), Until: at(8)}, 5, 7},
		{store.Query{Since: at(5).In(time.FixedZone("", 3600)), Until: at(8).In(time.FixedZone("", -7200))}, 5, 7},
		{store.Query{Since: at(5), Until: at(5)}, 5, 4},
		{store.Query{Since: at(5), Limit: 3}, count - 2, count},
		{store.Query{Since: at(3), Until: at(20), Limit: 4}, 16, 19},
		{store.Query{Since: at(count).Add(time.Hour)}, 1, 0},
		{store.Query{Until: at(1)}, 1, 0},
	} {
		c.q.Failed, c.q.ByFirstEvent = of.Failed, of.ByFirstEvent
		if err := lists(ctx, s, c.q, newest[count-c.to:count-c.from+1]...); err != nil {
			return err
		}
	}
	return nil
}

func listOneEvent(ctx context.Context, stage *Stage) error {
	start, stop := trace(1)[0], trace(2)[1]
	s, err := stage.With(ctx, start, stop)
	if err != nil {
		return err
	}
	if err := lists(ctx, s, store.Query{}, traceOf(start), traceOf(stop)); err != nil {
		return err
	}
	return lists(ctx, s, store.Query{Limit: 5}, traceOf(stop), traceOf(start))
}

func listNoTimestamp(ctx context.Context, stage *Stage) error {
	timed := trace(1)
	untimed, err := parseAll(`{"name": "x-start", "base_id": "BASE", "info": {}}`, `{"name": "x-stop", "base_id": "BASE", "timestamp": null, "info": {}}`)
	if err != nil {
		return err
	}
	halfTimed := trace(2)
	halfTimed[0].Timestamp = ""
	all := slices.Concat(untimed, timed, halfTimed)
	s, err := stage.With(ctx, all...)
	if err != nil {
		return err
	}
	want := []entry{traceOf(halfTimed[1]), traceOf(timed[0]), traceOf(untimed[0])}
	for _, q := range []store.Query{{}, {Limit: 3}, {Limit: 10}} {
		if err := lists(ctx, s, q, want...); err != nil {
			return err
		}
	}
	if err := lists(ctx, s, store.Query{Limit: 2}, want[:2]...); err != nil {
		return err
	}
	return lists(ctx, s, store.Query{Since: epoch}, want[:2]...)
}

func listOddTimes(ctx context.Context, stage *Stage) error {
	newestFirst := []string{
		"2024-05-06T07:00:09.000000", "2024-05-06T08:00:08.999999999+01:00", "2024-05-06 07:00:08.5", "2024-05-06T07:00:08Z", "2024-05-06T05:00:07-02:00",
		"2024-05-06T07:00:06.987654321Z", "2024-05-06T07:00:06.123456", "2024-05-06T07:00:06", "2024-5-6T7:0:5.5",
	}
	var all []osprofiler.Notification
	var want []entry
	for i, text := range newestFirst {
		n := event(osprofiler.NewID(), i)
		n.Timestamp = text
		later := n
		later.Name, later.Timestamp = "later", "2024-05-06T09:00:00.000000"
		all = append(all, later, n)
		want = append(want, traceOf(n))
	}
	slices.Reverse(all)
	s, err := stage.With(ctx, all...)
	if err != nil {
		return err
	}
	if err := lists(ctx, s, store.Query{}, want...); err != nil {
		return err
	}
	if err := lists(ctx, s, store.Query{Limit: 5}, want[:5]...); err != nil {
		return err
	}
	since, until := want[4].time(), want[1].time()
	return lists(ctx, s, store.Query{Since: since, Until: until, Limit: 100}, want[2:5]...)
}

func listMany(ctx context.Context, stage *Stage) error {
	const count = 2500 // more than a page, in most back ends
	all := make([]osprofiler.Notification, 0, count)
	for i := range count {
		all = append(all, event(osprofiler.NewID(), i))
	}
	s, err := stage.With(ctx, all...)
	if err != nil {
		return err
	}
	newest := tracesOfSingles(all)
	slices.Reverse(newest)
	if err := lists(ctx, s, store.Query{}, newest...); err != nil {
		return err
	}
	return lists(ctx, s, store.Query{Limit: count - 1}, newest[:count-1]...)
}

// tracesOfSingles is tracesOf for any number of traces of one event.
func tracesOfSingles(all []osprofiler.Notification) []entry {
	traces := make([]entry, len(all))
	for i, n := range all {
		traces[i] = traceOf(n)
	}
	return traces
}

// failed returns an event of a trace with that info, i milliseconds after epoch.
func failed(id string, i int, info osprofiler.Info) osprofiler.Notification {
	n := event(id, i)
	n.Name, n.Info = "x-stop", info
	return n
}

func errorTraces(ctx context.Context, stage *Stage) error {
	var all []osprofiler.Notification
	var want []entry
	for _, info := range []osprofiler.Info{
		`{"etype": "ValueError", "message": "böom", "host": "h"}`, `{"etype": ""}`, `{"etype": 0}`, `{"etype": false}`, `{"etype": []}`,
		`{"a": NaN, "etype": "E"}`, `{"\u0065type": "E"}`, `{"etype":"E"}`, `{"x": "\ud800", "etype": "E"}`,
	} {
		id := osprofiler.NewID()
		first := failed(id, 5, info)
		all = append(all, failed(id, 9, info), first, event(id, 0))
		want = append(want, traceOf(first))
	}
	for _, info := range []osprofiler.Info{
		`{"etype": null, "host": "h"}`, `{"host": "h"}`, `{}`, `{"db": {"etype": "E"}}`, `{"message": "\"etype\": \"E\""}`, `{"Etype": "E"}`, `{"list": ["etype"]}`,
		`{"etype": "E", "etype": null}`,
	} {
		all = append(all, failed(osprofiler.NewID(), 5, info))
	}
	odd, err := parseAll(`{"name": "x", "base_id": "BASE", "timestamp": "2024-05-06T07:08:09.000010", "info": {}, "etype": "E"}`,
		`{"name": "x", "base_id": "BASE", "timestamp": "2024-05-06T07:08:09.000010", "info": null, "etype": "E"}`,
		`{"name": "x", "base_id": "BASE", "timestamp": "2024-05-06T07:08:09.000010", "info": ["etype"]}`)
	if err != nil {
		return err
	}
	s, err := stage.With(ctx, slices.Concat(all, odd)...)
	if err != nil {
		return err
	}
	return lists(ctx, s, store.Query{Failed: true}, want...)
}

func errorTracesWindow(ctx context.Context, stage *Stage) error {
	const count = 25
	var all []osprofiler.Notification
	newest := make([]entry, count)
	for i := range count {
		minute := 1 + (i*7)%count
		one := trace(-60) // all begin at the same time, so that only the failure counts
		failure := one[1]
		failure.Timestamp = osprofiler.FormatTime(epoch.Add(time.Duration(minute) * time.Minute))
		failure.Info = `{"etype": "E", "host": "h"}`
		all = append(all, one[0], failure)
		newest[count-minute] = traceOf(failure)
	}
	all = append(all, trace(100)...)
	s, err := stage.With(ctx, all...)
	if err != nil {
		return err
	}
	for _, limit := range []int{1, 7, 1000} {
		if err := lists(ctx, s, store.Query{Failed: true, Limit: limit}, newest[:min(limit, count)]...); err != nil {
			return fmt.Errorf("failed traces: %w", err)
		}
	}
	return windows(ctx, s, store.Query{Failed: true}, newest)
}

func failedByFirstEvent(ctx context.Context, stage *Stage) error {
	const count = 25
	var all []osprofiler.Notification
	newest := make([]entry, count) // the trace that began last failed first
	for i := range count {
		minute := 1 + (i*7)%count
		one, quiet := trace(minute), trace(minute)
		one[1].Info = `{"etype": "E", "host": "h"}`
		one[1].Timestamp = osprofiler.FormatTime(epoch.Add(time.Duration(1000-minute) * time.Minute))
		all = append(all, one[1], one[0], quiet[0], quiet[1])
		newest[count-minute] = traceOf(one[0])
	}
	s, err := stage.With(ctx, all...)
	if err != nil {
		return err
	}
	for _, limit := range []int{1, 7, 1000} {
		if err := lists(ctx, s, store.Query{Failed: true, ByFirstEvent: true, Limit: limit}, newest[:min(limit, count)]...); err != nil {
			return fmt.Errorf("failed traces by their first events: %w", err)
		}
	}
	return windows(ctx, s, store.Query{Failed: true, ByFirstEvent: true}, newest)
}
