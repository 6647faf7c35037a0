package table

import (
	"context"
	"errors"
)

// verify reads the rows that may be the first failures of traces.
func (l *listing) verify(ctx context.Context, traces []*trace) error {
	candidates := map[int64]*trace{}
	for _, t := range traces {
		if t.failure.id != 0 && !t.failed {
			candidates[t.failure.id] = t
		}
	}
	var others []*trace
	for r, err := range each(l.pagesOf(ctx, sorted(candidates), l.dialect.Text(), firstRows)) {
		if err != nil {
			return err
		}
		t := candidates[r.id]
		n, err := decode(r)
		if err != nil && l.q.Failed {
			l.damages = append(l.damages, l.damage(r, false, err))
		}
		if t.failed = err == nil && n.Info.Failed(); t.failed {
			t.failedAt = n.Timestamp
		} else {
			others = append(others, t)
		}
	}
	for _, t := range others {
		if err := l.search(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// search looks for the first failure in all rows of a trace that may be one.
func (l *listing) search(ctx context.Context, t *trace) error {
	t.failure = stamp{}
	where, args := inTraces([]string{t.baseID})
	where = "id <= ? AND " + where + " AND " + l.dialect.Contains(failureWord)
	for r, err := range each(l.pagesBehind(ctx, 0, where, append([]any{l.upTo}, args...)...)) {
		if errors.Is(err, errNoTable) {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := decode(r)
		if err != nil || !n.Info.Failed() || r.columns[colBaseID].String != t.baseID {
			continue
		}
		timestamp := r.columns[colTimestamp]
		if at := (stamp{timestamp.Valid, timestamp.String, r.id}); !t.failed || at.isBefore(t.failure) {
			t.failed, t.failure, t.failedAt = true, at, n.Timestamp
		}
	}
	return nil
}
