package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The rules in this file are about Changes.

// changer opens a store that holds two traces, and returns it as a Changer.
func changer(ctx context.Context, stage *Stage) (store.Store, store.Changer, error) {
	s, err := stage.With(ctx, append(events(20), events(20)...)...)
	if err != nil {
		return nil, nil, err
	}
	c, err := asChanger(s)
	return s, c, err
}

func changes(ctx context.Context, stage *Stage) error {
	first := events(30)
	s, err := stage.With(ctx, first...)
	if err != nil {
		return err
	}
	c, err := asChanger(s)
	if err != nil {
		return err
	}
	all, err := collect(c.Changes(ctx, ""))
	if err != nil {
		return err
	}
	if err := comprise(all, first); err != nil {
		return err
	}
	later := events(30)
	if err := s.Write(ctx, later); err != nil {
		return err
	}
	all, err = collect(c.Changes(ctx, all[len(all)-1].Cursor))
	if err != nil {
		return fmt.Errorf("going on from the last cursor: %w", err)
	}
	if err := comprise(all, later); err != nil {
		return fmt.Errorf("going on from the last cursor after more was written: %w", err)
	}
	all, err = collect(c.Changes(ctx, all[len(all)-1].Cursor))
	if err != nil {
		return fmt.Errorf("going on at the end: %w", err)
	}
	if len(all) == 60 {
		return errors.New("going on at the end yields the whole store again: following would never end")
	}
	return nil
}

func changesResumed(ctx context.Context, stage *Stage) error {
	s, c, err := changer(ctx, stage)
	if err != nil {
		return err
	}
	all, err := collect(c.Changes(ctx, ""))
	if err != nil {
		return err
	}
	for i := range all {
		if i == len(all)/2 {
			if err := s.Close(); err != nil {
				return err
			}
			if s, err = stage.Again(ctx); err != nil {
				return err
			}
			if c, err = asChanger(s); err != nil {
				return err
			}
		}
		rest, err := collect(c.Changes(ctx, all[i].Cursor))
		if err != nil {
			return fmt.Errorf("going on from cursor %d, %q: %w", i, all[i].Cursor, err)
		}
		for _, later := range all[i+1:] {
			if err := comprise(rest, []osprofiler.Notification{later.Notification}); err != nil {
				return fmt.Errorf("going on from cursor %d, %q: %w", i, all[i].Cursor, err)
			}
		}
	}
	return nil
}

func changesForeignCursor(ctx context.Context, stage *Stage) error {
	_, other, err := changer(ctx, stage)
	if err != nil {
		return err
	}
	others, err := collect(other.Changes(ctx, ""))
	if err != nil {
		return err
	}
	_, c, err := changer(ctx, stage)
	if err != nil {
		return err
	}
	own, err := collect(c.Changes(ctx, ""))
	if err != nil {
		return err
	}
	if len(own) < 40 || len(others) < 40 {
		return fmt.Errorf("two stores of 40 notifications have %d and %d changes", len(others), len(own))
	}
	foreign := []store.Cursor{"x", "0", "-1", "file:0", "99999999999999999999", "\x00", others[3].Cursor, others[len(others)-1].Cursor,
		own[3].Cursor + "0", own[3].Cursor[1:], own[3].Cursor[:len(own[3].Cursor)-1]}
	for _, cursor := range foreign {
		if _, err := collect(c.Changes(ctx, cursor)); err == nil {
			return fmt.Errorf("the cursor %q is not this store's, but no error came", cursor)
		}
	}
	return nil
}

func changesEmpty(ctx context.Context, stage *Stage) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	c, err := asChanger(s)
	if err != nil {
		return err
	}
	all, err := collect(c.Changes(ctx, ""))
	if err != nil {
		return err
	}
	if len(all) > 0 {
		return fmt.Errorf("an empty store has %d changes, of which the first is %s", len(all), all[0].JSON())
	}
	return nil
}
