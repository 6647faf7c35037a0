package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The rules in this file are about writing and reading one trace.

func order(ctx context.Context, stage *Stage) error {
	want := events(300)
	slices.Reverse(want[100:200]) // neither ordered by time nor reversed
	s, err := stage.With(ctx, want[:270]...)
	if err != nil {
		return err
	}
	for _, n := range want[270:] {
		if err := s.Write(ctx, []osprofiler.Notification{n}); err != nil {
			return err
		}
	}
	got, err := read(ctx, s, baseID(want))
	if err != nil {
		return err
	}
	if stage.harness.Order != nil {
		stage.harness.Order(want)
	}
	if err := sameSet(got, want); err != nil {
		return err
	}
	for i := range want {
		if !got[i].Equal(want[i]) {
			return fmt.Errorf("notification %d is\n  %s\nwant\n  %s", i, got[i].JSON(), want[i].JSON())
		}
	}
	return nil
}

func once(ctx context.Context, stage *Stage) error {
	batch, err := parseAll(
		`{"name": "x-start", "base_id": "BASE", "trace_id": "T", "parent_id": "BASE", "timestamp": "2024-05-06T07:08:09.000010", "info": {"a": 1, "b": {"c": 2, "d": NaN}}, "project": "p", "service": "s"}`,
		`{"service": "s", "project": "p", "info": {"b": {"d": NaN, "c": 2}, "a": 1}, "timestamp": "2024-05-06T07:08:09.000010", "parent_id": "BASE", "trace_id": "T", "base_id": "BASE", "name": "\u0078-start"}`,
		`{"name": "x-start", "base_id": "BASE", "trace_id": "T", "parent_id": "BASE", "timestamp": "2024-05-06T07:08:09.000010", "info": {"a": 1.0, "b": {"c": 2, "d": NaN}}, "project": "p", "service": "s"}`,
		`{"name": "x-start", "base_id": "BASE", "trace_id": "T", "parent_id": "BASE", "timestamp": "2024-05-06T07:08:09.000010", "info": {"a": 1, "b": {"c": 2, "d": NaN}}, "project": "p", "service": null}`,
	)
	if err != nil {
		return err
	}
	s, err := stage.With(ctx, batch...)
	if err != nil {
		return err
	}
	return holds(ctx, s, []osprofiler.Notification{batch[0], batch[2], batch[3]}) // the second equals the first
}

func sameBatchTwice(ctx context.Context, stage *Stage) error {
	batch, err := traceA()
	if err != nil {
		return err
	}
	s, err := stage.With(ctx, batch[:5]...)
	if err != nil {
		return err
	}
	for range 2 {
		if err := s.Write(ctx, batch); err != nil {
			return fmt.Errorf("writing again: %w", err)
		}
	}
	if err := holds(ctx, s, batch); err != nil {
		return err
	}
	return lists(ctx, s, store.Query{}, tracesOf(batch)...)
}

func emptyBatch(ctx context.Context, stage *Stage) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	for _, batch := range [][]osprofiler.Notification{nil, {}} {
		if err := s.Write(ctx, batch); err != nil {
			return fmt.Errorf("writing an empty batch: %w", err)
		}
	}
	return lists(ctx, s, store.Query{})
}

func batchNotKept(ctx context.Context, stage *Stage) error {
	batch := events(20)
	want := slices.Clone(batch)
	s, err := stage.With(ctx, batch...)
	if err != nil {
		return err
	}
	for i := range batch {
		batch[i] = event(baseID(batch), 1000+i)
	}
	return holds(ctx, s, want)
}

func invalidInfo(ctx context.Context, stage *Stage) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	for _, info := range []osprofiler.Info{`{`, `[1]`, `null`, `"text"`, `{"a": 1} x`, "{\"a\":\n1}", `{"a": 1,}`, `{'a': 1}`} {
		batch := events(3)
		batch[1].Info = info
		if err := s.Write(ctx, batch); err == nil {
			return fmt.Errorf("a batch with the info %q was taken", info)
		} else if writeError := (*store.WriteError)(nil); errors.As(err, &writeError) && writeError.Transient {
			return fmt.Errorf("a batch with the info %q is a transient error, which trying again cannot help: %w", info, err)
		}
		if err := missing(ctx, s, baseID(batch)); err != nil {
			return fmt.Errorf("after a batch with the info %q: %w", info, err)
		}
	}
	good := events(2)
	if err := s.Write(ctx, good); err != nil {
		return fmt.Errorf("writing after refused batches: %w", err)
	}
	return holds(ctx, s, good)
}

func unknownTrace(ctx context.Context, stage *Stage) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	if err := missing(ctx, s, osprofiler.NewID()); err != nil {
		return fmt.Errorf("in an empty store: %w", err)
	}
	if err := s.Write(ctx, events(3)); err != nil {
		return err
	}
	for _, id := range []string{osprofiler.NewID(), "", "*", "\x00", "\xff"} {
		if err := missing(ctx, s, id); err != nil {
			return err
		}
	}
	return nil
}

func idsAsText(ctx context.Context, stage *Stage) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	var all []osprofiler.Notification
	ids := []string{
		"abc", "abcd", "ab", "ABC", "aBc", "abc ", " abc", "abc\t", "a?c", "a*", "[a]bc", "a_c", "a%", "abc:", "abc_T", "abc*",
		"E000000a-0000-4000-8000-000000000001", "e000000a-0000-4000-8000-000000000001", "e000000a000040008000000000000001",
		"e000000a-0000-4000-8000", "{e000000a-0000-4000-8000-000000000001}", "5", "05", "5.0", "e\u0301", "é", "e", "ß", "ss", "ı", "i",
	}
	for i, id := range ids {
		all = append(all, event(id, i))
	}
	return apart(ctx, s, all)
}
