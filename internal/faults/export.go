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

// patience is long, because the machine may be busy with other tests.
const patience = 3 * time.Minute

const exporters = 4

// An Export describes the export of the spans of one test into a store.
type Export struct {
	Store *store.Store
	Spans int           // number of spans; 0: 10,000, or 20,000 with testenv.Soak
	Round int           // number of this export; the exports into one store need different ones, because the trace ids depend on it
	Retry store.Retry   // the zero Retry stands for three minutes of retries
	Limit time.Duration // timeout of each batch; 0: three minutes
	Rest  time.Duration // pause of an exporter after a lost batch
	Hold  bool          // whether the other spans wait until cause calls Progress.Resume
}

// Run exports the spans with four concurrent exporters. It calls cause when a
// quarter of the spans has been handed out. cause makes the server fail while the
// other spans are exported. Run ends in any case.
func (e Export) Run(t *testing.T, cause func(*Progress)) *Tally {
	t.Helper()
	if e.Spans == 0 {
		e.Spans = usualSpans()
	}
	if e.Retry.Elapsed == 0 {
		e.Retry.Elapsed = patience
	}
	if e.Limit == 0 {
		e.Limit = patience
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	result := e.start(ctx, t)
	p := result.progress
	defer func() { // cause may end the test
		cancel()
		<-p.over
	}()
	<-p.begun
	cause(p)
	<-p.over
	return result
}

// start starts the exporters.
func (e Export) start(ctx context.Context, t *testing.T) *Tally {
	h := &history{}
	t.Cleanup(func() { h.keepIfFailed(t) })
	p := &Progress{begun: make(chan struct{}), over: make(chan struct{}), resume: make(chan struct{}, 1), reasons: map[string]int{}, history: h}
	result := &Tally{spans: e.Spans, round: e.Round, progress: p, history: h, acknowledged: map[int]bool{}, lost: map[int]bool{}}
	batches := make(chan int)
	var group sync.WaitGroup
	for range exporters {
		group.Go(func() { e.export(ctx, t, p, batches, result) })
	}
	go func() {
		defer close(p.over)
		for first := 0; first < e.Spans; first += batchSpans {
			if first == e.Spans/4/batchSpans*batchSpans {
				close(p.begun)
				if e.Hold {
					select {
					case <-p.resume:
					case <-ctx.Done():
					}
				}
			}
			batches <- first
		}
		close(batches)
		group.Wait()
	}()
	return result
}

func (e Export) export(ctx context.Context, t *testing.T, p *Progress, batches <-chan int, result *Tally) {
	exp := exporter.New(p.watch(e.Store), exporter.WithRetry(e.Retry), exporter.WithHost("h"))
	for first := range batches {
		result.history.note(event{What: "handed out", First: first})
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
