package main

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
	"github.com/osprofiler-otel/osprofiler/store"
)

// publishing measures the export of spans, the writing of ready notifications, and the
// publishing of the same bodies. It returns all bodies, too.
func (m *busMeasurement) publishing(ctx context.Context) (rows []busRow, bodies [][]byte, err error) {
	exportURL, exported, err := m.empty(ctx)
	if err != nil {
		return nil, nil, err
	}
	spans, err := exporter.Open(ctx, exportURL)
	if err != nil {
		return nil, nil, err
	}
	m.ends = append(m.ends, func() error { return spans.Shutdown(context.WithoutCancel(ctx)) })
	writeURL, written, err := m.empty(ctx)
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(ctx, writeURL)
	if err != nil {
		return nil, nil, err
	}
	m.ends = append(m.ends, s.Close)
	_, alone, err := m.empty(ctx)
	if err != nil {
		return nil, nil, err
	}
	var exports, writes, publishes best
	for round := range m.writeRounds {
		batches, ready := m.work(round)
		all := len(ready[0]) * m.batches
		var some [][]byte
		err := exports.each(m.batches, func(i int) error { return spans.ExportSpans(ctx, batches[i]) })
		if err == nil {
			some, err = exported.take(ctx, all)
			bodies = append(bodies, some...)
		}
		if err == nil {
			err = writes.each(m.batches, func(i int) error { return s.Write(ctx, ready[i]) })
		}
		if err == nil {
			_, err = written.take(ctx, all)
		}
		if err == nil {
			err = publishes.each(m.batches, func(i int) error {
				return alone.publish(ctx, some[i*all/m.batches:(i+1)*all/m.batches])
			})
		}
		if err == nil {
			_, err = alone.take(ctx, all)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	python, err := m.notify(ctx)
	notifications := float64(2 * m.batches * batchSize)
	row := func(work string, ours best) busRow {
		return busRow{m.name, work, ours.seconds / notifications, publishes.seconds / notifications, python, m.publishes}
	}
	return []busRow{row("export", exports), row("publish", writes)}, bodies, err
}

// work returns the batches of a round, as spans and as notifications.
func (m *busMeasurement) work(round int) (batches [][]sdktrace.ReadOnlySpan, ready [][]osprofiler.Notification) {
	const traces = batchSize / traceSize
	for i := range m.batches {
		spans := workload.Traces((round*m.batches+i)*traces, traces, traceSize)
		batches = append(batches, spans)
		ready = append(ready, convert.New().Append(nil, convert.Both, spans...))
	}
	return batches, ready
}

// notify returns the seconds of Python's driver for a notification.
func (m *busMeasurement) notify(ctx context.Context) (float64, error) {
	url, drop, err := m.fresh() // Python's driver declares its queue itself
	if err != nil {
		return 0, err
	}
	m.ends = append(m.ends, drop)
	spans := workload.Traces(0, max(1, m.busSizes.notify/2/traceSize), traceSize)
	return m.ask(ctx, "notify", map[string]any{"url": url, "notifications": convert.New().Append(nil, convert.Both, spans...)})
}
