package mongo

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A failure is the record of a failed trace: the last of its failures in a batch.
type failure struct {
	baseID, timestamp string
	indices           []int
}

// recordFailures writes the records of the traces that failed, by which the Python
// library lists failed traces. A failure whose record is not written counts as not
// known to be stored.
func (w *writing) recordFailures(ctx context.Context) {
	failures := w.failures()
	if len(failures) == 0 {
		return
	}
	var err error
	for range upsertTries {
		if err = w.upsert(ctx, failures); !gomongo.IsDuplicateKeyError(err) {
			break
		}
	}
	if err == nil {
		return
	}
	for _, f := range failures {
		w.miss(ctx, err, f.indices...)
	}
}

// upsertTries is how often a record is written while another client writes the
// first record of the same trace.
const upsertTries = 3

// failures returns the records for the notifications that are stored.
func (w *writing) failures() (all []*failure) {
	missing := slices.Concat(w.done.Missing(), w.done.Refused())
	byID := map[string]*failure{}
	for i := range w.batch {
		n := &w.batch[i]
		if !n.Info.Failed() || slices.Contains(missing, i) {
			continue
		}
		id := storedID(driver.Text(n.BaseID))
		f := byID[id]
		if f == nil {
			f = &failure{baseID: id}
			byID[id] = f
			all = append(all, f)
		}
		f.timestamp = cut(n.Timestamp)
		f.indices = append(f.indices, i)
	}
	return all
}

// upsert writes one record for each trace. Python's driver replaces the record by
// base_id. If there is no record, two clients may both insert one. So the _id is made
// of base_id here, which makes the second insert fail.
func (w *writing) upsert(ctx context.Context, failures []*failure) error {
	models := make([]gomongo.WriteModel, len(failures))
	for i, f := range failures {
		set := bson.D{{Key: keyTimestamp, Value: f.timestamp}}
		if w.ttl > 0 {
			set = append(set, bson.E{Key: keyWritten, Value: w.now})
		}
		models[i] = gomongo.NewUpdateOneModel().
			SetFilter(bson.D{{Key: keyBaseID, Value: f.baseID}}).
			SetUpdate(bson.D{
				{Key: "$set", Value: set},
				{Key: "$setOnInsert", Value: bson.D{{Key: keyID, Value: failureID(f.baseID)}}},
			}).
			SetUpsert(true)
	}
	result, err := try(ctx, w.database, func(ctx context.Context, c *collections) (*gomongo.BulkWriteResult, error) {
		return c.errors.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	})
	var answers gomongo.BulkWriteException
	if errors.As(err, &answers) && len(answers.WriteErrors) == 0 && answers.WriteConcernError != nil {
		return concernError{answers.WriteConcernError}
	}
	if err == nil && !result.Acknowledged {
		return errUnacknowledged
	}
	return err
}

func failureID(baseID string) (id bson.ObjectID) {
	sum := sha256.Sum256([]byte(baseID))
	copy(id[:], sum[:])
	return id
}
