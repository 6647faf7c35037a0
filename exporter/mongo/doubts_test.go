package mongo

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/description"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// A write error about a document that was not sent leaves all of them in doubt.
func TestWriteErrorOfNoDocument(t *testing.T) {
	for _, index := range []int{-1, 2, 99} {
		batch := []osprofiler.Notification{{Name: "a-start"}, {Name: "a-stop"}}
		w := &writing{database: &database{name: "MongoDB"}, batch: batch, done: outcome.Of(batch)}
		items := []item{{index: 0, id: idOf(&batch[0])}, {index: 1, id: idOf(&batch[1])}}
		answers := gomongo.BulkWriteException{WriteErrors: []gomongo.BulkWriteError{{WriteError: gomongo.WriteError{Index: index, Code: 1, Message: "no"}}}}
		if again := w.judge(t.Context(), items, answers); len(again) > 0 || len(w.done.Missing()) != 2 {
			t.Errorf("index %d: missing are %v, to be written again %v", index, w.done.Missing(), again)
		}
	}
}

// A write concern that the server can never confirm refuses no notification.
func TestImpossibleWriteConcern(t *testing.T) {
	for _, message := range []string{
		"cannot use 'w' > 1 when a host is not replicated",
		"cannot use non-majority 'w' mode \"x\" when a host is not a member of a replica set",
		"cannot use 'j' option when a host does not have journaling enabled",
	} {
		if class := classOf(gomongo.CommandError{Code: codeBadValue, Message: message}); class != serverstate.Stays {
			t.Errorf("%s: %v", message, class)
		}
	}
	if class := classOf(gomongo.CommandError{Code: codeBadValue, Message: "invalid BSON in body"}); class != serverstate.Row {
		t.Errorf("a bad document: %v", class)
	}
}

// An error for a state that passes does not mean that the server lacks a feature.
func TestPassingIsNotLacking(t *testing.T) {
	for code, class := range classes {
		if class == serverstate.Passes && isNotImplemented(gomongo.CommandError{Code: int32(code)}) {
			t.Errorf("code %d passes", code)
		}
	}
	if !isNotImplemented(gomongo.CommandError{Code: codeNotImplemented}) {
		t.Error("NotImplemented is not told")
	}
}

type poolError struct{ error }

func (poolError) Retryable() bool { return true }

// A call that was not sent is begun again. A call is not begun again if a call inside it
// was.
func TestCallsBegunAgain(t *testing.T) {
	unused, err := gomongo.Connect(options.Client().ApplyURI("mongodb://127.0.0.1:1/"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unused.Disconnect(context.WithoutCancel(t.Context())) }()
	d := &database{client: givenClient(unused, "osprofiler")}
	for _, c := range []struct {
		err   error
		calls int
	}{
		{poolError{errors.New("cleared")}, poolTries},
		{explained.New(poolError{errors.New("cleared")}, "a sentence"), 1},
	} {
		calls := 0
		_, err := try(t.Context(), d, func(context.Context, *collections) (int, error) { calls++; return 0, c.err })
		if calls != c.calls || err == nil {
			t.Errorf("%v: %d calls, want %d", c.err, calls, c.calls)
		}
	}
}

// The error about a damaged document names its trace.
func TestDamageNamesTheTrace(t *testing.T) {
	document, err := bson.Marshal(bson.D{{Key: "_id", Value: bson.NewObjectID()}, {Key: keyBaseID, Value: "x"}, {Key: keyOriginal, Value: "{"}})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := parseDocument(document); err == nil || p.notification.BaseID != "x" {
		t.Errorf("the base id is %q, the error %v", p.notification.BaseID, err)
	}
}

// If the client library abandons its own attempt to connect, the error says what may be
// wrong.
func TestAttemptThatWasGivenUp(t *testing.T) {
	d := &database{name: "MongoDB at h:27017", addrs: []string{"h:27017"}}
	err := d.explain(t.Context(), topology.ServerSelectionError{
		Wrapped: errors.New("server selection timeout"),
		Desc:    description.Topology{Servers: []description.Server{{LastError: fmt.Errorf("dial: %w", context.Canceled)}}},
	})
	const want = "cannot connect to MongoDB at h:27017: the last attempt ended without an answer; if it speaks TLS, the connection string should have the option tls=true"
	if err.Error() != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}
}
