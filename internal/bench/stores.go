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

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/bench/workload"
)

//go:embed stores.py
var storesScript string

// sizes say how much work there is.
type sizes struct {
	rounds    int // of which the best counts
	batches   int // that are exported in a round
	notify    int // notifications that Python stores
	report    int // notifications of the trace that is reported
	traces    int // among which is listed
	pythonToo int // reports that Python makes
}

var usual = sizes{rounds: 5, batches: 8, notify: 2000, report: 40_000, traces: 100_000, pythonToo: 2}

// The spans of a batch, as the SDK's batch processor has them, and of a trace.
const (
	batchSize = 512
	traceSize = 16
)

// listLimit is how many traces are listed.
const listLimit = 100

// A measurement is all that is measured of one store.
type measurement struct {
	place
	sizes
	python string
	drops  []func() error
}

// compareStores measures exporting and reading, each beside the store's client
// library alone and upstream's driver, and prints a table.
func compareStores(ctx context.Context, w io.Writer, python string, stores []place, size sizes) error {
	var all []comparison
	for _, p := range stores {
		m := &measurement{place: p, sizes: size, python: python}
		rows, err := m.run(ctx)
		if err := errors.Join(err, m.drop()); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		all = append(all, rows...)
	}
	return printStores(w, all)
}

func (m *measurement) run(ctx context.Context) ([]comparison, error) {
	writing, err := m.writing(ctx)
	if err != nil {
		return nil, err
	}
	reading, err := m.reading(ctx)
	return append(writing, reading...), err
}

// empty returns an empty store, which is given back when all is measured.
func (m *measurement) empty(ctx context.Context) (url string, err error) {
	url, drop, err := m.prepared(ctx)
	if err == nil {
		m.drops = append(m.drops, drop)
	}
	return url, err
}

func (m *measurement) drop() (err error) {
	for _, drop := range slices.Backward(m.drops) {
		err = errors.Join(err, drop())
	}
	return err
}

// ask has upstream's driver do one kind of work, and returns the seconds it took.
func (m *measurement) ask(ctx context.Context, work string, how map[string]any) (seconds float64, err error) {
	answer := map[string]float64{}
	err = askPython(ctx, m.python, storesScript, map[string]any{work: how}, &answer)
	return answer[work], err
}

// notified returns the seconds that upstream's driver takes for a span.
func (m *measurement) notified(ctx context.Context) (float64, error) {
	url, err := m.empty(ctx)
	if err != nil {
		return 0, err
	}
	spans := workload.Traces(0, max(1, m.notify/2/traceSize), traceSize)
	var notifications []osprofiler.Notification = convert.New().Append(nil, spans...)
	seconds, err := m.ask(ctx, "notify", map[string]any{"url": url, "notifications": notifications})
	return 2 * seconds, err
}

// A best is the shortest of several times.
type best struct{ seconds float64 }

// time runs the work once, with no garbage left over from before.
func (b *best) time(work func() error) error {
	runtime.GC()
	began := time.Now()
	err := work()
	if s := time.Since(began).Seconds(); b.seconds == 0 || s < b.seconds {
		b.seconds = s
	}
	return err
}
