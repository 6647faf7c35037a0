package mongo

import (
	"context"
	"errors"
	"strings"

	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/auth"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Codes that the error texts and the readers look for.
const (
	codeBadValue       = 2
	codeUnauthorized   = 13
	codeBadLogin       = 18
	codeValidation     = 121
	codeNotImplemented = 238
	codeAtlas          = 8000
)

// A concernError says that a write was carried out, but not confirmed as the
// write concern requires.
type concernError struct{ *gomongo.WriteConcernError }

// codeOf returns the code of an error that the server sent. 0 stands for none.
func codeOf(err error) (code int, message string) {
	var command gomongo.CommandError
	var write gomongo.WriteError
	var concern concernError
	var writes gomongo.WriteException
	var bulk gomongo.BulkWriteException
	switch {
	case errors.As(err, &concern):
		return concern.Code, concern.Message
	case errors.As(err, &write):
		return write.Code, write.Message
	case errors.As(err, &command):
		return int(command.Code), command.Message
	case errors.As(err, &writes) && len(writes.WriteErrors) > 0:
		return writes.WriteErrors[0].Code, writes.WriteErrors[0].Message
	case errors.As(err, &writes) && writes.WriteConcernError != nil:
		return writes.WriteConcernError.Code, writes.WriteConcernError.Message
	case errors.As(err, &bulk) && len(bulk.WriteErrors) > 0:
		return bulk.WriteErrors[0].Code, bulk.WriteErrors[0].Message
	case errors.As(err, &bulk) && bulk.WriteConcernError != nil:
		return bulk.WriteConcernError.Code, bulk.WriteConcernError.Message
	}
	return 0, ""
}

// hasCode reports whether the server sent an error with one of the codes.
func hasCode(err error, codes ...int) bool {
	code, _ := codeOf(err)
	for _, one := range codes {
		if code == one {
			return true
		}
	}
	return false
}

// isForbidden reports whether the user has no right to a command.
func isForbidden(err error) bool {
	return hasCode(err, codeUnauthorized, codeAtlas) && !wantsLogin(err)
}

// wantsLogin reports whether the server wants a user and a password. This error has the
// same code as a missing right.
func wantsLogin(err error) bool {
	code, message := codeOf(err)
	return code == codeUnauthorized && strings.Contains(message, "authentication")
}

// isValidation reports whether a validator of the operator refuses a document.
func isValidation(err error) bool { return hasCode(err, codeValidation) }

// badLogin returns why the server refuses the user or the password, or "" if it does
// not. A call that was not sent, because the client library closed the connections
// for the failure of another call, has the other failure only as a text.
func badLogin(err error) string {
	const name = "(AuthenticationFailed)"
	var login *auth.Error
	text := err.Error()
	switch i := strings.LastIndex(text, name); {
	case isPoolCleared(err) && i >= 0:
		return neterr.OneLine(text[i:])
	case isPoolCleared(err), errors.Is(err, context.DeadlineExceeded), neterr.Lost(err):
		return ""
	case hasCode(err, codeBadLogin), errors.As(err, &login):
		return neterr.RootCause(err)
	}
	return ""
}

// isTransient reports whether the same command may succeed later.
func isTransient(err error) bool { return err != nil && classOf(err).IsTransient() }

// isImpossibleConcern reports whether a server refuses a command because the server can
// never confirm what the write concern requires. This error has the same code as a bad
// value in a document.
func isImpossibleConcern(err error) bool {
	var command gomongo.CommandError
	return errors.As(err, &command) && command.Code == codeBadValue && strings.Contains(command.Message, "cannot use ") &&
		(strings.Contains(command.Message, "'w'") || strings.Contains(command.Message, "'j'"))
}

// classOf returns the class of an error.
func classOf(err error) serverstate.Class {
	if isImpossibleConcern(err) {
		return serverstate.Stays
	}
	if code, _ := codeOf(err); code != 0 {
		return classes[code] // the zero value is unknown
	}
	if refusals := selectionErrors(err); len(refusals) > 0 {
		return classOfAll(refusals)
	}
	var argument gomongo.InvalidArgumentError
	switch {
	case errors.Is(err, store.ErrClosed), errors.Is(err, gomongo.ErrClientDisconnected), errors.Is(err, errUnacknowledged),
		errors.Is(err, gomongo.ErrNoDocuments), errors.As(err, &argument), isIncompatible(err):
		return serverstate.Stays
	case badLogin(err) != "":
		return serverstate.Stays
	case isPoolCleared(err), errors.As(err, &topology.ServerSelectionError{}), errors.As(err, &topology.WaitQueueTimeoutError{}):
		return serverstate.Passes
	}
	class, _ := neterr.ClassOf(err)
	return class
}

// classOfAll returns the class of an error of several servers. The class is "stays"
// only if the class of each server's error is.
func classOfAll(refusals []error) serverstate.Class {
	for _, refusal := range refusals {
		if classOf(refusal) != serverstate.Stays {
			return serverstate.Passes
		}
	}
	return serverstate.Stays
}

// selectionErrors returns why none of the servers can be used, if the client
// library found no server in time.
func selectionErrors(err error) (refusals []error) {
	var selection topology.ServerSelectionError
	if !errors.As(err, &selection) {
		return nil
	}
	for _, server := range selection.Desc.Servers {
		if server.LastError != nil {
			refusals = append(refusals, server.LastError)
		}
	}
	return refusals
}
