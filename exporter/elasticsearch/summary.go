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
	// tracesAtOnce is how many traces one request lists. A server returns 65,535
	// buckets at most (search.max_buckets).
	tracesAtOnce = 1000
	// largeAtOnce is how many large traces one request sums up.
	largeAtOnce = 50
	// operationsAtOnce is how many operations one request lists.
	operationsAtOnce = 10_000
	// endEvents is how many of the first and of the last events of a trace are
	// asked for. A field of the type date has milliseconds, so several events may be
	// the first ones for the server.
	endEvents = 8
)

// largeTrace is how many documents a trace has that the server sums up. A smaller
// one is read, because that takes the server less time. Tests change it.
var largeTrace int64 = 250

// endFields are the members of the first and the last events that are asked for.
var endFields = []string{nameKey, baseIDKey, timestampKey, projectKey, serviceKey}

// A sized has the base id of a trace, as the exact field has it, and how many
// documents of the trace were found.
type sized struct {
	key   string
	count int64
}

// keys returns the next traces that have an event for which a condition holds, and
// behind which key to continue. A condition that is nil is true for all events.
func (l *listing) keys(ctx context.Context, condition object, after string) (traces []sized, next string, err error) {
	s := l.request(condition, object{"traces": object{"composite": l.composite(after, tracesAtOnce, l.baseID)}})
	a, err := l.search(ctx, s)
	if err != nil {
		return nil, "", err
	}
	answer := member(a.aggregations, "traces")
	for bucket := range pyjson.Elements(member(answer, "buckets")) {
		key, _ := pyjson.Text(member(bucket, "key", l.baseID))
		traces = append(traces, sized{key, number(member(bucket, "doc_count"))})
	}
	return traces, member(answer, "after_key"), nil
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

// sumUpKeys makes the summaries of up to tracesAtOnce traces.
func (l *listing) sumUpKeys(ctx context.Context, keys []string) ([]*trace, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	traces, _, err := l.keys(ctx, l.inKeys(keys), "")
	if err != nil {
		return nil, err
	}
	return l.sumUp(ctx, traces)
}

// sumUp makes the summaries of traces whose sizes are known.
func (l *listing) sumUp(ctx context.Context, all []sized) (traces []*trace, err error) {
	var small, large []string
	for _, t := range all {
		if t.count < largeTrace {
			small = append(small, t.key)
		} else {
			large = append(large, t.key)
		}
	}
	if len(small) > 0 {
		if traces, err = l.read(ctx, l.inKeys(small)); err != nil {
			return nil, err
		}
	}
	for chunk := range slices.Chunk(large, largeAtOnce) {
		more, err := l.aggregate(ctx, chunk)
		if err != nil {
			return nil, err
		}
		traces = append(traces, more...)
	}
	return slices.DeleteFunc(traces, func(t *trace) bool { return l.strays[driver.Text(t.BaseID)] }), nil
}

// aggregate lets the server sum up traces, and reads those that the server cannot
// sum up exactly.
func (l *listing) aggregate(ctx context.Context, keys []string) (traces []*trace, err error) {
	a, err := l.search(ctx, l.request(l.inKeys(keys), object{"traces": object{
		"composite": l.composite("", len(keys), l.baseID),
		"aggs":      l.perTrace(),
	}}))
	if err != nil {
		return nil, err
	}
	sums := map[string]*summing{}
	for bucket := range pyjson.Elements(member(a.aggregations, "traces", "buckets")) {
		key, _ := pyjson.Text(member(bucket, "key", l.baseID))
		sums[key] = l.parseBucket(bucket)
	}
	if err := l.countOperations(ctx, sums); err != nil {
		return nil, err
	}
	if err := l.findFailures(ctx, sums); err != nil {
		return nil, err
	}
	inexact := sortedKeys(sums, func(t *summing) bool { return t.inexact })
	for _, key := range sortedKeys(sums, func(t *summing) bool { return !t.inexact }) {
		traces = append(traces, &sums[key].trace)
	}
	if len(inexact) == 0 {
		return traces, nil
	}
	read, err := l.read(ctx, l.inKeys(inexact))
	return append(traces, read...), err
}

// A summing is a trace that the server sums up.
type summing struct {
	trace

	inexact bool // whether the trace has to be read
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

// parseBucket reads what the server says about a trace.
func (l *listing) parseBucket(bucket string) *summing {
	count := number(member(bucket, "doc_count"))
	failing := number(member(bucket, "failing", "doc_count"))
	if number(member(bucket, "odd", "doc_count")) > 0 || l.traceID == "" || l.etype == "" {
		return &summing{inexact: true}
	}
	first, at, ok := endOf(member(bucket, "first"), count, 1)
	last, _, alsoOK := endOf(member(bucket, "last"), count, -1)
	if !ok || !alsoOK {
		return &summing{inexact: true}
	}
	t := &summing{failing: failing > 0}
	t.first = at
	t.Summary = driver.Summary{
		BaseID: first.BaseID, Timestamp: first.Timestamp, LastTimestamp: last.Timestamp, Notifications: int(count),
		Name: first.Name, Service: first.Service, Project: first.Project,
	}
	return t
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
	keys := sortedKeys(traces, func(t *summing) bool { return !t.inexact })
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
				t.inexact = t.inexact || traceID == "" // the name then identifies the operation
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
