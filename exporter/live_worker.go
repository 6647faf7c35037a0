package exporter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// work is the worker: it writes what the queue holds until that is closed and
// empty, and then closes a store of its own. The last summary comes after it is
// done, since the error handler may take any time for it.
func (p *LiveProcessor) work() {
	defer close(p.reported)
	defer p.report.now()
	defer close(p.done)
	defer p.cancel()
	delay := time.NewTimer(p.cfg.batchDelay)
	defer delay.Stop()
	batch := make([]osprofiler.Notification, 0, p.cfg.batchSize)
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

// await waits until a batch is to be written; false: there are no more.
func (p *LiveProcessor) await(delay *time.Timer) bool {
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
				delay.Reset(p.cfg.batchDelay)
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

// batchOf tells how many of the entries make the next batch, at least one.
func (p *LiveProcessor) batchOf(entries []entry) (n int) {
	count := 0
	for n < len(entries) && (n == 0 || count+entries[n].notifications() <= p.cfg.batchSize) {
		count += entries[n].notifications()
		n++
	}
	return n
}

// write writes one batch of entries, in the memory of batch, and settles them.
func (p *LiveProcessor) write(entries []entry, batch []osprofiler.Notification) {
	if p.giveUp.Err() != nil {
		p.queue.drops(entries)
		return
	}
	for i := range entries {
		batch = p.convert(batch, &entries[i])
	}
	ctx, cancel := context.WithTimeoutCause(p.giveUp, p.cfg.writeTimeout, errWriteTimeout)
	defer cancel()
	err := p.retry.Write(ctx, p.store, batch)
	if err != nil {
		p.report.because(err)
		defer p.report.schedule()
	}
	p.queue.settle(entries, missingOf(batch, err), err)
	clear(batch)
}

var errWriteTimeout = errors.New("the time for writing one batch is over")

func (p *LiveProcessor) convert(dst []osprofiler.Notification, e *entry) []osprofiler.Notification {
	one := p.conv.StartOf
	switch {
	case e.starts > 0 && e.stops > 0:
		return p.conv.Append(dst, e.span)
	case e.stops > 0:
		one = p.conv.StopOf
	}
	if n, ok := one(e.span); ok {
		dst = append(dst, n)
	}
	return dst
}

// missingOf returns the indices of the notifications that are not known to be
// stored, in order: err is of [store.Retry].
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
