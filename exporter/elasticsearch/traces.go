package elasticsearch

import (
	"context"
	"iter"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Traces implements driver.Lister. All requests of a listing see the index at one
// time, where the server has points in time.
//
// With a limit, the listing goes through the events from the newest on, and stops
// when the traces that began last are known (newest.go). Without one, the server
// lists the base ids by a composite aggregation, page by page. The documents of
// small traces are read (whole.go), and the server sums up large ones (summary.go).
func (c *cluster) Traces(ctx context.Context, q driver.Query) iter.Seq2[driver.Summary, error] {
	return func(yield func(driver.Summary, error) bool) {
		fields, err := c.layout(ctx)
		if err != nil {
			yield(driver.Summary{}, err)
			return
		}
		if fields.missing {
			return
		}
		view, release, err := c.snapshot(ctx, c.events)
		if err != nil {
			yield(driver.Summary{}, err)
			return
		}
		defer release()
		l := &listing{cluster: c, layout: fields, view: view, q: q, yield: yield, sizes: c.pager()}
		switch {
		case l.baseID == "" || l.timestamp == "":
			err = l.readEverything(ctx)
		case q.Limit > 0 && !(q.Failed && q.ByFirstEvent):
			err = l.newest(ctx)
		default:
			err = l.all(ctx)
		}
		if err != nil && !l.left {
			yield(driver.Summary{}, err)
		}
	}
}

// A listing is one call of Traces.
type listing struct {
	*cluster
	layout

	view  *snapshot
	q     driver.Query
	yield func(driver.Summary, error) bool
	left  bool // whether the caller left the loop

	strays  map[string]bool // the base ids that the index does not hold exactly
	listed  int             // traces that were yielded
	damages []error         // about documents that were read, to be yielded next
	sizes   *paging.Pager
}

// A trace is a summary, and where its first notification is.
type trace struct {
	driver.Summary

	first hit
}

// all yields the traces in any order.
func (l *listing) all(ctx context.Context) error {
	strays, err := l.readStrays(ctx)
	if err == nil {
		err = l.emit(ctx, strays)
	}
	if err != nil || l.left {
		return err
	}
	narrow := l.narrow()
	for after := ""; ; {
		traces, next, err := l.keys(ctx, narrow, after)
		if err != nil || len(traces) == 0 {
			return err
		}
		var summaries []*trace
		if narrow == nil {
			summaries, err = l.sumUp(ctx, traces)
		} else {
			summaries, err = l.sumUpKeys(ctx, keysOf(traces))
		}
		if err == nil {
			err = l.emit(ctx, summaries)
		}
		if err != nil || l.left || len(traces) < tracesAtOnce {
			return err
		}
		after = next
	}
}

func keysOf(traces []sized) []string {
	keys := make([]string, len(traces))
	for i := range traces {
		keys[i] = traces[i].key
	}
	return keys
}

// narrow returns a condition that an event of each trace of the query fulfils, nil
// if there is none.
func (l *listing) narrow() object {
	var conditions []object
	if l.q.Failed {
		conditions = append(conditions, l.mayFail())
	}
	if window := l.window(); window != nil {
		conditions = append(conditions, window)
	}
	if !l.q.Failed && l.q.Service != "" {
		conditions = append(conditions, ofService(l.q.Service))
	}
	if len(conditions) == 0 {
		return nil
	}
	return allOf(conditions...)
}

// ofService returns a condition for the events of a service. It holds for few
// others.
func ofService(service string) object {
	if len(service) >= longID {
		return nil
	}
	match := object{"match": object{serviceKey: object{"query": service, "operator": "and", "zero_terms_query": "all", "lenient": true}}}
	return anyOf(match, not(exists(serviceKey)))
}

// window returns a condition for the events by which the query selects traces, as
// far as their timestamps are concerned. It is nil if there is none.
func (l *listing) window() object {
	bounds := object{}
	if since := l.q.Since.UTC(); !since.IsZero() && since.Year() <= 9999 {
		bounds["gte"] = osprofiler.FormatTime(since)
	}
	if until := l.q.Until.UTC(); (!l.q.Failed || l.q.ByFailure()) && !until.IsZero() && until.Year() > 0 && until.Year() <= 9999 {
		bounds["lte"] = osprofiler.FormatTime(until)
	}
	if len(bounds) == 0 {
		return nil
	}
	inside := object{"range": object{timestampKey: bounds}}
	if l.q.Contains(time.Time{}) {
		return anyOf(inside, not(exists(timestampKey)))
	}
	return inside
}

// mayFail returns a condition that holds for all documents that may be failures.
func (l *layout) mayFail() object {
	if l.etype == "" {
		return everything()
	}
	// A text without words does not exist for a field that indexes words.
	return anyOf(exists(l.etype), exists(l.etype+".keyword"), inShortForm())
}

// inShortForm returns a condition that holds for all documents in the short form,
// and for few others. The text of a notification has the name of its base id.
func inShortForm() object {
	return anyOf(exists(originalKey), object{"term": object{spareKey: baseIDKey}})
}

// emit yields errors about documents, and then the traces that match.
func (l *listing) emit(ctx context.Context, traces []*trace) error {
	for _, damage := range l.damages {
		if !l.yield(driver.Summary{}, damage) {
			l.left = true
			return nil
		}
	}
	l.damages = nil
	var matching []*trace
	for _, t := range traces {
		if l.q.Matches(&t.Summary) {
			matching = append(matching, t)
		}
	}
	if l.q.First {
		if err := l.readFirsts(ctx, matching); err != nil {
			return err
		}
	}
	for _, t := range matching {
		if !l.yield(t.Summary, nil) {
			l.left = true
			return nil
		}
		l.listed++
	}
	return nil
}
