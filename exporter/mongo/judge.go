package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// judge adds the outcome of an insert, and returns groups of items that are to be
// written again.
func (w *writing) judge(ctx context.Context, items []item, err error) (again [][]item) {
	var answers gomongo.BulkWriteException
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		w.miss(ctx, ctx.Err(), indicesOf(items)...)
		return nil
	case errors.As(err, &answers):
		return w.judgeEach(ctx, items, &answers)
	case classOf(err) == serverstate.Row:
		return w.divide(ctx, items, err)
	case neterr.Broken(err) && w.splits < mostSplits && w.answers(ctx):
		w.splits++
		return w.divideBroken(ctx, items, err)
	}
	w.miss(ctx, err, indicesOf(items)...)
	return nil
}

// mostSplits bounds how often one Write resends messages that broke the connection.
const mostSplits = 64

// divide returns the halves of a group that the server refuses because of the
// content of a document, or the next form of a single item.
func (w *writing) divide(ctx context.Context, items []item, err error) [][]item {
	if half := len(items) / 2; half > 0 {
		return [][]item{items[half:], items[:half]}
	}
	return w.nextForm(ctx, items, err)
}

// nextForm returns the item in its next form. If there is none, the item is
// refused.
func (w *writing) nextForm(ctx context.Context, one []item, err error) [][]item {
	it := &one[0]
	if it.form == chunked || isValidation(err) {
		w.done.Refuse(w.explain(ctx, err), it.index)
		return nil
	}
	it.form++
	return [][]item{one}
}

// largeSize is the size in bytes from which a server, or a proxy before it, may
// refuse a document by ending the connection.
const largeSize = 64 << 10

// divideBroken is divide for a message at which the server ended the connection
// although it answers other commands. A small notification is never refused for
// this reason.
func (w *writing) divideBroken(ctx context.Context, items []item, err error) [][]item {
	if len(items) > 1 {
		return w.divide(ctx, items, err)
	}
	it := &items[0]
	switch it.broken++; {
	case it.broken < 2:
		return [][]item{items}
	case it.form < chunked:
		it.form++
		it.broken = 0
		return [][]item{items}
	case len(w.batch[it.index].JSON()) < largeSize:
		w.miss(ctx, err, it.index)
		return nil
	}
	w.done.Refuse(fmt.Errorf("%s refuses it: the server, or a proxy before it, breaks the connection when it is sent, and answers other commands", w.name), it.index)
	return nil
}

// answerTime is how long the server has to answer whether it works.
const answerTime = 3 * time.Second

// answers reports whether the server carries out other commands.
func (w *writing) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, err := try(ctx, w.database, func(ctx context.Context, c *collections) (bson.Raw, error) {
		return c.db.RunCommand(ctx, bson.D{{Key: "ping", Value: 1}}).Raw()
	})
	return err == nil
}

// judgeEach looks at the errors of single documents. The documents without one are
// stored, unless the write concern failed: then it is not known whether they last.
func (w *writing) judgeEach(ctx context.Context, items []item, answers *gomongo.BulkWriteException) (again [][]item) {
	failed := make(map[int]bool, len(answers.WriteErrors))
	doubtful := map[bson.ObjectID]gomongo.WriteError{}
	var contended []item
	for i := range answers.WriteErrors {
		e := answers.WriteErrors[i].WriteError
		if e.Index < 0 || e.Index >= len(items) { // it is unknown which document the error is about
			w.miss(ctx, e, indicesOf(items)...)
			return nil
		}
		if isStored(&e) {
			continue // the write concern also applies to a document that is stored already
		}
		one := items[e.Index : e.Index+1 : e.Index+1]
		switch class := classOf(e); {
		case e.Code == codeDuplicate:
			doubtful[one[0].id] = e
			continue
		case class == serverstate.Contended && w.splits < mostSplits:
			w.splits++
			contended = append(contended, one...)
		case class == serverstate.Row:
			again = append(again, w.nextForm(ctx, one, e)...)
		default:
			w.miss(ctx, e, one[0].index)
		}
		failed[e.Index] = true
	}
	if len(contended) > 0 {
		again = append(again, contended)
	}
	w.lookFor(ctx, items, doubtful)
	if answers.WriteConcernError != nil {
		for i := range items {
			if !failed[i] {
				w.missUnconfirmed(ctx, items[i:i+1], answers.WriteConcernError)
			}
		}
	}
	return again
}

// missUnconfirmed adds items that the server wrote without the confirmation that
// the write concern asks for.
func (w *writing) missUnconfirmed(ctx context.Context, items []item, e *gomongo.WriteConcernError) {
	w.miss(ctx, concernError{e}, indicesOf(items)...)
}

const codeDuplicate = 11000

// isStored reports whether a write error says that there is a document with the
// same _id, and so the same notification.
func isStored(e *gomongo.WriteError) bool {
	if e.Code != codeDuplicate {
		return false
	}
	if pattern, err := e.Raw.LookupErr("keyPattern"); err == nil {
		document, isDocument := pattern.DocumentOK()
		_, err := document.LookupErr(keyID)
		return isDocument && err == nil
	}
	return strings.Contains(e.Message, "index: _id_")
}

// lookFor finds out which of the items are stored if the duplicate key may not be the
// _id. The operator may have made other unique indexes, and a server names any one of
// the violated indexes, or none. The items that are not stored are refused.
func (w *writing) lookFor(ctx context.Context, items []item, doubtful map[bson.ObjectID]gomongo.WriteError) {
	if len(doubtful) == 0 {
		return
	}
	var ids bson.A
	for id := range doubtful {
		ids = append(ids, id)
	}
	stored, err := try(ctx, w.database, func(ctx context.Context, c *collections) (stored []struct {
		ID bson.ObjectID `bson:"_id"`
	}, err error) {
		found, err := primary(c.events).Find(ctx, bson.D{{Key: keyID, Value: bson.D{{Key: "$in", Value: ids}}}}, options.Find().SetProjection(bson.D{{Key: keyID, Value: 1}}))
		if err == nil {
			err = found.All(ctx, &stored)
		}
		return stored, err
	})
	for _, document := range stored {
		delete(doubtful, document.ID)
	}
	for i := range items {
		e, isDoubtful := doubtful[items[i].id]
		switch {
		case !isDoubtful:
		case err != nil:
			w.miss(ctx, err, items[i].index)
		default:
			w.done.Refuse(w.explain(ctx, e), items[i].index)
		}
	}
}
