package mongo

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	gomongo "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate/statetest"
	"github.com/osprofiler-otel/osprofiler/store"
)

func TestStates(t *testing.T) {
	statetest.Check(t, &states, "*_test.go", "../../docs/stores/mongodb.md")
}

func TestClassOf(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, c := range []struct {
		err  error
		want serverstate.Class
	}{
		{gomongo.CommandError{Code: 10107}, serverstate.Passes},
		{gomongo.CommandError{Code: 13}, serverstate.Stays},
		{gomongo.CommandError{Code: 424242}, serverstate.Unknown},
		{gomongo.CommandError{Labels: []string{"NetworkError"}, Wrapped: io.EOF}, serverstate.Unknown},
		{gomongo.WriteError{Code: 121}, serverstate.Row},
		{gomongo.WriteException{WriteErrors: gomongo.WriteErrors{{Code: 11000}}}, serverstate.Row},
		{gomongo.WriteException{WriteConcernError: &gomongo.WriteConcernError{Code: 64}}, serverstate.Unknown},
		{gomongo.BulkWriteException{WriteConcernError: &gomongo.WriteConcernError{Code: 100}}, serverstate.Stays},
		{concernError{&gomongo.WriteConcernError{Code: 91}}, serverstate.Passes},
		{refused, serverstate.Passes},
		{io.ErrUnexpectedEOF, serverstate.Unknown},
		{store.ErrClosed, serverstate.Stays},
		{gomongo.ErrClientDisconnected, serverstate.Stays},
		{gomongo.ErrNilDocument, serverstate.Stays},
		{errors.New("server at h reports wire version 5, but this version of the Go driver requires at least 9"), serverstate.Stays},
	} {
		if got := classOf(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}
