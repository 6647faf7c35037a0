package elasticsearch

import (
	"context"
	"iter"
	"slices"
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
		l := &listing{cluster: c, reads: c.pager(), layout: fields, view: view, q: q, yield: yield}
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

	reads   *paging.Pager   // of all documents that are read
	strays  map[string]bool // the base ids that the index does not hold exactly
	listed  int             // traces that were yielded
	damages []error         // about documents that were read, to be yielded next
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
	var after string
	for {
		keys, next, err := l.page(ctx, narrow, after)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(keys, tracesAtOnce) {
			traces, err := l.sumUp(ctx, some)
			if err == nil {
				err = l.emit(ctx, traces)
			}
			if err != nil || l.left {
				return err
			}
		}
		if len(keys) < keysAtOnce || next == "" {
			return nil
		}
		after = next
	}
}

// page returns the next traces that have an event for which a condition holds, with
// the number of all their events. The condition nil holds for all events.
func (l *listing) page(ctx context.Context, narrow object, after string) (keys []counted, next string, err error) {
	if narrow == nil {
		// The servers group the documents that a condition selects in a sixth of the
		// time in which they group all documents of an index.
		return l.keys(ctx, exists(l.baseID), after)
	}
	if keys, next, err = l.keys(ctx, narrow, after); err == nil {
		keys, err = l.count(ctx, keysOf(keys))
	}
	return keys, next, err
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
