package mongo

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
)

// A walk goes through the events from the newest to the oldest, and sums up the
// traces that it meets. For a query of failed traces, it goes only through the events
// that may be failures.
//
// Let w be the timestamp at which the walk is. All such events of a trace that the walk
// has not met are at or before w. So the time by which the query orders the trace
// (of its first event or its first failure) is not after w either. The walk ends in
// two cases:
//
//   - w is before query.Since.
//   - query.Limit traces that match the query have times after w.
//
// Timestamps are compared as texts. For all timestamps that this package or the Python
// library writes, the order of the texts is the order of the times, because encode.go
// rewrites other timestamps and stores the original beside them.
func (l *listing) walk(ctx context.Context) bool {
	strange := bson.D{{Key: "$or", Value: bson.A{ // no text of a time
		bson.D{{Key: keyTimestamp, Value: bson.D{{Key: "$type", Value: otherTypes}}}},
		bson.D{{Key: keyTimestamp, Value: bson.D{{Key: "$gte", Value: ":"}}}},
	}}}
	if !l.pass(ctx, l.mayMatter(strange), false) || !l.pass(ctx, nil, true) {
		return false
	}
	if l.q.Failed && l.q.ByFirstEvent || l.q.Contains(time.Time{}) && !l.newest.isFull() {
		untimed := bson.D{{Key: "$or", Value: bson.A{
			bson.D{{Key: keyTimestamp, Value: nil}}, // null or missing
			bson.D{{Key: keyTimestamp, Value: bson.D{{Key: "$lt", Value: "0"}}}},
		}}}
		return l.pass(ctx, l.mayMatter(untimed), false)
	}
	return true
}

// mayMatter returns the filter for the documents of a filter that the walk goes
// through.
func (l *listing) mayMatter(filter bson.D) bson.D {
	if !l.q.Failed {
		return filter
	}
	return bson.D{{Key: "$and", Value: bson.A{filter, bson.D{{Key: "$or", Value: bson.A{
		bson.D{{Key: keyEtype, Value: bson.D{{Key: "$ne", Value: nil}}}}, // neither null nor missing
		bson.D{{Key: keyOriginal, Value: bson.D{{Key: "$exists", Value: true}}}},
		bson.D{{Key: keyChunks, Value: bson.D{{Key: "$exists", Value: true}}}},
	}}}}}}
}

// An event has the fields of a document that a walk needs.
type event struct{ baseID, timestamp string }

// pass goes through the documents of a filter, or, if it is timed, through those
// that have a time, the newest first.
func (l *listing) pass(ctx context.Context, filter bson.D, timed bool) bool {
	for batch, err := range batches(ctx, l.database, l.eventQuery(filter, timed)) {
		if err != nil {
			return l.fail(err)
		}
		if !l.meet(ctx, batch) {
			return false
		}
		if timed && l.isDone(batch[len(batch)-1].timestamp) {
			return true
		}
	}
	return true
}

func (l *listing) eventQuery(filter bson.D, timed bool) query[event] {
	last := ""
	return query[event]{
		open: func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
			find := options.Find().SetProjection(bson.D{{Key: keyBaseID, Value: 1}, {Key: keyTimestamp, Value: 1}}).SetBatchSize(l.batchSize())
			if timed {
				filter = l.mayMatter(l.window(last))
				find.SetSort(bson.D{{Key: keyTimestamp, Value: -1}}).SetAllowDiskUse(true)
			}
			return c.events.Find(ctx, filter, find)
		},
		decode: func(_ context.Context, document bson.Raw) (e event, err error) {
			var ok bool
			if e.baseID, ok = document.Lookup(keyBaseID).StringValueOK(); !ok {
				e.baseID = notString
			}
			e.timestamp, _ = document.Lookup(keyTimestamp).StringValueOK()
			last = e.timestamp
			return e, nil
		},
	}
}

// window returns the filter for the events that have a time, from where the walk
// is.
func (l *listing) window(last string) bson.D {
	bounds := bson.D{{Key: "$gte", Value: ""}}
	switch {
	case last != "":
		bounds = append(bounds, bson.E{Key: "$lte", Value: last})
	case !l.q.Until.IsZero() && !(l.q.Failed && l.q.ByFirstEvent): // the failures may be later than the first event
		bounds = append(bounds, bson.E{Key: "$lte", Value: osprofiler.FormatTime(l.q.Until)})
	}
	return bson.D{{Key: keyTimestamp, Value: bounds}}
}

// isDone reports whether no trace that the query asks for can come behind a
// timestamp.
func (l *listing) isDone(timestamp string) bool {
	if !l.q.Since.IsZero() && timestamp < osprofiler.FormatTime(l.q.Since) {
		return true
	}
	return l.newest.isFull() && timestamp < osprofiler.FormatTime(l.newest.times[0])
}

// batchSize is how many events the server should return at once: about twice as
// many as traces are asked for, because most traces have at least two events.
func (l *listing) batchSize() int32 {
	const least, most, mostToRead = 200, 5_000, 20_000
	switch {
	case l.features.noFirstInGroup.Load():
		return mostToRead // each query is slow then
	case l.q.Limit > 0 && l.q.Limit < most/2:
		return int32(max(least, 2*l.q.Limit))
	}
	return most
}

// meet sums up and yields those traces of events that the walk has not met yet.
func (l *listing) meet(ctx context.Context, events []event) bool {
	var fresh []string
	for i := range events {
		if id := events[i].baseID; id != notString && !l.isPassed(id) && !l.isApart(id) {
			fresh = append(fresh, id)
		}
	}
	for some := range slices.Chunk(fresh, groupsAtOnce) {
		groups, ok, err := l.groupsOf(ctx, some)
		if err != nil {
			return l.fail(err)
		}
		if ok && !l.addGroups(ctx, groups) || !ok && !l.readTraces(ctx, some) {
			return false
		}
	}
	return true
}

// groupsAtOnce is how many traces the server sums up at once.
const groupsAtOnce = 2_000

// isPassed reports whether the walk has met a trace, and remembers the trace.
func (l *listing) isPassed(baseID string) bool {
	sum := sha256.Sum256([]byte(baseID))
	key := [16]byte(sum[:16])
	_, passed := l.passed[key]
	l.passed[key] = struct{}{}
	return passed
}

// newestTimes holds the times of the newest traces of a listing, as a heap with
// the earliest time at its top.
type newestTimes struct {
	limit int // 0: none is held
	times []time.Time
}

// add adds the time of a trace that is asked for.
func (h *newestTimes) add(t time.Time) {
	switch {
	case h.limit <= 0:
	case len(h.times) < h.limit:
		heap.Push(h, t)
	case h.times[0].Before(t):
		h.times[0] = t
		heap.Fix(h, 0)
	}
}

// isFull reports whether there are as many times as the limit.
func (h *newestTimes) isFull() bool { return h.limit > 0 && len(h.times) >= h.limit }

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (h *newestTimes) Len() int           { return len(h.times) }
func (h *newestTimes) Less(i, j int) bool { return h.times[i].Before(h.times[j]) }
func (h *newestTimes) Swap(i, j int)      { h.times[i], h.times[j] = h.times[j], h.times[i] }

// Push implements heap.Interface.
func (h *newestTimes) Push(t any) { h.times = append(h.times, t.(time.Time)) }

// Pop implements heap.Interface. It is not used: times are only replaced.
func (h *newestTimes) Pop() any {
	last := h.times[len(h.times)-1]
	h.times = h.times[:len(h.times)-1]
	return last
}
