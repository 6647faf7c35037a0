package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

//go:embed stores.py
var storesScript string

// sizes are the amounts of work.
type sizes struct {
	writeRounds, batches int // rounds of writing, and batches of each round
	notify               int // notifications that Python writes
	report               int // notifications of the trace to report on
	traces               int // traces in the store that is listed
	readRounds           int // rounds of reading
}

var usual = sizes{writeRounds: 20, batches: 2, notify: 2000, report: 40_000, traces: 100_000, readRounds: 5}

// bound returns the sizes, each reduced to the same size of most unless that is 0.
func (s sizes) bound(most sizes) sizes {
	bound := func(size *int, most int) {
		if most > 0 {
			*size = min(*size, most)
		}
	}
	bound(&s.writeRounds, most.writeRounds)
	bound(&s.batches, most.batches)
	bound(&s.notify, most.notify)
	bound(&s.report, most.report)
	bound(&s.traces, most.traces)
	bound(&s.readRounds, most.readRounds)
	return s
}

// The number of spans of a batch, which is the default of the SDK's batch processor, and
// the number of spans of a trace.
const (
	batchSize = 512
	traceSize = 16
)

// listLimit is the number of traces that are listed.
const listLimit = 100

// A measurement measures one store.
type measurement struct {
	subject
	sizes
	python string
	ends   []func() error // close calls these, the last first
}

// compareStores measures exporting and reading, compares with the bare client library
// of the store and with Python's driver, and prints a table.
func compareStores(ctx context.Context, w io.Writer, python string, stores []subject, size sizes) error {
	var all []comparison
	for _, p := range stores {
		m := &measurement{subject: p, sizes: size.bound(p.most), python: python}
		rows, err := m.run(ctx)
		if err := errors.Join(err, m.close()); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		all = append(all, rows...)
	}
	return printStores(w, all, stores, size)
}

func (m *measurement) run(ctx context.Context) ([]comparison, error) {
	rows, err := m.writing(ctx)
	if err != nil {
		return nil, err
	}
	report, err := m.report(ctx)
	if err != nil {
		return nil, err
	}
	lists, err := m.listings(ctx)
	return append(append(rows, report), lists...), err
}

func (m *measurement) close() (err error) {
	for _, end := range slices.Backward(m.ends) {
		err = errors.Join(err, end())
	}
	return err
}

// empty returns an empty store and its bare client library. close drops the store.
func (m *measurement) empty(ctx context.Context) (url string, client bare, err error) {
	url, drop, err := m.prepared(ctx)
	if err != nil {
		return "", nil, err
	}
	m.ends = append(m.ends, drop)
	if client, err = m.bare(ctx, url); err != nil {
		return "", nil, err
	}
	m.ends = append(m.ends, client.close)
	return url, client, nil
}

// ask runs one kind of work with Python's driver, and returns the seconds, which are
// 0 if the driver does not do the work.
func (m *measurement) ask(ctx context.Context, work string, how map[string]any) (seconds float64, err error) {
	if _, lacks := m.lacks[work]; lacks {
		return 0, nil
	}
	answer := map[string]float64{}
	err = askPython(ctx, m.python, storesScript, map[string]any{work: how}, &answer)
	return answer[work], err
}

// A best is the shortest of several times.
type best struct{ seconds float64 }

// time runs the work once, after a garbage collection, and keeps the shortest time.
func (b *best) time(work func() error) error {
	runtime.GC()
	began := time.Now()
	err := work()
	if s := time.Since(began).Seconds(); b.seconds == 0 || s < b.seconds {
		b.seconds = s
	}
	return err
}

// each measures count calls of work together.
func (b *best) each(count int, work func(i int) error) error {
	return b.time(func() error {
		for i := range count {
			if err := work(i); err != nil {
				return err
			}
		}
		return nil
	})
}
