package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/store"
)

// work is the worker. It writes batches from the queue until the queue is closed
// and empty. Then it closes a store that Open opened. The last summary is sent
// after done is closed, because the error handler may take any time.
func (p *Processor) work() {
	defer close(p.reported)
	defer p.report.now()
	defer close(p.done)
	defer p.cancel(nil)
	delay := time.NewTimer(p.limits.batchDelay)
	defer delay.Stop()
	batch := make([]osprofiler.Notification, 0, p.limits.batchSize)
	for p.await(delay) {
		p.queue.admit()
		taken := p.queue.take()
		for rest := taken; len(rest) > 0; {
			n := p.batchOf(rest)
			p.write(rest[:n], batch)
			rest = rest[n:]
			p.queue.admit() // the write has made room
		}
		p.queue.giveBack(taken)
	}
	if p.owned {
		p.closeErr = p.store.Close()
	}
	if p.closeErr != nil && p.giveUp.Err() != nil { // Shutdown has returned
		go otel.Handle(fmt.Errorf("the live processor cannot close its store: %w", p.closeErr))
	}
}

// await waits until a batch is to be written. It returns false if there will be
// no more batches.
func (p *Processor) await(delay *time.Timer) bool {
	var over <-chan time.Time
	for {
		switch p.queue.state() {
		case ended:
			return false
		case ready:
			return true
		case empty:
			over = nil
		case filling:
			if over == nil {
				delay.Reset(p.limits.batchDelay)
				over = delay.C
			}
		}
		select {
		case <-p.queue.wake:
		case <-over:
			return true
		}
	}
}

// batchOf returns the number of entries in the next batch, at least one.
func (p *Processor) batchOf(entries []entry) (n int) {
	count := 0
	for n < len(entries) && (n == 0 || count+entries[n].notifications() <= p.limits.batchSize) {
		count += entries[n].notifications()
		n++
	}
	return n
}

// write writes one batch of entries and settles them. It converts the entries
// to notifications in the memory of batch.
func (p *Processor) write(entries []entry, batch []osprofiler.Notification) {
	if p.giveUp.Err() != nil {
		p.queue.dropEntries(entries)
		return
	}
	for i := range entries {
		batch = p.convert(batch, &entries[i])
	}
	ctx, cancel := context.WithTimeoutCause(p.giveUp, p.limits.writeTimeout, timeout{})
	defer cancel()
	p.progress.begin()
	err := p.retry.Write(ctx, p.store, batch)
	p.progress.end()
	if err != nil {
		p.report.setCause(err)
		defer p.report.schedule()
	}
	p.queue.settle(entries, missingOf(batch, err), err)
	clear(batch)
}

func (p *Processor) convert(dst []osprofiler.Notification, e *entry) []osprofiler.Notification {
	var halves convert.Halves
	if e.starts > 0 {
		halves |= convert.Starts
	}
	if e.stops > 0 {
		halves |= convert.Stops
	}
	return p.converter.Append(dst, halves, e.span)
}

// missingOf returns the indices of the notifications that may not be stored, in
// order. err is what [store.Retry] returned.
func missingOf(batch []osprofiler.Notification, err error) []int {
	if err == nil {
		return nil
	}
	var partial *store.WriteError
	if errors.As(err, &partial) && len(partial.Missing) > 0 {
		return partial.Missing
	}
	all := make([]int, len(batch))
	for i := range all {
		all[i] = i
	}
	return all
}
