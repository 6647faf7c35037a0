package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The rules in this file are about the operations and failures that a listing
// counts, and about the duration by which it selects.

// operation returns the start and the stop of an operation.
func operation(baseID, traceID, name string, i int, info osprofiler.Info) []osprofiler.Notification {
	start, stop := event(baseID, i), event(baseID, i+1)
	start.TraceID, stop.TraceID = traceID, traceID
	start.Name, stop.Name, stop.Info = name+"-start", name+"-stop", info
	return []osprofiler.Notification{start, stop}
}

// counted writes notifications and checks the counts of the listed traces.
func counted(ctx context.Context, stage *Stage, all []osprofiler.Notification, want map[string][2]int) error {
	s, err := stage.With(ctx, all...)
	if err != nil {
		return err
	}
	for _, q := range []store.Query{{}, {Limit: 100}, {First: true}, {Failed: true}, {Failed: true, Limit: 2}, {Limit: 1}} {
		got, err := collect(s.Traces(ctx, q))
		if err != nil {
			return fmt.Errorf("listing %+v: %w", q, err)
		}
		for _, t := range got {
			counts, ok := want[t.BaseID]
			if !ok {
				return fmt.Errorf("listing %+v: the trace %s was not written", q, abbreviate(t.BaseID))
			}
			if counts != [2]int{t.Operations, t.Failures} {
				return fmt.Errorf("listing %+v: the trace %s has %d operations, %d of them failed; want %d and %d",
					q, abbreviate(t.BaseID), t.Operations, t.Failures, counts[0], counts[1])
			}
			if t.Failed != (counts[1] > 0) {
				return fmt.Errorf("listing %+v: Failed of the trace %s is %t", q, abbreviate(t.BaseID), t.Failed)
			}
		}
		if !q.Failed && q.Limit == 0 && len(got) != len(want) {
			return fmt.Errorf("listing %+v: %d traces, want %d", q, len(got), len(want))
		}
	}
	return nil
}

func operations(ctx context.Context, stage *Stage) error {
	want := map[string][2]int{}
	id := func(operations int) string {
		id := osprofiler.NewID()
		want[id] = [2]int{operations, 0}
		return id
	}
	var all []osprofiler.Notification
	add := func(batch ...osprofiler.Notification) { all = append(all, batch...) }

	whole := id(40)
	for i := range 40 {
		add(operation(whole, osprofiler.NewID(), "x", 2*i, `{}`)...)
	}
	halves := id(2) // a start and a stop of different operations
	add(operation(halves, "1", "x", 0, `{}`)[0], operation(halves, "2", "x", 0, `{}`)[1])
	alike := id(4) // trace ids that a careless comparison takes for equal
	for _, traceID := range []string{"a", "A", "ä", "a "} {
		add(operation(alike, traceID, "x", 0, `{}`)...)
	}
	repeated := id(1) // different events of one operation
	add(operation(repeated, "1", "x", 0, `{}`)...)
	add(operation(repeated, "1", "x", 2, `{}`)...)
	without := id(3) // one event with a trace id; two without one, which have different names
	add(operation(without, "1", "x", 0, `{}`)...)
	add(operation(without, "", "x", 2, `{}`)...)
	add(operation(without, "", "y", 4, `{}`)...)
	nameless, err := parseAll(`{"name": "x-start", "trace_id": "t", "timestamp": "2024-05-06T07:08:09.000010", "info": {}}`,
		`{"name": "x-stop", "base_id": "", "trace_id": "t", "timestamp": "2024-05-06T07:08:09.000020", "info": {}}`)
	if err != nil {
		return err
	}
	add(nameless...)
	want[""] = [2]int{1, 0}
	shared := osprofiler.NewID() // one trace id in two traces
	add(operation(id(1), shared, "x", 0, `{}`)...)
	add(operation(id(1), shared, "x", 0, `{}`)...)
	return counted(ctx, stage, append(all, all[:50]...), want)
}

func failures(ctx context.Context, stage *Stage) error {
	const failed = osprofiler.Info(`{"etype": "E", "host": "h"}`)
	want := map[string][2]int{}
	var all []osprofiler.Notification
	for _, infos := range [][]osprofiler.Info{
		{`{}`, `{"host": "h"}`, `{"etype": null}`, `{"db": {"etype": "E"}}`, `{"list": ["etype"]}`, `{"message": "etype"}`},
		{failed, `{}`, failed, failed, `{"etype": null}`},
		{`{"etype": ""}`, `{"etype": 0}`, `{"etype": false}`, `{"etype": []}`, `{"\u0065type": "E"}`, `{"a": NaN, "etype": "E"}`, `{"etype":"E"}`},
		{`{"db": {"etype": "E"}}`, `{"message": "etype"}`, failed},
	} {
		id := osprofiler.NewID()
		counts := [2]int{len(infos), 0}
		for i, info := range infos {
			if info.Failed() {
				counts[1]++
			}
			all = append(all, operation(id, fmt.Sprint(i), "x", 2*i, info)...)
		}
		want[id] = counts
	}
	twice := osprofiler.NewID() // two failures of one operation, and one failure without a trace id
	all = append(all, operation(twice, "1", "x", 0, failed)...)
	all = append(all, operation(twice, "1", "x", 5, failed)...)
	all = append(all, operation(twice, "", "y", 9, failed)...)
	want[twice] = [2]int{2, 2}
	again := slices.Clone(all)
	slices.Reverse(again)
	return counted(ctx, stage, append(all, again...), want)
}

func listMinDuration(ctx context.Context, stage *Stage) error {
	const count = 30
	var all []osprofiler.Notification
	newest := make([]entry, count) // the trace that began last takes the longest
	for i := range count {
		minute := 1 + (i*7)%count
		one := trace(minute)
		one[1].Timestamp = osprofiler.FormatTime(epoch.Add(time.Duration(2*minute) * time.Minute))
		one[0].Timestamp = osprofiler.FormatTime(epoch.Add(time.Duration(minute) * time.Minute))
		if minute%2 == 0 {
			one[1].Info = `{"etype": "E"}`
		}
		all = append(all, one[1], one[0])
		newest[count-minute] = traceOf(one[0])
	}
	untimed := event(osprofiler.NewID(), 0)
	untimed.Timestamp = "yesterday"
	s, err := stage.With(ctx, append(all, untimed)...)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		q    store.Query
		want []entry
	}{
		{store.Query{MinDuration: time.Microsecond}, newest},
		{store.Query{MinDuration: 10 * time.Minute}, newest[:21]},
		{store.Query{MinDuration: 10*time.Minute + time.Microsecond}, newest[:20]},
		{store.Query{MinDuration: 10 * time.Minute, Limit: 4}, newest[:4]},
		{store.Query{MinDuration: 10 * time.Minute, Limit: 100}, newest[:21]},
		{store.Query{MinDuration: 10 * time.Minute, Until: newest[15].time(), Limit: 3}, newest[16:19]},
		{store.Query{MinDuration: 25 * time.Minute, Since: newest[25].time()}, newest[:6]},
		{store.Query{MinDuration: 24 * time.Hour}, nil},
	} {
		if err := lists(ctx, s, c.q, c.want...); err != nil {
			return err
		}
	}
	return failedMinDuration(ctx, s, count)
}

// failedMinDuration checks how many of the failed traces, one in every second minute, have the
// minimum duration.
func failedMinDuration(ctx context.Context, s *store.Store, count int) error {
	q := store.Query{Failed: true, MinDuration: time.Duration(count-4) * time.Minute}
	got, err := collect(s.Traces(ctx, q))
	if err != nil {
		return fmt.Errorf("listing %+v: %w", q, err)
	}
	if len(got) != 3 {
		return fmt.Errorf("listing %+v: %d traces, want 3", q, len(got))
	}
	return nil
}
