package mongo

import (
	"context"
	"errors"
	"iter"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// PythonAnswers implements driver.PythonAnswerer. Python's driver asks for the
// distinct base ids, and lists for each the document with the smallest timestamp,
// as the server compares values. It lists failed traces by their records, in the
// order in which the server finds them. Rows have the order of the fields in the
// document, and the document's own values. For a notification that a document cannot
// hold, these are the values of the short form.
func (d *database) PythonAnswers() store.PythonAnswers {
	return store.PythonAnswers{Driver: "mongodb", Traces: d.pythonTraces, FailedTraces: d.pythonFailedTraces}
}

// pythonTraces lists traces as list_traces does. A trace that is deleted meanwhile is
// left out.
func (d *database) pythonTraces(ctx context.Context, fields []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		ids, err := d.distinctIDs(ctx)
		if err != nil {
			yield("", err)
			return
		}
		projection := pythonProjection(fields)
		for _, id := range ids {
			text, err := call(ctx, d, func(ctx context.Context, c *collections) (string, error) {
				first := options.FindOne().SetProjection(projection).SetSort(bson.D{{Key: keyTimestamp, Value: 1}})
				document, err := c.events.FindOne(ctx, bson.D{{Key: keyBaseID, Value: id}}, first).Raw()
				if err != nil {
					return "", err
				}
				return jsonOf(document)
			})
			if errors.Is(err, gomongo.ErrNoDocuments) {
				continue
			}
			if !yield(text, err) || err != nil {
				return
			}
		}
	}
}

// distinctIDs returns the base ids, as values of any type.
func (d *database) distinctIDs(ctx context.Context) (ids []bson.RawValue, err error) {
	return call(ctx, d, func(ctx context.Context, c *collections) ([]bson.RawValue, error) {
		inner, cancel := withoutDeadline(ctx)
		defer cancel()
		command := bson.D{{Key: "distinct", Value: eventsCollection}, {Key: "key", Value: keyBaseID}}
		answer, err := c.db.RunCommand(inner, command).Raw()
		switch {
		case hasCode(err, codeNamespaceGone):
			return nil, nil
		case err != nil && ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, err
		}
		values, ok := answer.Lookup("values").ArrayOK()
		if !ok {
			return nil, errors.New("the answer to distinct should have a list of values")
		}
		return values.Values()
	})
}

// withoutDeadline returns a context that ends with another one and has no
// deadline. The client library sends the time until a deadline as maxTimeMS, which
// FerretDB does not know for distinct.
func withoutDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	return inner, func() { stop(); cancel() }
}

// pythonProjection returns the projection of Python's list_traces. Python's driver
// always asks for base_id and timestamp.
func pythonProjection(fields []string) bson.D {
	projection := bson.D{{Key: keyBaseID, Value: 1}, {Key: keyTimestamp, Value: 1}}
	for _, name := range fields {
		if !slices.ContainsFunc(projection, func(e bson.E) bool { return e.Key == name }) {
			projection = append(projection, bson.E{Key: name, Value: 1})
		}
	}
	if !slices.Contains(fields, keyID) {
		projection = append(projection, bson.E{Key: keyID, Value: 0})
	}
	return projection
}

// pythonFailedTraces lists failed traces as list_error_traces does.
func (d *database) pythonFailedTraces(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var read int64
		records := query[string]{
			open: func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
				find := options.Find().SetProjection(pythonProjection(nil))
				if read > 0 {
					find.SetSkip(read)
				}
				return c.errors.Find(ctx, bson.D{}, find)
			},
			decode: func(_ context.Context, document bson.Raw) (string, error) {
				read++
				return jsonOf(document)
			},
		}
		for batch, err := range batches(ctx, d, records) {
			if err != nil {
				yield("", err)
				return
			}
			for _, text := range batch {
				if !yield(text, nil) {
					return
				}
			}
		}
	}
}

// jsonOf returns the JSON object of a document.
func jsonOf(document bson.Raw) (string, error) {
	text, err := appendValue(nil, &element{kind: bson.TypeEmbeddedDocument, value: document}, 0)
	return string(text), err
}

var _ driver.PythonAnswerer = (*database)(nil)
