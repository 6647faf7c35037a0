package table

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
)

const (
	// largeRow is the size in bytes from which a row may be the cause when a
	// server ends the connection without an error. No server has a smaller
	// limit by default: MySQL 5.5 accepts packets of 1 MiB.
	largeRow = 1 << 20
	// hangUps is how often a server must end the connection because of one row,
	// while it answers other statements, before the row counts as refused.
	hangUps = 3
	// mostRefused is how many rows are refused before the rest of a batch is given
	// up, if no row of the batch was stored, because in that case the table
	// refuses all rows.
	mostRefused = 32
)

// mayBeRows reports whether a part of a batch that failed may be stored if some
// rows are left out, or in smaller transactions.
func (t *Table) mayBeRows(part []osprofiler.Notification, took time.Duration, err error) bool {
	return t.dialect.Refuses(err) || t.dialect.TooMuch(err) ||
		t.dialect.Suspect(err, took) && slices.ContainsFunc(part, isLarge)
}

func isLarge(n osprofiler.Notification) bool { return n.Size() >= largeRow }

// An isolation stores a batch in parts, until each notification is stored or is
// refused by itself.
type isolation struct {
	*Table
	batch   []osprofiler.Notification
	outcome *outcome.Outcome
	large   []int // notifications for which there is no room now
	full    error // the reason why there is no room
	stored  bool  // a part was stored
}

// isolate stores as much as possible of a batch whose first attempt failed.
func (t *Table) isolate(ctx context.Context, batch []osprofiler.Notification, took time.Duration, err error) error {
	i := &isolation{Table: t, batch: batch, outcome: outcome.Of(batch)}
	done, err := i.halve(ctx, 0, len(batch), took, err)
	if err == nil {
		err = i.full
	}
	missing := i.large
	for at := done; at < len(batch); at++ {
		missing = append(missing, at)
	}
	if len(missing) > 0 {
		i.outcome.Miss(err, t.isTransient(err), missing...)
	}
	return i.outcome.Err()
}

// write stores the part of the batch from one index up to another. It returns
// the index up to which everything is stored or refused, and the error that
// stopped it there.
func (i *isolation) write(ctx context.Context, from, to int) (done int, err error) {
	took, err := i.writeOnce(ctx, i.batch[from:to])
	if err != nil {
		return i.halve(ctx, from, to, took, err)
	}
	i.stored = true
	return to, nil
}

// halve stores the two halves of a part that failed with err, one after the
// other. It returns the same values as write.
func (i *isolation) halve(ctx context.Context, from, to int, took time.Duration, err error) (done int, _ error) {
	if to-from == 1 {
		return i.one(ctx, from, took, err)
	}
	if !i.mayBeRows(i.batch[from:to], took, err) {
		return from, err
	}
	middle := (from + to) / 2
	if done, err := i.write(ctx, from, middle); err != nil {
		return done, err
	}
	if refused := len(i.outcome.Refused()); !i.stored && refused >= mostRefused {
		return middle, fmt.Errorf("the database refuses all of the first %d notifications of the batch, so that the others were not tried", refused)
	}
	return i.write(ctx, middle, to)
}

// one decides what happens to a notification that failed by itself. If the server
// ended the connection because of it, the notification is tried again, because
// the connection may have been lost by chance. A notification for which there is
// no room is left to a later attempt, because smaller notifications may have
// room.
func (i *isolation) one(ctx context.Context, at int, took time.Duration, err error) (done int, _ error) {
	if b, ok := i.dialect.(Bounded); ok && i.dialect.TooMuch(err) {
		switch n := &i.batch[at]; {
		case int64(len(n.JSON())) >= b.LargestRow():
			i.outcome.Refuse(fmt.Errorf("it is larger than the database may become: %w", err), at)
			return at + 1, nil
		case isLarge(*n):
			i.large, i.full = append(i.large, at), err
			return at + 1, nil
		}
	}
	for tries := 1; !i.dialect.Refuses(err); tries++ {
		if !i.dialect.Suspect(err, took) || !isLarge(i.batch[at]) {
			return at, err
		}
		if pingErr := i.patiently(ctx, func() error { return i.db.PingContext(ctx) }); pingErr != nil {
			return at, pingErr
		}
		if tries == hangUps {
			break
		}
		if took, err = i.writeOnce(ctx, i.batch[at:at+1]); err == nil {
			i.stored = true
			return at + 1, nil
		}
	}
	i.outcome.Refuse(err, at)
	return at + 1, nil
}
