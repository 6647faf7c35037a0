package sql

import (
	"context"
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	// largeRow is the size in bytes from which a row may be the cause when a
	// server ends the connection without a word. No server has a smaller limit
	// by default: MySQL 5.5 takes packets of 1 MiB.
	largeRow = 1 << 20
	// hangUps is how often a server must end the connection over one row, while
	// it answers otherwise, before the row counts as refused.
	hangUps = 3
)

// mayBeRow tells whether a batch may have failed because of single rows.
func (s *Store) mayBeRow(batch []osprofiler.Notification, err error) bool {
	return s.dialect.Refuses(err) || s.dialect.Suspect(err) && slices.ContainsFunc(batch, isLarge)
}

func isLarge(n osprofiler.Notification) bool { return n.Size() >= largeRow }

// isolation stores a batch in parts, until each notification is stored, or is
// refused by itself.
type isolation struct {
	*Store
	batch   []osprofiler.Notification
	refused []backend.Refusal
}

// isolate stores what can be stored of a batch that failed with err.
func (s *Store) isolate(ctx context.Context, batch []osprofiler.Notification, err error) error {
	i := &isolation{Store: s, batch: batch}
	done, err := i.halve(ctx, 0, len(batch), err)
	if err == nil && len(i.refused) == 0 {
		return nil
	}
	if err == nil {
		return backend.Refused(batch, i.refused)
	}
	failed := &store.WriteError{Transient: s.isTransient(err), Err: err}
	for _, r := range i.refused { // they are refused again with the rest
		failed.Missing = append(failed.Missing, r.Index)
	}
	for at := done; at < len(batch); at++ {
		failed.Missing = append(failed.Missing, at)
	}
	return failed
}

// write stores the part of the batch from one index up to another. It returns
// the index up to which everything is stored or refused, and the error that
// ended the writing there.
func (i *isolation) write(ctx context.Context, from, to int) (done int, err error) {
	if err := i.writeAll(ctx, i.batch[from:to]); err != nil {
		return i.halve(ctx, from, to, err)
	}
	return to, nil
}

// halve does what write does, for a part that failed with err.
func (i *isolation) halve(ctx context.Context, from, to int, err error) (done int, _ error) {
	if !i.mayBeRow(i.batch[from:to], err) {
		return from, err
	}
	if to-from == 1 {
		return i.one(ctx, from, err)
	}
	middle := (from + to) / 2
	if done, err := i.write(ctx, from, middle); err != nil {
		return done, err
	}
	return i.write(ctx, middle, to)
}

// one decides about a notification that failed by itself. One over which the
// server ended the connection is tried again, since the connection may have
// been lost by chance.
func (i *isolation) one(ctx context.Context, at int, err error) (done int, _ error) {
	for tries := 1; !i.dialect.Refuses(err); tries++ {
		if !i.dialect.Suspect(err) {
			return at, err
		}
		if pingErr := i.use(ctx, func() error { return i.db.PingContext(ctx) }); pingErr != nil {
			return at, pingErr
		}
		if tries == hangUps {
			break
		}
		if err = i.writeAll(ctx, i.batch[at:at+1]); err == nil {
			return at + 1, nil
		}
	}
	i.refused = append(i.refused, backend.Refusal{Index: at, Reason: err})
	return at + 1, nil
}
