package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The rules in this file are about feeds.

// followed opens a store that holds two traces, and a feed from its beginning.
func followed(ctx context.Context, stage *Stage) (*store.Store, *store.Feed, error) {
	s, err := stage.With(ctx, append(events(20), events(20)...)...)
	if err != nil {
		return nil, nil, err
	}
	feed, err := s.Feed(ctx, "")
	return s, feed, err
}

func feed(ctx context.Context, stage *Stage) error {
	s, feed, err := followed(ctx, stage)
	if err != nil {
		return err
	}
	first, err := collect(feed.Poll(ctx))
	if err != nil {
		return err
	}
	if len(first) != 40 {
		return fmt.Errorf("the first poll of a store of 40 notifications yields %d", len(first))
	}
	for _, size := range []int{1, 0, 30, 0, 5} {
		later := events(size)
		if err := s.Write(ctx, later); err != nil {
			return err
		}
		came, err := collect(feed.Poll(ctx))
		if err != nil {
			return fmt.Errorf("polling after %d more were written: %w", size, err)
		}
		if err := sameSet(came, later); err != nil {
			return fmt.Errorf("polling after %d more were written: %w", size, err)
		}
	}
	return feed.Close()
}

// feedGrowingTraces writes into traces that the feed already followed, and checks that the
// feed yields only the new notifications.
func feedGrowingTraces(ctx context.Context, stage *Stage) error {
	const traces, rounds = 50, 4
	all := make([][]osprofiler.Notification, traces)
	for i := range all {
		all[i] = events(rounds)
	}
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	feed, err := s.Feed(ctx, "")
	if err != nil {
		return err
	}
	for round := range rounds {
		var batch []osprofiler.Notification
		for i := range all {
			if round == 0 || i%(round+1) == 0 {
				batch = append(batch, all[i][round])
			}
		}
		if err := s.Write(ctx, batch); err != nil {
			return err
		}
		came, err := collect(feed.Poll(ctx))
		if err != nil {
			return err
		}
		if err := sameSet(came, batch); err != nil {
			return fmt.Errorf("poll %d: %w", round+1, err)
		}
	}
	return feed.Close()
}

// feedLeftEarly leaves each loop over a poll after one notification.
func feedLeftEarly(ctx context.Context, stage *Stage) error {
	batch := events(40)
	s, err := stage.With(ctx, batch...)
	if err != nil {
		return err
	}
	feed, err := s.Feed(ctx, "")
	if err != nil {
		return err
	}
	var all []osprofiler.Notification
	for poll := 0; ; poll++ {
		before := len(all)
		for n, err := range feed.Poll(ctx) {
			if err != nil {
				return err
			}
			all = append(all, n)
			break
		}
		if len(all) == before {
			break
		}
		if poll > 2*len(batch) {
			return errors.New("polling one notification at a time does not come to an end")
		}
	}
	return comprise(all, batch)
}

func feedResumed(ctx context.Context, stage *Stage) error {
	s, feed, err := followed(ctx, stage)
	if err != nil {
		return err
	}
	var all []osprofiler.Notification
	var cursors []store.Cursor
	for n, err := range feed.Poll(ctx) {
		if err != nil {
			return err
		}
		all, cursors = append(all, n), append(cursors, feed.Cursor())
	}
	cursors = append(cursors, feed.Cursor())
	if err := feed.Close(); err != nil {
		return err
	}
	for i, cursor := range cursors {
		if i == len(cursors)/2 {
			if err := s.Close(); err != nil {
				return err
			}
			if s, err = stage.Again(ctx); err != nil {
				return err
			}
		}
		rest, _, err := follow(ctx, s, cursor)
		if err != nil {
			return err
		}
		// The cursor inside the body may be before the notification or after it.
		if err := comprise(rest, all[min(i+1, len(all)):]); err != nil {
			return fmt.Errorf("following from the cursor of notification %d, %q: %w", i, cursor, err)
		}
		if i == len(all) && len(rest) > len(all)/2 {
			return fmt.Errorf("following from the last cursor, %q, yields %d of %d notifications again", cursor, len(rest), len(all))
		}
	}
	later := events(10)
	if err := s.Write(ctx, later); err != nil {
		return err
	}
	rest, _, err := follow(ctx, s, cursors[len(cursors)-1])
	if err != nil {
		return err
	}
	if again := len(rest) - len(later); again > len(all)/2 {
		return fmt.Errorf("following from the last cursor yields %d of %d notifications again", again, len(all))
	}
	return comprise(rest, later)
}

// feedWhileWriting writes in the body of the loop over a poll, and concurrently with it.
func feedWhileWriting(ctx context.Context, stage *Stage) error {
	batch, inside, beside := events(30), events(30), events(30)
	s, err := stage.With(ctx, batch...)
	if err != nil {
		return err
	}
	feed, err := s.Feed(ctx, "")
	if err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() {
		for i := range beside {
			if err := s.Write(ctx, beside[i:i+1]); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	var all []osprofiler.Notification
	next := 0
	for n, err := range feed.Poll(ctx) {
		if err != nil {
			return err
		}
		all = append(all, n)
		if next < len(inside) {
			if err := s.Write(ctx, inside[next:next+1]); err != nil {
				return fmt.Errorf("writing inside a loop over a poll: %w", err)
			}
			next++
		}
	}
	if err := <-written; err != nil {
		return err
	}
	rest, err := collect(feed.Poll(ctx))
	if err != nil {
		return err
	}
	return comprise(append(all, rest...), slices.Concat(batch, inside[:next], beside))
}

func feedForeignCursor(ctx context.Context, stage *Stage) error {
	_, other, err := followed(ctx, stage)
	if err != nil {
		return err
	}
	others, err := cursorsOf(ctx, other)
	if err != nil {
		return err
	}
	s, feed, err := followed(ctx, stage)
	if err != nil {
		return err
	}
	own, err := cursorsOf(ctx, feed)
	if err != nil {
		return err
	}
	last := own[len(own)-1]
	foreign := []store.Cursor{"x", "0", "-1", "file:0", "99999999999999999999", "\x00", others[3], others[len(others)-1],
		last + "0", last[1:], last[:len(last)-1]}
	for _, cursor := range foreign {
		if _, _, err := follow(ctx, s, cursor); !errors.Is(err, store.ErrCursor) {
			return fmt.Errorf("the cursor %q is not one of this store, but the error is %w, want %w", cursor, err, store.ErrCursor)
		}
	}
	return nil
}

// cursorsOf polls a feed of 40 notifications and returns the cursors.
func cursorsOf(ctx context.Context, feed *store.Feed) (cursors []store.Cursor, err error) {
	for _, err := range feed.Poll(ctx) {
		if err != nil {
			return nil, err
		}
		cursors = append(cursors, feed.Cursor())
	}
	if len(cursors) < 40 {
		return nil, fmt.Errorf("a feed of a store of 40 notifications yields %d", len(cursors))
	}
	return append(slices.Clip(cursors), feed.Cursor()), nil
}

func feedEmpty(ctx context.Context, stage *Stage) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	all, cursor, err := follow(ctx, s, "")
	if err != nil {
		return err
	}
	if len(all) > 0 {
		return fmt.Errorf("the feed of an empty store yields %d notifications, of which the first is %s", len(all), all[0].JSON())
	}
	batch := events(3)
	if err := s.Write(ctx, batch); err != nil {
		return err
	}
	if all, _, err = follow(ctx, s, cursor); err != nil {
		return fmt.Errorf("following from the cursor of the empty store: %w", err)
	}
	return comprise(all, batch)
}

// feedCancelled cancels the context of one poll in the middle. The next poll continues.
func feedCancelled(ctx context.Context, stage *Stage) error {
	batch := events(500)
	s, err := stage.With(ctx, batch...)
	if err != nil {
		return err
	}
	feed, err := s.Feed(ctx, "")
	if err != nil {
		return err
	}
	polling, cancel := context.WithCancel(ctx)
	defer cancel()
	var all []osprofiler.Notification
	var last error
	for n, err := range feed.Poll(polling) {
		if last = err; err == nil {
			all = append(all, n)
		}
		cancel()
	}
	if !errors.Is(last, context.Canceled) || len(all) > 1 {
		return fmt.Errorf("after its context was cancelled a poll yielded %d more and ended with the error %v, want %v at once", len(all)-1, last, context.Canceled)
	}
	rest, err := collect(feed.Poll(ctx))
	if err != nil {
		return fmt.Errorf("the poll after a cancelled one: %w", err)
	}
	return comprise(append(all, rest...), batch)
}
