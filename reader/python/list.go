package python

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Query selects rows of a listing. The zero Query selects all rows, in the order of
// Python's driver.
type Query struct {
	// Fields are the fields of a row, by default base_id and timestamp. If the query has a
	// window or a limit, the rows also have these two. [Reader.FailedTraces] ignores Fields,
	// because list_error_traces has no such parameter.
	Fields []string
	// Since and Until bound the timestamp of a row: at or after Since, before
	// Until. A zero time does not bound.
	Since, Until time.Time
	// Limit is the maximum number of rows. If it is positive, the newest are listed, newest
	// first. 0 means all.
	Limit int
}

// A Row is one trace of a listing: the JSON object that Python's driver returns.
type Row string

// BaseID returns the member base_id, empty if the row has none.
func (r Row) BaseID() string { return r.text(keyBaseID) }

// Timestamp returns the member timestamp, empty if the row has none. The driver determines
// which event's timestamp it is.
func (r Row) Timestamp() string { return r.text(keyTimestamp) }

// Time returns the time of the timestamp, or zero if there is no valid one.
func (r Row) Time() time.Time {
	t, _ := osprofiler.ParseTime(r.Timestamp())
	return t
}

func (r Row) text(key string) string {
	raw, _ := pyjson.Get(string(r), key)
	text, _ := pyjson.Text(raw)
	return text
}

// Traces lists the traces as Python's driver does (list_traces). An error that wraps
// [*store.DamageError] reports a skipped entry; the sequence continues after it. Any other
// error ends the sequence.
func (r *Reader) Traces(ctx context.Context, q Query) iter.Seq2[Row, error] {
	list := r.driver.Traces
	if list == nil {
		list = r.firstNotifications
	}
	return selected(list(ctx, q.fields()), q)
}

// FailedTraces lists the traces in which something failed, as Python's driver does
// (list_error_traces). The error is [errors.ErrUnsupported] if the driver cannot list them.
// Other errors are those of Traces.
func (r *Reader) FailedTraces(ctx context.Context, q Query) iter.Seq2[Row, error] {
	list := r.driver.FailedTraces
	switch {
	case list != nil:
	case r.driver.Driver == "":
		list = r.firstFailures
	default:
		return func(yield func(Row, error) bool) {
			yield("", fmt.Errorf("the driver %s of the Python library cannot list error traces: %w", r.driver.Driver, errors.ErrUnsupported))
		}
	}
	return selected(list(ctx), q)
}

// fields returns the fields to request from the driver.
func (q Query) fields() []string {
	fields := q.Fields
	if len(fields) > 0 && (q.Limit > 0 || !q.Since.IsZero() || !q.Until.IsZero()) {
		fields = slices.Clone(fields)
		for _, needed := range []string{keyBaseID, keyTimestamp} {
			if !slices.Contains(fields, needed) {
				fields = append(fields, needed)
			}
		}
	}
	return fields
}

// firstNotifications lists fields of the first notification of each trace, as most
// of Python's drivers do.
func (r *Reader) firstNotifications(ctx context.Context, fields []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for t, err := range r.store.Traces(ctx, store.Query{First: len(fields) > 0}) {
			row := ""
			switch {
			case err != nil:
			case len(fields) == 0 || t.First == nil:
				row = rowOf(t.BaseID, t.Timestamp)
			default:
				row = reader.Fields(t.First, fields...)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// firstFailures lists the traces in which something failed, with the first failure.
func (r *Reader) firstFailures(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for t, err := range r.store.Traces(ctx, store.Query{Failed: true}) {
			if !yield(rowOf(t.BaseID, t.FirstFailure), err) {
				return
			}
		}
	}
}

func rowOf(baseID, timestamp string) string {
	row := pyjson.AppendString([]byte(`{"base_id": `), baseID)
	return string(append(pyjson.AppendString(append(row, `, "timestamp": `...), timestamp), '}'))
}

// selected returns the rows that the query selects. With a limit it holds at most twice as
// many rows as the limit.
func selected(rows iter.Seq2[string, error], q Query) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var newest []Row
		for text, err := range rows {
			row := Row(text)
			switch {
			case err != nil:
				if !yield("", err) || store.Ends(err) {
					return
				}
			case !q.contains(row.Time()):
			case q.Limit <= 0:
				if !yield(row, nil) {
					return
				}
			default:
				if newest = append(newest, row); len(newest)/2 >= q.Limit {
					newest = newestOf(newest, q.Limit)
				}
			}
		}
		for _, row := range newestOf(newest, q.Limit) {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (q Query) contains(t time.Time) bool {
	return (q.Since.IsZero() || !t.Before(q.Since)) && (q.Until.IsZero() || t.Before(q.Until))
}

// newestOf returns the newest rows, newest first. Rows of the same time are in descending
// order of their base ids.
func newestOf(rows []Row, limit int) []Row {
	slices.SortStableFunc(rows, func(x, y Row) int {
		return cmp.Or(y.Time().Compare(x.Time()), cmp.Compare(y.BaseID(), x.BaseID()))
	})
	return rows[:min(len(rows), limit)]
}
