package mongo

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
)

// errReset says that a feed has to begin again from the start.
var errReset = errors.New("the change stream cannot go on")

// Codes of a server that cannot continue behind a token, because its history does not
// reach back that far or the token does not belong to the collection.
var lostHistory = []int{9, 136, 222, 234, 260, 280, 286}

const (
	// awaitChanges is how long the server waits for changes if there are none.
	awaitChanges = 50 * time.Millisecond
	// awaitTarget is how long a Poll waits for the changes that were made before it:
	// the stream has a change when most members of the replica set have it.
	awaitTarget = 2 * time.Second
	// changesAtOnce is how many changes one answer has at most.
	changesAtOnce = 1000
)

// watchedChanges are the changes that a feed needs to know of.
var watchedChanges = gomongo.Pipeline{{{Key: "$match", Value: bson.D{{Key: "operationType", Value: bson.D{
	{Key: "$in", Value: bson.A{"insert", "replace", "drop", "rename", "dropDatabase", "invalidate"}},
}}}}}}

// watch opens the change stream behind a token, or at the present without one.
func watch(ctx context.Context, c *collections, token bson.Raw) (*gomongo.ChangeStream, error) {
	stream := options.ChangeStream().SetMaxAwaitTime(awaitChanges).SetBatchSize(changesAtOnce)
	if token != nil {
		stream.SetResumeAfter(token)
	}
	return primary(c.events).Watch(ctx, watchedChanges, stream)
}

// takeToken takes a token of the present, if the server has change streams.
func (f *feed) takeToken(ctx context.Context) error {
	token, err := call(ctx, f.database, func(ctx context.Context, c *collections) (bson.Raw, error) {
		stream, err := watch(ctx, c, nil)
		if err != nil {
			return nil, err
		}
		defer closeStream(ctx, stream)
		for range 3 { // some servers give a token with the first answer, some with the second
			if token := stream.ResumeToken(); token != nil || stream.TryNext(ctx) {
				return append(bson.Raw(nil), token...), nil
			}
		}
		return nil, stream.Err()
	})
	switch {
	case isNotImplemented(err):
		f.features.noChangeStreams.Store(true)
	case isForbidden(err) || hasCode(err, lostHistory...) || err == nil && token == nil:
		f.noStream = true // not for this user, or not switched on; the feed goes by _ids
	case err != nil:
		return err
	}
	f.token = token
	return nil
}

func closeStream(ctx context.Context, stream *gomongo.ChangeStream) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	_ = stream.Close(ctx) // the server closes it by itself later
}

// A change is one change of the collection.
type change struct {
	entry

	token    bson.Raw
	isInsert bool // otherwise the collection is gone
}

// drain yields the documents that were inserted behind the token, and moves the
// token. It ends when the stream has nothing more that was made before the call.
// Then the server does not hold the stream any more.
func (f *feed) drain(ctx context.Context, yield func(osprofiler.Notification, error) bool) error {
	target, err := f.operationTime(ctx)
	if err != nil {
		return err
	}
	r := &changeReader{feed: f, target: target, end: time.Now().Add(awaitTarget)}
	defer func() { r.close(ctx) }()
	for !r.done {
		changes, err := call(ctx, f.database, r.next)
		for i := range changes {
			c := &changes[i]
			if !c.isInsert {
				return errReset
			}
			f.token = c.token
			if !yield(c.Notification, c.err) {
				return errLeft
			}
		}
		switch {
		case hasCode(err, lostHistory...):
			return errReset
		case isNotImplemented(err): // the cursor comes from another server
			f.features.noChangeStreams.Store(true)
			return errReset
		case err != nil:
			return err
		}
		if len(changes) == 0 && r.token != nil {
			f.token = r.token
		}
	}
	return nil
}

// operationTime returns the time of the last change that the server knows, in
// 64 bits. It is zero if the server does not say it.
func (f *feed) operationTime(ctx context.Context) (uint64, error) {
	return call(ctx, f.database, func(ctx context.Context, c *collections) (uint64, error) {
		answer, err := c.db.RunCommand(ctx, bson.D{{Key: "ping", Value: 1}}).Raw()
		if err != nil {
			return 0, err
		}
		seconds, number, _ := answer.Lookup("operationTime").TimestampOK()
		return uint64(seconds)<<32 | uint64(number), nil
	})
}

// A changeReader reads a change stream.
type changeReader struct {
	*feed

	stream  *gomongo.ChangeStream
	target  uint64    // changes up to that time are to be read
	reached uint64    // the time of the last change that was read
	end     time.Time // when to end without them
	empty   int       // how many answers in a row had no change
	token   bson.Raw  // behind the last answer
	done    bool
}

// next returns the changes that one answer of the server has.
func (r *changeReader) next(ctx context.Context, c *collections) (changes []change, err error) {
	if r.stream == nil {
		if r.stream, err = watch(ctx, c, r.feed.token); err != nil {
			return nil, err
		}
	}
	for bytes := 0; bytes < batchBytes; {
		if len(changes) > 0 && r.stream.RemainingBatchLength() == 0 {
			break
		}
		if !r.stream.TryNext(ctx) {
			if err := r.stream.Err(); err != nil {
				return changes, err
			}
			if len(changes) == 0 {
				r.nothing()
			}
			return changes, nil
		}
		one, err := r.decode(ctx, r.stream.Current)
		if err != nil {
			return changes, err
		}
		changes = append(changes, one)
		bytes += len(r.stream.Current) + one.Size()
	}
	r.empty = 0
	return changes, nil
}

// nothing is called for an answer without a change. It decides whether the stream
// has reached the target.
func (r *changeReader) nothing() {
	r.empty++
	r.token = append(bson.Raw(nil), r.stream.ResumeToken()...)
	if at := timeOfToken(r.token); at > 0 {
		r.reached = max(r.reached, at)
		r.done = r.reached >= r.target
	} else { // without a time in the token, an answer after waiting says that there is no more
		r.done = r.empty > 1
	}
	r.done = r.done || r.stream.ID() == 0 || time.Now().After(r.end)
}

func (r *changeReader) decode(ctx context.Context, event bson.Raw) (c change, err error) {
	token, _ := event.Lookup(keyID).DocumentOK()
	c.token = append(bson.Raw(nil), token...)
	seconds, number, _ := event.Lookup("clusterTime").TimestampOK()
	r.reached = max(r.reached, uint64(seconds)<<32|uint64(number))
	switch kind, _ := event.Lookup("operationType").StringValueOK(); kind {
	case "insert", "replace":
		document, _ := event.Lookup("fullDocument").DocumentOK()
		c.isInsert = true
		c.entry, err = r.decodeEntry(ctx, document)
	}
	return c, err
}

func (r *changeReader) close(ctx context.Context) {
	if r.stream != nil {
		closeStream(ctx, r.stream)
	}
}

// timeOfToken returns the time in a token of MongoDB, in 64 bits. A token is a
// text of hex digits that begins with the type of a timestamp. It returns zero for
// the tokens of other servers.
func timeOfToken(token bson.Raw) uint64 {
	text, _ := token.Lookup("_data").StringValueOK()
	const timestamp, digits = "82", 18
	if len(text) < digits || text[:2] != timestamp {
		return 0
	}
	data, err := hex.DecodeString(text[2:digits])
	if err != nil {
		return 0
	}
	return binary.BigEndian.Uint64(data)
}
