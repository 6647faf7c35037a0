package elasticsearch

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

const (
	// tracesAtOnce is how many traces one request sums up. A server returns 65,535
	// buckets at most (search.max_buckets).
	tracesAtOnce = 1000
	// operationsAtOnce is how many operations one request lists.
	operationsAtOnce = 10_000
	// endEvents is how many of the first and of the last events of a trace are
	// asked for. A field of the type date has milliseconds, so several events may be
	// the first ones for the server.
	endEvents = 4
)

// endFields are the members of the first and the last events that are asked for.
var endFields = []string{nameKey, baseIDKey, timestampKey, projectKey, serviceKey}

// keys returns the base ids of the next traces that have an event for which a
// condition holds, and behind which key to go on.
func (l *listing) keys(ctx context.Context, condition object, after string) (keys []string, next string, err error) {
	s := l.request(condition, object{"traces": object{"composite": l.composite(after, tracesAtOnce, l.baseID)}})
	a, err := l.search(ctx, s)
	if err != nil {
		return nil, "", err
	}
	traces := member(a.aggregations, "traces")
	for bucket := range pyjson.Elements(member(traces, "buckets")) {
		key, _ := pyjson.Text(member(bucket, "key", l.baseID))
		keys = append(keys, key)
	}
	return keys, member(traces, "after_key"), nil
}

// request returns a search for aggregations.
func (l *listing) request(query, aggregations object) *search {
	return &search{index: l.events, view: l.view, query: query, fields: []string{}, aggregations: aggregations}
}

// composite returns a composite aggregation of fields.
func (l *listing) composite(after string, size int, fields ...string) object {
	sources := make([]object, len(fields))
	for i, field := range fields {
		sources[i] = object{field: object{"terms": object{"field": field}}}
	}
	composite := object{"size": size, "sources": sources}
	if after != "" {
		composite["after"] = json.RawMessage(after)
	}
	return composite
}

// inKeys returns a condition for the documents of traces, which are given by the
// values of the exact field.
func (l *layout) inKeys(keys []string) object { return object{"terms": object{l.baseID: keys}} }

// sumUp sums up traces: those with the keys, or the next ones behind a key if keys
// is nil.
func (l *listing) sumUp(ctx context.Context, keys []string, after string) (found []string, traces []*trace, next string, err error) {
	var query object
	if keys != nil {
		query = l.inKeys(keys)
	}
	a, err := l.search(ctx, l.request(query, object{"traces": object{
		"composite": l.composite(after, max(tracesAtOnce, len(keys)), l.baseID),
		"aggs":      l.perTrace(),
	}}))
	if err != nil {
		return nil, nil, "", err
	}
	answer := member(a.aggregations, "traces")
	plain := map[string]*summing{}
	var order, inexact []string
	for bucket := range pyjson.Elements(member(answer, "buckets")) {
		key, _ := pyjson.Text(member(bucket, "key", l.baseID))
		found = append(found, key)
		if t, ok := l.parseBucket(bucket); ok {
			plain[key], order = t, append(order, key)
		} else {
			inexact = append(inexact, key)
		}
	}
	if err = l.countOperations(ctx, plain); err == nil {
		err = l.findFailures(ctx, plain)
	}
	for _, key := range order {
		if t := plain[key]; t.inexact {
			inexact = append(inexact, key)
		} else {
			traces = append(traces, &t.trace)
		}
	}
	if err == nil && len(inexact) > 0 {
		var read []*trace
		read, err = l.read(ctx, l.inKeys(inexact))
		traces = append(traces, read...)
	}
	traces = slices.DeleteFunc(traces, func(t *trace) bool { return l.strays[driver.Text(t.BaseID)] })
	return found, traces, member(answer, "after_key"), err
}

// A summing is a trace that the server sums up.
type summing struct {
	trace

	inexact bool // whether the trace has to be read after all
	failing bool // whether documents may be failures
}

// perTrace returns the aggregations within each trace.
func (l *listing) perTrace() object {
	ends := func(order string) object {
		return object{"top_hits": object{
			"size": endEvents, "_source": endFields,
			"sort": []object{{timestampKey: object{"order": order, "missing": "_last"}}},
		}}
	}
	odd := []object{inShortForm()}
	if l.traceID != "" {
		odd = append(odd, not(exists(l.traceID)))
	}
	return object{
		"first": ends("asc"), "last": ends("desc"),
		"failing": object{"filter": l.mayFail()},
		"odd":     object{"filter": anyOf(odd...)},
	}
}

// parseBucket reads what the server says about a trace. ok is false if that is not
// exact.
func (l *listing) parseBucket(bucket string) (t *summing, ok bool) {
	count := number(member(bucket, "doc_count"))
	failing := number(member(bucket, "failing", "doc_count"))
	if number(member(bucket, "odd", "doc_count")) > 0 || l.traceID == "" || l.etype == "" {
		return nil, false
	}
	first, at, ok := endOf(member(bucket, "first"), count, 1)
	last, _, alsoOK := endOf(member(bucket, "last"), count, -1)
	if !ok || !alsoOK {
		return nil, false
	}
	t = &summing{failing: failing > 0}
	t.first = at
	t.Summary = driver.Summary{
		BaseID: first.BaseID, Timestamp: first.Timestamp, LastTimestamp: last.Timestamp, Notifications: int(count),
		Name: first.Name, Service: first.Service, Project: first.Project,
	}
	return t, true
}

// endOf returns the first event of a trace, or the last one if sign is -1, among the
// hits of an aggregation. ok is false if there may be another one, because all hits
// have the same time for the server, or if a hit has no time.
func endOf(end string, count int64, sign int) (n osprofiler.Notification, at hit, ok bool) {
	var hits []hit
	for raw := range pyjson.Elements(member(end, "hits", "hits")) {
		hits = append(hits, parseHit(raw))
	}
	equal := slices.IndexFunc(hits, func(h hit) bool { return len(h.sort) == 0 || string(h.sort[0]) != string(hits[0].sort[0]) })
	if equal < 0 && count > int64(len(hits)) || len(hits) == 0 {
		return n, at, false
	}
	if equal > 0 {
		hits = hits[:equal]
	}
	var best time.Time
	for i := range hits {
		one, err := decodeDocument([]byte(hits[i].source))
		t, untimed := one.Time()
		if err != nil || untimed != nil {
			return n, at, false
		}
		if i == 0 || sign*t.Compare(best) < 0 {
			n, at, best = one, hit{index: hits[i].index, id: hits[i].id}, t
		}
	}
	return n, at, true
}

// countOperations counts the different trace ids of traces.
func (l *listing) countOperations(ctx context.Context, traces map[string]*summing) error {
	keys := sortedKeys(traces, func(*summing) bool { return true })
	for after := ""; len(keys) > 0; {
		a, err := l.search(ctx, l.request(l.inKeys(keys), object{"operations": object{"composite": l.composite(after, operationsAtOnce, l.baseID, l.traceID)}}))
		if err != nil {
			return err
		}
		answer, count := member(a.aggregations, "operations"), 0
		for bucket := range pyjson.Elements(member(answer, "buckets")) {
			count++
			key, _ := pyjson.Text(member(bucket, "key", l.baseID))
			traceID, _ := pyjson.Text(member(bucket, "key", l.traceID))
			if t := traces[key]; t != nil {
				t.Operations++
				t.inexact = t.inexact || traceID == "" // the name then tells the operation
			}
		}
		if after = member(answer, "after_key"); after == "" || count < operationsAtOnce {
			return nil
		}
	}
	return nil
}

// findFailures reads the documents of traces that may be failures.
func (l *listing) findFailures(ctx context.Context, traces map[string]*summing) error {
	keys := sortedKeys(traces, func(t *summing) bool { return t.failing && !t.inexact })
	if len(keys) == 0 {
		return nil
	}
	failures := map[string]*driver.Summarizer{}
	for hits, err := range l.documents(ctx, allOf(l.inKeys(keys), l.mayFail())) {
		if err != nil {
			return err
		}
		for i := range hits {
			key, _ := hits[i].value(l.baseID)
			n, err := hits[i].notification("")
			switch {
			case err != nil:
				l.damages = append(l.damages, err)
			case n.Info.Failed():
				if failures[key] == nil {
					failures[key] = &driver.Summarizer{}
				}
				failures[key].Add(&n)
			}
		}
	}
	for key, s := range failures {
		if t, sum := traces[key], s.Summary(); t != nil {
			t.Failed, t.FirstFailure, t.Failures = sum.Failed, sum.FirstFailure, sum.Failures
		}
	}
	return nil
}

func sortedKeys(traces map[string]*summing, takes func(*summing) bool) (keys []string) {
	for key, t := range traces {
		if takes(t) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
