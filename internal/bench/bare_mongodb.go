package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/url"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// bareMongoDB uses the collection profiler by MongoDB's driver.
type bareMongoDB struct {
	client *gomongo.Client
	events *gomongo.Collection
	// canGroup is true if the server can compute the least value of a group.
	canGroup bool
}

func openMongoDB(ctx context.Context, connectionString string) (bare, error) {
	return newBareMongoDB(ctx, connectionString, true)
}

func openFerretDB(ctx context.Context, connectionString string) (bare, error) {
	return newBareMongoDB(ctx, connectionString, false)
}

func newBareMongoDB(_ context.Context, connectionString string, canGroup bool) (bare, error) {
	u, err := url.Parse(connectionString)
	if err != nil {
		return nil, err
	}
	query := u.Query()
	database := query.Get("db_name")
	query.Del("db_name")
	u.RawQuery = query.Encode()
	client, err := gomongo.Connect(options.Client().ApplyURI(u.String()))
	if err != nil {
		return nil, err
	}
	return &bareMongoDB{client: client, events: client.Database(database).Collection("profiler"), canGroup: canGroup}, nil
}

func (m *bareMongoDB) close() error { return m.client.Disconnect(context.Background()) }

// bsonDocuments are the documents of a trace.
type bsonDocuments []bson.Raw

func (d bsonDocuments) notifications() int { return len(d) }

func (d bsonDocuments) records() (all []record) {
	for _, document := range d {
		all = append(all, record{string(document)})
	}
	return all
}

// each calls a function with each document of a cursor.
func each(ctx context.Context, cursor *gomongo.Cursor, err error, use func(bson.Raw)) error {
	if err != nil {
		return err
	}
	for cursor.Next(ctx) {
		use(cursor.Current)
	}
	return errors.Join(cursor.Err(), cursor.Close(ctx))
}

func (m *bareMongoDB) fetch(ctx context.Context, baseID string) (stored, error) {
	var all bsonDocuments
	cursor, err := m.events.Find(ctx, bson.D{{Key: "base_id", Value: baseID}}, options.Find().SetBatchSize(pageSize))
	err = each(ctx, cursor, err, func(document bson.Raw) { all = append(all, append(bson.Raw(nil), document...)) })
	return all, err
}

func (m *bareMongoDB) write(ctx context.Context, records []record) error {
	documents := make([]any, len(records))
	for i, r := range records {
		documents[i] = bson.Raw(r[0].(string))
	}
	_, err := m.events.InsertMany(ctx, documents, options.InsertMany().SetOrdered(false))
	return err
}

func (m *bareMongoDB) list(ctx context.Context, traces, limit int) error {
	if !m.canGroup {
		return m.listOutside(ctx, traces, limit)
	}
	pipeline := bson.A{bson.D{{Key: "$group", Value: bson.D{
		{Key: "_id", Value: "$base_id"}, {Key: "began", Value: bson.D{{Key: "$min", Value: "$timestamp"}}},
	}}}}
	if limit > 0 {
		pipeline = append(pipeline, bson.D{{Key: "$sort", Value: bson.D{{Key: "began", Value: -1}}}}, bson.D{{Key: "$limit", Value: limit}})
	}
	found := 0
	cursor, err := m.events.Aggregate(ctx, pipeline, options.Aggregate().SetAllowDiskUse(true).SetBatchSize(pageSize))
	err = each(ctx, cursor, err, func(bson.Raw) { found++ })
	return errors.Join(err, came(found, listedOf(traces, limit)))
}

// listOutside reads all events, and finds the beginnings of traces in this process.
func (m *bareMongoDB) listOutside(ctx context.Context, traces, limit int) error {
	began := map[string]string{}
	projection := bson.D{{Key: "_id", Value: 0}, {Key: "base_id", Value: 1}, {Key: "timestamp", Value: 1}}
	cursor, err := m.events.Find(ctx, bson.D{}, options.Find().SetProjection(projection).SetBatchSize(pageSize))
	err = each(ctx, cursor, err, func(document bson.Raw) {
		id, at := document.Lookup("base_id").StringValue(), document.Lookup("timestamp").StringValue()
		if known, ok := began[id]; !ok || at < known {
			began[id] = at
		}
	})
	return errors.Join(err, came(len(newestOf(began, limit)), listedOf(traces, limit)))
}

// withKey sets the _id of the document to its second and a hash, as our store does.
func (m *bareMongoDB) withKey(r record) (record, error) {
	document := []byte(r[0].(string))
	at, err := time.Parse("2006-01-02T15:04:05.000000", bson.Raw(document).Lookup("timestamp").StringValue())
	if err != nil {
		return nil, err
	}
	id := bson.NewObjectIDFromTimestamp(at)
	sum := sha256.Sum256(document)
	copy(id[4:], sum[:])
	copy(bson.Raw(document).Lookup("_id").Value, id[:])
	return record{string(document)}, nil
}

func (m *bareMongoDB) writeBulk(_ context.Context, write func() error) error { return write() }
