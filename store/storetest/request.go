package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	requestID      = "req-5ee5d602-20d7-4f3c-aa40-8eccd17dfb97"
	otherRequestID = "req-5ee5d602-20d7-4f3c-aa40-8eccd17dfb98"
)

// mentioning are infos that mention requestID, each in another place.
var mentioning = []osprofiler.Info{
	`{"request": {"query": "id%3D` + requestID + `%26x"}}`,
	`{"request": {"query": "id=req%2D5ee5d602-20d7-4f3c-aa40%2d8eccd17dfb97"}}`,
	`{"message": "body: {'a': 'b\\n` + requestID + `'}"}`,
	`{"openstack": {"request_id": "` + requestID + `"}}`,
	`{"host": "h", "openstack": {"request_id": "` + otherRequestID + `", "global_request_id": "` + requestID + `"}}`,
	`{"otel": "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"attributes\":[{\"key\":\"openstack.request_id\",\"value\":{\"stringValue\":\"` + requestID + `\"}}]}]}]}]}"}`,
	`{"otel": "{\"a\":{\"stringValue\":\"line\\n` + requestID + `\"}}"}`,
	`{"etype": "Unauthorized", "message": "The request requires authentication. (HTTP 401) (Request-ID: ` + requestID + `)"}`,
	`{"db": {"statement": "INSERT INTO instance_actions", "params": [[1, {"request_id": "` + requestID + `"}]]}}`,
	`{"message": "\u0072eq-5ee5d602-20d7-4f3c-aa40-8eccd17dfb97"}`,
	`{"message": "caf\u00e9\n` + requestID + `"}`,
}

// notMentioning are infos that contain requestID only as a part of a word, or not at all.
var notMentioning = []osprofiler.Info{
	`{}`, `{"host": "h", "openstack": {"request_id": "` + otherRequestID + `"}}`, `{"message": "x` + requestID + `"}`,
	`{"message": "` + requestID + `0"}`, `{"message": "` + requestID + `-1"}`, `{"message": "REQ-5EE5D602-20D7-4F3C-AA40-8ECCD17DFB97"}`,
}

func listRequest(ctx context.Context, stage *Stage) error {
	infos := slices.Concat(mentioning, notMentioning, notMentioning)
	var all []osprofiler.Notification
	var want []entry
	for i, info := range infos {
		one := trace(i)
		one[0].Service = []string{"api", "scheduler"}[i%2]
		half := i % 3 % 2 // the start or the stop
		one[half].Info = info
		all = append(all, one[1], one[0])
		if i < len(mentioning) {
			want = append([]entry{traceOf(one[0])}, want...)
		}
	}
	s, err := stage.With(ctx, all...)
	if err != nil {
		return err
	}
	if err := lists(ctx, s, store.Query{RequestID: requestID}, want...); err != nil {
		return err
	}
	return requestWithMore(ctx, s, want)
}

// requestWithMore checks that the rest of a query applies to the traces of a request.
func requestWithMore(ctx context.Context, s *store.Store, want []entry) error {
	every := func(first int) (some []entry) {
		for i := first; i < len(want); i += 2 {
			some = append(some, want[i])
		}
		return some
	}
	for _, c := range []struct {
		q    store.Query
		want []entry
	}{
		{store.Query{RequestID: requestID, Limit: 3}, want[:3]},
		{store.Query{RequestID: requestID, Limit: 100}, want},
		{store.Query{RequestID: requestID, Since: want[2].time()}, want[:3]},
		{store.Query{RequestID: requestID, Since: want[5].time(), Until: want[2].time(), Limit: 2}, want[3:5]},
		{store.Query{RequestID: requestID, Service: "api", Limit: 100}, every(0)},
		{store.Query{RequestID: requestID, Failed: true, ByFirstEvent: true}, want[3:4]},
		{store.Query{RequestID: requestID, MinDuration: 24 * time.Hour}, nil},
		{store.Query{RequestID: otherRequestID, Since: want[6].time(), Until: want[6].time().Add(time.Microsecond)}, want[6:7]},
		{store.Query{RequestID: "req-5ee5d602"}, nil},
		{store.Query{RequestID: `req-"%_\`}, nil},
	} {
		if err := lists(ctx, s, c.q, c.want...); err != nil {
			return err
		}
	}
	q := store.Query{RequestID: requestID, First: true}
	got, err := collect(s.Traces(ctx, q))
	if err != nil {
		return fmt.Errorf("listing %+v: %w", q, err)
	}
	for _, t := range got {
		if t.First == nil || t.First.BaseID != t.BaseID || t.First.Timestamp != t.Timestamp {
			return fmt.Errorf("listing %+v: the trace %s has the first notification %v", q, t.BaseID, t.First)
		}
	}
	return nil
}
