package bridge_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// steered is an exporter. The test sends the outcome of each export, for the operation of its
// first span.
type steered struct {
	collector
	outcomes map[trace.SpanID]chan error
}

func (s *steered) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := <-s.outcomes[spans[0].SpanContext().SpanID()]; err != nil {
		return err
	}
	return s.collector.ExportSpans(ctx, spans)
}

// operationsInExport is a Notifier whose exports the test controls.
type operationsInExport struct {
	*bridge.Notifier
	exporter *steered
}

func newOperationsInExport(count int, opts ...bridge.NotifierOption) operationsInExport {
	exporter := &steered{outcomes: map[trace.SpanID]chan error{}}
	for i := range count {
		start, _ := operation(i)
		exporter.outcomes[osprofiler.SpanIDOf(start.TraceID)] = make(chan error)
	}
	opts = append(opts, bridge.WithConcurrentExports(2*count))
	return operationsInExport{bridge.NewNotifier(exporter, opts...), exporter}
}

// begin notifies the stop, which pairs with a waiting start, and returns when the operation is
// in the exporter.
func (o operationsInExport) begin(t *testing.T, i int) {
	_, stop := operation(i)
	go func() { _ = o.Notify(t.Context(), stop) }()
	synctest.Wait()
}

// end sends the outcome of the export and returns when it has been processed.
func (o operationsInExport) end(i int, outcome error) {
	start, _ := operation(i)
	o.exporter.outcomes[osprofiler.SpanIDOf(start.TraceID)] <- outcome
	synctest.Wait()
}

func (o operationsInExport) wait(t *testing.T, i int) {
	start, _ := operation(i)
	if err := o.Notify(t.Context(), start); err != nil {
		t.Error(err)
	}
}

// Flush fails for the notifications that waited when it was called and that still wait when it
// returns, and for no others.
func TestFlushFailsForItsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		during func(t *testing.T, o operationsInExport) // operations 0 and 1 are being exported
		want   string                                   // the error of Flush
	}{
		"a later one fails": {func(t *testing.T, o operationsInExport) {
			o.wait(t, 2)
			o.begin(t, 2)
			o.end(2, errStore)
			o.end(0, nil)
			o.end(1, nil)
		}, ""},
		"one fails": {func(_ *testing.T, o operationsInExport) {
			o.end(0, errStore)
			o.end(1, nil)
		}, "1 notification waits again, because another call could not export it"},
		"both fail": {func(_ *testing.T, o operationsInExport) {
			o.end(0, errStore)
			o.end(1, errStore)
		}, "2 notifications wait again, because other calls could not export them"},
		"one fails and a later one, too": {func(t *testing.T, o operationsInExport) {
			o.wait(t, 2)
			o.begin(t, 2)
			o.end(2, errStore)
			o.end(0, errStore)
			o.end(1, nil)
		}, "1 notification waits again, because another call could not export it"},
		"one fails and is exported then": {func(t *testing.T, o operationsInExport) {
			o.end(0, errStore)
			o.begin(t, 0)
			o.end(0, nil)
			o.end(1, nil)
		}, ""},
		"one fails and is being exported again": {func(t *testing.T, o operationsInExport) {
			o.end(0, errStore)
			o.begin(t, 0)
			o.end(1, nil)
			defer o.end(0, nil)
		}, "1 notification waits again, because another call could not export it"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOperationsInExport(3)
				for i := range 2 {
					o.wait(t, i)
					o.begin(t, i)
				}
				flushed := make(chan error, 1)
				go func() { flushed <- o.Flush(t.Context()) }()
				synctest.Wait()
				c.during(t, o)
				if err := <-flushed; c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
					t.Errorf("Flush returned %v, want %q", err, c.want)
				}
				for _, outcomes := range o.exporter.outcomes {
					close(outcomes)
				}
				if err := errors.Join(o.Flush(t.Context()), o.Shutdown(t.Context())); err != nil {
					t.Error(err)
				}
				checkStats(t, o.Stats())
			})
		})
	}
}

// Flush exports a half whose export failed before Flush began.
func TestFlushExportsTheHalfOfAnEarlierFailure(t *testing.T) {
	n, exporter := newNotifier(t)
	start, stop := operation(1)
	if err := n.Notify(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	exporter.failing(errStore)
	if err := n.Notify(t.Context(), stop); !errors.Is(err, errStore) {
		t.Fatal(err)
	}
	exporter.working()
	if err := n.Flush(t.Context()); err != nil || len(exporter.all()) != 1 || n.Stats().Waiting != 0 {
		t.Errorf("%v, %d spans: %+v", err, len(exporter.all()), n.Stats())
	}
}

// panicking is a processor that waits in its first OnEnd and then panics.
type panicking struct {
	sdktrace.SpanProcessor
	first   chan struct{}
	ends    int
	flushes int
}

func (p *panicking) OnEnd(sdktrace.ReadOnlySpan) {
	if p.ends++; p.ends == 1 {
		<-p.first
		panic(errStore)
	}
}

var errProcessor = errors.New("the processor cannot flush")

func (p *panicking) ForceFlush(context.Context) error {
	p.flushes++
	return errProcessor
}

// Flush also flushes the processor when another call's export failed.
func TestFlushFlushesTheProcessorAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &panicking{first: make(chan struct{})}
		n := bridge.NewProcessorNotifier(p)
		start, stop := operation(1)
		if err := n.Notify(t.Context(), start); err != nil {
			t.Fatal(err)
		}
		go func() {
			defer func() { _ = recover() }() // as an HTTP server does
			_ = n.Notify(t.Context(), stop)
		}()
		synctest.Wait()
		flushed := make(chan error, 1)
		go func() { flushed <- n.Flush(t.Context()) }()
		synctest.Wait()
		close(p.first)
		err := <-flushed
		if !errors.Is(err, errProcessor) || !strings.Contains(err.Error(), "1 notification waits again") || p.flushes != 1 {
			t.Errorf("Flush returned %v and flushed the processor %d times", err, p.flushes)
		}
		if err := n.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
