package main

import (
	"context"
	"errors"
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// report measures the report of one large trace.
func (m *measurement) report(ctx context.Context) (c comparison, err error) {
	url, client, err := m.empty(ctx)
	if err != nil {
		return c, err
	}
	size := m.sizes.report
	baseID, err := writeLargeTrace(ctx, url, size)
	if err != nil {
		return c, err
	}
	if err := visible(ctx, client); err != nil {
		return c, err
	}
	ours, alone, err := m.beside(ctx, url, func(r *reader.Reader) error {
		return reported(ctx, r, baseID, size)
	}, func() error {
		got, err := client.fetch(ctx, baseID)
		if err != nil {
			return err
		}
		return came(got.notifications(), size)
	})
	if err != nil {
		return c, err
	}
	python, err := m.ask(ctx, "report", map[string]any{"url": url, "base_id": baseID})
	return comparison{m.name, "report", ours.seconds, alone.seconds, python, false, m.fetches}, err
}

// listings measures the listing of the newest of many traces, and of all of them.
func (m *measurement) listings(ctx context.Context) (rows []comparison, err error) {
	url, client, err := m.empty(ctx)
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, url, client, m.traces); err != nil {
		return nil, err
	}
	python, err := m.ask(ctx, "list_traces", map[string]any{"url": url, "count": m.traces})
	if err != nil {
		return nil, err
	}
	for _, kind := range []struct {
		work  string
		limit int
	}{{"list", listLimit}, {"summaries", 0}} {
		ours, alone, err := m.beside(ctx, url, func(r *reader.Reader) error {
			return isList(r.Traces(ctx, store.Query{Limit: kind.limit}), m.traces, kind.limit)
		}, func() error {
			return client.list(ctx, m.traces, kind.limit)
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows, comparison{m.name, kind.work, ours.seconds, alone.seconds, python, false, m.lists})
	}
	return rows, nil
}

// beside measures our reader and the bare client library in turns.
func (m *measurement) beside(ctx context.Context, url string, ours func(*reader.Reader) error, client func() error) (us, alone best, err error) {
	r, err := reader.Open(ctx, url)
	if err != nil {
		return us, alone, err
	}
	m.ends = append(m.ends, r.Close)
	for range m.readRounds {
		err := errors.Join(us.time(func() error { return ours(r) }), alone.time(client))
		if err != nil {
			return us, alone, err
		}
	}
	return us, alone, nil
}

// writeLargeTrace writes a trace with many notifications, the oldest first.
func writeLargeTrace(ctx context.Context, url string, count int) (baseID string, err error) {
	s, err := store.Open(ctx, url)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	batch := make([]osprofiler.Notification, 0, count)
	for _, line := range slices.Backward(workload.Lines(count)) {
		n, err := osprofiler.ParseNotification(line)
		if err != nil {
			return "", err
		}
		batch = append(batch, n)
	}
	for part := range slices.Chunk(batch, 2*batchSize) {
		if err := s.Write(ctx, part); err != nil {
			return "", err
		}
	}
	return batch[0].BaseID, nil
}

// reported checks that the report contains the whole trace.
func reported(ctx context.Context, r *reader.Reader, baseID string, notifications int) error {
	report, err := r.Report(ctx, baseID)
	if err != nil {
		return err
	}
	operations := int64(0)
	for _, s := range report.Stats {
		operations += s.Count
	}
	return came(int(operations), notifications/2)
}
