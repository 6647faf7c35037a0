package relay

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A worker calls the methods of one target.
type worker struct {
	health

	f      *Follower
	name   string
	target Target
	sink   *exporterTarget // the target, or nil
	jobs   chan *delivery
	ready  bool // the target has what waited before the start
	ailing bool // the last maintenance failed

	forwarded, present, refused atomic.Int64
	unfinished                  []unfinished
	compared                    bool // the delivery before was compared
}

// An unfinished is a delivery with halves that wait in a sink without a journal.
type unfinished struct {
	input    uint64
	delivery *delivery
}

func newWorker(f *Follower, target Target, names map[string]int) *worker {
	w := &worker{f: f, name: uniqueName(target.Name(), names), target: target, jobs: make(chan *delivery)}
	failed := func(err error) { f.fail(&w.health, w.what(), err) }
	switch t := target.(type) {
	case *exporterTarget:
		w.sink = t
		t.repeat = func(ctx context.Context, try func() error) error { return f.repeat(ctx, &w.health, w.what(), try) }
	case *storeTarget:
		t.follow(failed)
	}
	return w
}

// follow makes the store retry without end what fails for a transient reason.
func (t *storeTarget) follow(failed func(error)) {
	t.retry.Elapsed = math.MaxInt64
	if t.retry.Max == 0 {
		t.retry.Max = longestPause
	}
	told := t.retry.Failed
	t.retry.Failed = func(err error) {
		if told != nil {
			told(err)
		}
		if store.IsTransient(err) { // the Follower itself notes other failures
			failed(err)
		}
	}
}

func (w *worker) what() string { return "cannot write to " + w.name }

// maintenance is how often a worker checks for halves that have waited too long.
const maintenance = 250 * time.Millisecond

// run works until ended is closed.
func (w *worker) run(ctx context.Context, ended <-chan struct{}) {
	ticker := time.NewTicker(maintenance)
	defer ticker.Stop()
	for {
		select {
		case d := <-w.jobs:
			w.take(d)
		case <-ticker.C:
			w.maintain(ctx)
		case <-ended:
			w.end()
			return
		}
	}
}

// take writes a delivery.
func (w *worker) take(d *delivery) {
	defer d.writing.Done()
	if err := w.write(w.f.work, d); err != nil {
		d.fail(fmt.Errorf("%s: %w", w.what(), err))
		return
	}
	if w.sink == nil || w.sink.journal != nil {
		d.release()
		return
	}
	w.unfinished = append(w.unfinished, unfinished{w.sink.notifier.LastInput(), d})
	w.finish()
}

// finish releases the deliveries of which no half waits any longer.
func (w *worker) finish() {
	if len(w.unfinished) == 0 {
		return
	}
	input := w.sink.notifier.FinishedInput()
	n := 0
	for n < len(w.unfinished) && w.unfinished[n].input <= input {
		w.unfinished[n].delivery.release()
		n++
	}
	w.unfinished = slices.Delete(w.unfinished, 0, n)
}

// maintain does the periodic work of a sink.
func (w *worker) maintain(ctx context.Context) {
	if w.sink == nil || ctx.Err() != nil {
		return
	}
	if err := w.prepare(ctx); err != nil {
		return
	}
	err := w.sink.maintain(ctx)
	switch {
	case err != nil && ctx.Err() == nil:
		w.f.fail(&w.health, w.what(), err)
		w.ailing = true
	case err == nil && w.ailing:
		w.works()
		w.ailing = false
	}
	w.finish()
}

// end writes to the journal of a sink which entries were acknowledged.
func (w *worker) end() {
	if w.sink != nil && w.ready {
		if err := w.sink.commit(); err != nil {
			w.f.fail(&w.health, w.what(), err)
		}
	}
}

// prepare gives a sink the halves that waited before the start.
func (w *worker) prepare(ctx context.Context) error {
	if w.ready || w.sink == nil {
		return nil
	}
	err := w.f.repeat(ctx, &w.health, w.what(), func() error { return w.sink.replay(ctx) })
	w.ready = err == nil
	return err
}

// write writes a delivery until the target has all of it or the context ends.
func (w *worker) write(ctx context.Context, d *delivery) error {
	if err := w.prepare(ctx); err != nil {
		return err
	}
	if w.sink != nil {
		return w.writeSpans(ctx, d)
	}
	lacking, err := w.lacking(ctx, d)
	if err != nil {
		return err
	}
	b := &indexed{}
	for at := 0; at < len(lacking); {
		at = b.fill(d, lacking, at)
		if err := w.writeBatch(ctx, d, b); err != nil {
			return err
		}
	}
	return nil
}

// lacking returns the indices of the notifications that the target lacks.
func (w *worker) lacking(ctx context.Context, d *delivery) ([]int, error) {
	t, ok := w.target.(comparer)
	if !ok || d.window == nil {
		w.compared = false
		return allOf(len(d.notifications)), nil
	}
	if !w.compared {
		t.begin()
	}
	w.compared = true
	has := make([]bool, len(d.first))
	err := w.f.repeat(ctx, &w.health, w.what(), func() error { return t.compare(ctx, d.window, has, w.f.warn) })
	if err != nil {
		return nil, err
	}
	lacking := make([]int, 0, len(d.first))
	for i, at := range d.first {
		if !has[i] {
			lacking = append(lacking, at)
		}
	}
	w.present.Add(int64(len(d.notifications) - len(lacking)))
	return lacking, nil
}

func allOf(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// writeSpans gives a delivery to a sink.
func (w *worker) writeSpans(ctx context.Context, d *delivery) error {
	err := w.f.repeat(ctx, &w.health, w.what(), func() error { return w.sink.take(ctx, d.notifications) })
	if err != nil {
		return err
	}
	d.noteMarked(w.sink, w.sink.takeMarked())
	refused := int64(0)
	for _, r := range w.sink.takeRefusals(d.notifications) {
		r.target = w.name
		refused += r.notifications()
		d.refuse(r)
	}
	w.refused.Add(refused)
	w.forwarded.Add(max(int64(len(d.notifications))-refused, 0))
	return nil
}

// describe returns the statistics.
func (w *worker) describe() TargetStats {
	s := TargetStats{Name: w.name, Forwarded: w.forwarded.Load(), Present: w.present.Load(), Refused: w.refused.Load()}
	if w.sink != nil {
		w.sink.describe(&s)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s.LastProgress = w.success
	s.Retried, s.Worked, s.Err, s.Since = w.retried, w.worked, w.err, w.since
	return s
}
