package faults

import (
	"context"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/store"
)

// patience is for a machine that is busy with other tests.
const patience = 3 * time.Minute

const exporters = 4

// An Export is the way of all spans of a round into a store.
type Export struct {
	Store store.Store
	Spans int           // how many; 0: 20,000
	Round int           // of those in one store each has a number, and thereby traces, of its own
	Retry store.Retry   // the zero Retry stands for one that is patient
	Limit time.Duration // of each batch, by its context; 0: long enough
	Rest  time.Duration // of an exporter after a batch that was lost
}

// Run exports the spans by four exporters at once. When a quarter of them has
// been handed out, trouble is made, while the rest is exported. Run comes to an
// end whatever happens.
func (e Export) Run(t *testing.T, trouble func(*Progress)) *Tally {
	t.Helper()
	if e.Spans == 0 {
		e.Spans = usualSpans
	}
	if e.Retry == (store.Retry{}) {
		e.Retry.Elapsed = patience
	}
	if e.Limit == 0 {
		e.Limit = patience
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	result := e.start(ctx, t)
	p := result.progress
	defer func() { // also where trouble ends the test
		cancel()
		<-p.over
	}()
	<-p.begun
	trouble(p)
	<-p.over
	return result
}

// start has the exporters begin.
func (e Export) start(ctx context.Context, t *testing.T) *Tally {
	p := &Progress{Store: e.Store, begun: make(chan struct{}), over: make(chan struct{}), reasons: map[string]int{}}
	result := &Tally{spans: e.Spans, round: e.Round, progress: p, acknowledged: map[int]bool{}, lost: map[int]bool{}}
	batches := make(chan int)
	var group sync.WaitGroup
	for range exporters {
		group.Go(func() { e.export(ctx, t, p, batches, result) })
	}
	go func() {
		defer close(p.over)
		for first := 0; first < e.Spans; first += batchSpans {
			if first == e.Spans/4 {
				close(p.begun)
			}
			batches <- first
		}
		close(batches)
		group.Wait()
	}()
	return result
}

func (e Export) export(ctx context.Context, t *testing.T, p *Progress, batches <-chan int, result *Tally) {
	exp := exporter.New(p, exporter.WithRetry(e.Retry), exporter.WithHost("h"))
	for first := range batches {
		err := exportWithin(ctx, e.Limit, exp, batch(e.Round, first))
		result.note(t, first, err)
		if err != nil {
			time.Sleep(e.Rest)
		}
	}
}

func exportWithin(ctx context.Context, limit time.Duration, exp *exporter.Exporter, spans []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return exp.ExportSpans(ctx, spans)
}
