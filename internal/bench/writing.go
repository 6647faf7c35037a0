package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A writing writes the same spans in three ways, each to a store of its own.
type writing struct {
	exporter sdktrace.SpanExporter
	exported bare // reads what the exporter wrote
	store    *store.Store
	alone    bare
	times    struct{ export, write, alone best }
}

// writing measures the export of spans, the writing of ready notifications by our
// store, and the writing of the same records by the bare client library.
func (m *measurement) writing(ctx context.Context) ([]comparison, error) {
	w, err := m.openWriting(ctx)
	if err != nil {
		return nil, err
	}
	for round := range m.writeRounds {
		if err := w.round(ctx, round*m.batches, m.batches); err != nil {
			return nil, err
		}
	}
	python, err := m.notify(ctx)
	if err != nil {
		return nil, err
	}
	spans := float64(m.batches * batchSize)
	row := func(work string, ours best) comparison {
		return comparison{m.name, work, ours.seconds / spans, w.times.alone.seconds / spans, python, true, m.writes}
	}
	return []comparison{row("export", w.times.export), row("write", w.times.write)}, nil
}

func (m *measurement) openWriting(ctx context.Context) (*writing, error) {
	w := &writing{}
	exported, client, err := m.empty(ctx)
	if err != nil {
		return nil, err
	}
	w.exported = client
	if w.exporter, err = exporter.Open(ctx, exported); err != nil {
		return nil, err
	}
	m.ends = append(m.ends, func() error { return w.exporter.Shutdown(context.WithoutCancel(ctx)) })
	written, _, err := m.empty(ctx)
	if err != nil {
		return nil, err
	}
	if w.store, err = store.Open(ctx, written); err != nil {
		return nil, err
	}
	m.ends = append(m.ends, w.store.Close)
	_, w.alone, err = m.empty(ctx)
	return w, err
}

// round writes count batches in each way.
func (w *writing) round(ctx context.Context, first, count int) (err error) {
	const traces = batchSize / traceSize
	batches := make([][]sdktrace.ReadOnlySpan, count)
	ready := make([][]osprofiler.Notification, count)
	stored := make([][]record, count)
	for i := range batches {
		batches[i] = workload.Traces((first+i)*traces, traces, traceSize)
		ready[i] = convert.New().Append(nil, convert.Both, batches[i]...)
	}
	if err := w.times.export.each(count, func(i int) error { return w.exporter.ExportSpans(ctx, batches[i]) }); err != nil {
		return err
	}
	if err := w.times.write.each(count, func(i int) error { return w.store.Write(ctx, ready[i]) }); err != nil {
		return err
	}
	for i := range stored {
		if stored[i], err = recordsOf(ctx, w.exported, ready[i]); err != nil {
			return err
		}
	}
	if err := w.times.alone.each(count, func(i int) error { return w.alone.write(ctx, stored[i]) }); err != nil {
		return err
	}
	again, err := recordsOf(ctx, w.alone, ready[0])
	if err == nil && !sameRecords(again, stored[0]) {
		err = errors.New("the client library alone did not write the same bytes")
	}
	return err
}

// sameRecords reports whether a and b have the same records in any order.
func sameRecords(a, b []record) bool {
	texts := func(records []record) (all []string) {
		for _, r := range records {
			all = append(all, fmt.Sprintf("%q", r))
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(texts(a), texts(b))
}

// recordsOf returns the stored records of the traces of a batch. It returns an error unless
// the whole batch is stored.
func recordsOf(ctx context.Context, from bare, batch []osprofiler.Notification) (records []record, err error) {
	if err := visible(ctx, from); err != nil {
		return nil, err
	}
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
	return records, came(found, len(batch))
}

// notify returns the seconds of Python's driver for a span.
func (m *measurement) notify(ctx context.Context) (float64, error) {
	url, drop, err := m.fresh() // Python's driver creates its table itself
	if err != nil {
		return 0, err
	}
	m.ends = append(m.ends, drop)
	spans := workload.Traces(0, max(1, m.sizes.notify/2/traceSize), traceSize)
	seconds, err := m.ask(ctx, "notify", map[string]any{"url": url, "notifications": convert.New().Append(nil, convert.Both, spans...)})
	return 2 * seconds, err
}
