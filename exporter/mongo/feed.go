package mongo

import (
	"context"
	"errors"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A feed follows the events collection.
//
// On a replica set it follows a change stream (changes.go). The first Poll takes
// a token of the stream, yields what is in the collection, in the order of the
// _ids, and then what the stream has behind the token. The cursor is a token.
//
// On other servers it follows the _ids (scan.go). ObjectIDs begin with a time. The
// ObjectIDs of Python's driver begin with the service's clock, and ours with the time
// of the event. So new documents usually have larger _ids than older ones. The number
// of documents in the collection shows whether there are other new documents.
//
// A feed reads from the primary, because another member may not have a document yet
// that is in front of the token.
type feed struct {
	*database

	from       driver.Cursor
	checked    bool   // whether the position is known to belong to this collection
	collection string // the UUID of the collection; empty if it is not known

	noStream bool     // the server has no change streams, or the user may not use them
	token    bson.Raw // of the change stream; nil without one
	scanned  bool     // everything in front of the token was yielded

	yielded ledger // unless scanned
	scanState
}

// Feed implements driver.Feeder. It does not connect.
func (d *database) Feed(_ context.Context, from driver.Cursor) (driver.Feed, error) {
	p, err := parsePosition(from)
	if err != nil {
		return nil, err
	}
	f := &feed{database: d, from: from, collection: p.collection, token: p.token, scanned: p.scanned}
	f.yielded.buckets, f.othersBefore = p.buckets, p.others
	f.due = len(p.buckets) > 0 || p.others > 0
	return f, nil
}

// Close implements driver.Feed.
func (*feed) Close() error { return nil }

// Cursor implements driver.Feed.
func (f *feed) Cursor() driver.Cursor {
	if !f.checked && f.from != "" {
		return f.from
	}
	p := position{collection: f.collection, token: f.token, scanned: f.scanned}
	if f.collection == "" && !f.features.hasNoUUIDs.Load() {
		p = position{} // there was no collection, so that nothing was yielded
	} else if !f.scanned {
		p.buckets = f.yielded.summary(mostInCursor)
		p.others = len(f.yielded.others)
	}
	return p.cursor()
}

// errLeft says that the caller left the loop.
var errLeft = errors.New("the loop was left")

// Poll implements driver.Feed.
func (f *feed) Poll(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		if err := f.poll(ctx, yield); err != nil && !errors.Is(err, errLeft) {
			yield(osprofiler.Notification{}, err)
		}
	}
}

// mostResets is how many times one Poll begins again from the start, because the
// collection was dropped or the history of the stream was lost.
const mostResets = 3

func (f *feed) poll(ctx context.Context, yield func(osprofiler.Notification, error) bool) error {
	for resets := 0; ; resets++ {
		if err := f.check(ctx); err != nil {
			return err
		}
		if f.token == nil && !f.noStream && !f.features.noChangeStreams.Load() {
			if err := f.takeToken(ctx); err != nil {
				return err
			}
		}
		if f.token == nil || !f.scanned {
			if err := f.scan(ctx, yield); err != nil {
				return err
			}
		}
		if f.token == nil {
			return nil
		}
		f.scanned, f.yielded, f.scanState = true, ledger{}, scanState{}
		err := f.drain(ctx, yield)
		if !errors.Is(err, errReset) || resets == mostResets {
			return err
		}
		f.reset()
	}
}

// reset makes the feed begin again from the start. Everything in the collection is
// yielded again.
func (f *feed) reset() {
	f.collection, f.token, f.scanned = "", nil, false
	f.yielded, f.scanState = ledger{}, scanState{}
}

// check makes sure that the position belongs to the collection. A feed that follows a
// change stream learns from the stream that the collection was replaced.
func (f *feed) check(ctx context.Context) error {
	if f.checked && f.token != nil && f.collection != "" || f.features.hasNoUUIDs.Load() && f.checked {
		return nil
	}
	uuid, exists, err := f.uuid(ctx)
	if err != nil {
		return err
	}
	switch {
	case !f.checked && f.collection != "" && f.collection != uuid && !f.features.hasNoUUIDs.Load():
		return codec.Foreign(string(f.from), f.Name())
	case !f.checked && f.features.hasNoUUIDs.Load() && f.due:
		if same, err := f.isSame(ctx); err != nil || !same {
			return errors.Join(err, notSame(same, f))
		}
	case f.checked && f.collection != "" && f.collection != uuid: // dropped, and perhaps made again
		f.due = true
	}
	f.checked = true
	if exists {
		f.collection = uuid
	}
	return nil
}

func notSame(same bool, f *feed) error {
	if same {
		return nil
	}
	return codec.Foreign(string(f.from), f.Name())
}

// uuid returns the UUID of the events collection. It is empty if there is no such
// collection, or if the server gives its collections no UUIDs.
func (d *database) uuid(ctx context.Context) (uuid string, exists bool, err error) {
	specifications, err := call(ctx, d, func(ctx context.Context, c *collections) ([]gomongo.CollectionSpecification, error) {
		return c.db.ListCollectionSpecifications(ctx, bson.D{{Key: keyName, Value: eventsCollection}})
	})
	switch {
	case isNotImplemented(err) || isForbidden(err):
		d.features.hasNoUUIDs.Store(true)
		return "", false, nil
	case err != nil || len(specifications) == 0:
		return "", false, err
	case specifications[0].UUID == nil:
		d.features.hasNoUUIDs.Store(true)
		return "", true, nil
	}
	return string(specifications[0].UUID.Data), true, nil
}

// primary returns a collection that is read from the primary.
func primary(c *gomongo.Collection) *gomongo.Collection {
	return c.Clone(options.Collection().SetReadPreference(readpref.Primary()))
}

// fromPrimary returns a query whose events are read from the primary.
func fromPrimary[T any](q query[T]) query[T] {
	open := q.open
	q.open = func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
		at := *c
		at.events = primary(c.events)
		return open(ctx, &at)
	}
	return q
}

// unasked returns the error for a document that the server should not have sent.
func (d *database) unasked(document bson.Raw) error {
	id := document.Lookup(keyID)
	return explained.New(errUnasked, "%s answers with a document that was not asked for, with the _id %s", d.name, id)
}

var errUnasked = errors.New("a document outside the range that was asked for")

var _ driver.Feeder = (*database)(nil)
