package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// reading measures a report of one large trace, and a listing among many.
func (m *measurement) reading(ctx context.Context) ([]comparison, error) {
	report, err := m.report(ctx)
	if err != nil {
		return nil, err
	}
	list, err := m.list(ctx)
	return []comparison{report, list}, err
}

// beside times what our reader and the client library alone do, by turns.
func (m *measurement) beside(ctx context.Context, url string, ours func(*reader.Reader) error, alone func(bare) error) (us, client best, err error) {
	r, err := reader.Open(ctx, url)
	if err != nil {
		return us, client, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	b, err := m.bare(ctx, url)
	if err != nil {
		return us, client, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	for range m.rounds {
		if err := us.time(func() error { return ours(r) }); err != nil {
			return us, client, err
		}
		if err := client.time(func() error { return alone(b) }); err != nil {
			return us, client, err
		}
	}
	return us, client, nil
}

func (m *measurement) report(ctx context.Context) (c comparison, err error) {
	url, err := m.empty(ctx)
	if err != nil {
		return c, err
	}
	baseID, err := largeTrace(ctx, url, m.sizes.report)
	if err != nil {
		return c, err
	}
	ours, alone, err := m.beside(ctx, url, func(r *reader.Reader) error {
		return reported(ctx, r, baseID, m.sizes.report)
	}, func(b bare) error {
		got, err := b.fetch(ctx, baseID)
		if err == nil && got.notifications() != m.sizes.report {
			err = fmt.Errorf("of %d notifications, %d were fetched", m.sizes.report, got.notifications())
		}
		return err
	})
	if err != nil {
		return c, err
	}
	python, err := m.ask(ctx, "report", map[string]any{"url": url, "base_id": baseID, "rounds": m.pythonToo})
	return comparison{m.name, "report", ours.seconds, alone.seconds, python, false,
		fmt.Sprintf("of a trace of %d notifications; bare: %s; Python: get_report", m.sizes.report, m.fetches)}, err
}

// largeTrace writes a trace of so many notifications, the oldest first.
func largeTrace(ctx context.Context, url string, count int) (baseID string, err error) {
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

func reported(ctx context.Context, r *reader.Reader, baseID string, notifications int) error {
	report, err := r.Report(ctx, baseID)
	if err != nil {
		return err
	}
	operations := int64(0)
	for _, s := range report.Stats {
		operations += s.Count
	}
	if operations != int64(notifications/2) {
		return fmt.Errorf("of %d operations, %d are in the report", notifications/2, operations)
	}
	return nil
}

func (m *measurement) list(ctx context.Context) (c comparison, err error) {
	url, err := m.empty(ctx)
	if err != nil {
		return c, err
	}
	if err := m.fillWith(ctx, url, m.traces); err != nil {
		return c, err
	}
	ours, alone, err := m.beside(ctx, url, func(r *reader.Reader) error {
		return newest(r.Traces(ctx, store.Query{Limit: listLimit}), m.traces)
	}, func(b bare) error {
		got, err := b.list(ctx, listLimit)
		if err == nil && got != listLimit && got != 2*m.traces {
			err = fmt.Errorf("%d rows or texts were fetched", got)
		}
		return err
	})
	if err != nil {
		return c, err
	}
	python, err := m.ask(ctx, "list_traces", map[string]any{"url": url, "count": m.traces})
	return comparison{m.name, "list", ours.seconds, alone.seconds, python, false,
		fmt.Sprintf("the newest %d of %d traces; bare: %s; Python: list_traces, all", listLimit, m.traces, m.lists)}, err
}
