package mongo

import (
	"context"
	"errors"

	gomongo "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/store"
)

// explain returns an error that says in one sentence what is wrong with the
// server or the connection. An error that is explained already stays as it is.
func (d *database) explain(ctx context.Context, err error) error {
	switch {
	case err == nil, errors.Is(err, store.ErrClosed):
		return err
	case neterr.ContextError(ctx, err) != nil && !neterr.Informs(err):
		return neterr.ContextError(ctx, err)
	case explained.Is(err):
		return err
	}
	return explained.New(err, "cannot use %s: %s", d.name, neterr.OneLine(err.Error()))
}

// isTransient reports whether the same command may succeed later.
func isTransient(err error) bool { return classOf(err).IsTransient() }

// classOf returns the class of an error.
func classOf(err error) serverstate.Class { return serverstate.Unknown }

// isForbidden reports whether the user has no right to a command.
func isForbidden(err error) bool {
	var answer gomongo.ServerError
	return errors.As(err, &answer) && answer.HasErrorCode(13)
}
