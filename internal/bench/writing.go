package main

import (
	"context"
	"errors"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A writing writes the same by three ways into three stores of one kind.
type writing struct {
	exporter sdktrace.SpanExporter
	exported bare // reads what the exporter wrote
	store    store.Store
	alone    bare
}

func (m *measurement) writing(ctx context.Context) (_ []comparison, err error) {
	w, err := m.openWriting(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close(ctx)) }()
	var exported, written, alone best
	for round := range m.rounds {
		if err := w.round(ctx, round*m.batches, m.batches, &exported, &written, &alone); err != nil {
			return nil, err
		}
	}
	python, err := m.notified(ctx)
	if err != nil {
		return nil, err
	}
	spans := float64(m.batches * batchSize)
	return []comparison{
		{m.name, "export", exported.seconds / spans, alone.seconds / spans, python, true,
			"spans/s through ExportSpans in batches of 512; bare: the same bytes, ready, by " + m.writes + "; Python: notify"},
		{m.name, "write", written.seconds / spans, alone.seconds / spans, python, true,
			"the same from ready notifications, through Store.Write"},
	}, nil
}

func (m *measurement) openWriting(ctx context.Context) (w writing, err error) {
	var urls [3]string
	for i := range urls {
		if urls[i], err = m.empty(ctx); err != nil {
			return w, err
		}
	}
	if w.exporter, err = exporter.Open(ctx, urls[0]); err != nil {
		return w, err
	}
	if w.exported, err = m.bare(ctx, urls[0]); err != nil {
		return w, err
	}
	if w.store, err = store.Open(ctx, urls[1]); err != nil {
		return w, err
	}
	w.alone, err = m.bare(ctx, urls[2])
	return w, err
}

func (w writing) close(ctx context.Context) error {
	return errors.Join(w.exporter.Shutdown(ctx), w.exported.close(), w.store.Close(), w.alone.close())
}

// round writes the batches from the first on by each way, and times them.
func (w writing) round(ctx context.Context, first, count int, exported, written, alone *best) error {
	const traces = batchSize / traceSize
	batches := make([][]sdktrace.ReadOnlySpan, count)
	ready := make([][]osprofiler.Notification, count)
	records := make([][]record, count)
	for i := range batches {
		batches[i] = workload.Traces((first+i)*traces, traces, traceSize)
		ready[i] = convert.New().Append(nil, batches[i]...)
	}
	err := exported.time(func() error {
		return each(batches, func(b []sdktrace.ReadOnlySpan) error { return w.exporter.ExportSpans(ctx, b) })
	})
	if err != nil {
		return err
	}
	if err := written.time(func() error {
		return each(ready, func(b []osprofiler.Notification) error { return w.store.Write(ctx, b) })
	}); err != nil {
		return err
	}
	for i := range records {
		if records[i], err = recordsOf(ctx, w.exported, ready[i]); err != nil {
			return err
		}
	}
	return alone.time(func() error { return each(records, func(r []record) error { return w.alone.write(ctx, r) }) })
}

func each[T any](all []T, f func(T) error) error {
	for _, one := range all {
		if err := f(one); err != nil {
			return err
		}
	}
	return nil
}

// recordsOf returns what a store holds of the traces of a batch, which must be all of it.
func recordsOf(ctx context.Context, from bare, batch []osprofiler.Notification) (records []record, err error) {
	found, last := 0, ""
	for i := range batch {
		if batch[i].BaseID == last {
			continue
		}
		last = batch[i].BaseID
		got, err := from.fetch(ctx, last)
		if err != nil {
			return nil, err
		}
		found += got.notifications()
		records = append(records, got.records()...)
	}
	if found != len(batch) {
		return nil, fmt.Errorf("of %d notifications that were exported, %d are stored", len(batch), found)
	}
	return records, nil
}
