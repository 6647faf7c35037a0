package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// The limits of a delivery. A notification waits no longer than linger for more to arrive.
const (
	followCount, followBytes = 4_096, 8 << 20
	linger                   = 200 * time.Millisecond
)

// A sourceRun reads one source.
type sourceRun struct {
	health

	f        *Follower
	name     string
	source   Source
	taker    taker   // the source, or nil
	leaver   Leaver  // the source, or nil
	resumer  resumer // the source, or nil without a state directory
	flagged  redeliverer
	limits   windowLimits
	d        *delivery
	pending  []*delivery     // read, and not acknowledged
	deaf     bool            // the last acknowledgement failed
	doubtful int             // how many of the next notifications may have been delivered before
	keeping  health          // whether the state directory and the dead letters can be written
	kinds    map[string]bool // kinds of unreadable entries that were reported

	waking    sync.Mutex
	interrupt context.CancelCauseFunc // interrupts the Read or the pause
	woken     bool
	flushing  bool

	steps   atomic.Int64 // increases when a Read of a store or a flush begins or ends
	reading atomic.Bool  // a Read of a store is going on
	seen    int64        // steps and notifications at the last call of state

	read, skipped, foreign, dead, refused atomic.Int64
	unacknowledged                        atomic.Int64
	oldest                                atomic.Int64 // Unix nanoseconds of the oldest unacknowledged one; 0 for none
	last                                  atomic.Int64 // Unix nanoseconds of the last time that something was read; 0 for none
	newest                                atomic.Pointer[string]
}

func newSourceRun(f *Follower, source Source, names map[string]int) *sourceRun {
	s := &sourceRun{
		f: f, name: uniqueName(source.Name(), names), source: source, d: newDelivery(),
		limits: windowLimits{count: followCount, bytes: followBytes}, doubtful: followCount,
	}
	if s.taker, _ = source.(taker); s.taker != nil {
		s.limits = s.taker.limits()
	}
	s.leaver, _ = source.(Leaver)
	s.flagged, _ = source.(redeliverer)
	if r, ok := source.(resumer); ok && f.state != nil {
		s.resumer = r
	}
	if r, ok := source.(follower); ok {
		r.follow()
	}
	return s
}

// restore sets the position of the source at which an earlier relay stopped.
func (s *sourceRun) restore() error {
	if s.resumer == nil {
		return nil
	}
	p, err := s.f.state.position(s.name)
	if err == nil {
		s.resumer.resume(p)
	}
	return err
}

// errDue and errWoken stop a Read: errDue because notifications should be written, errWoken
// because something can be acknowledged now.
var errWoken = errors.New("something can be acknowledged")

// run reads until the context ends. It returns an error if the source never worked, or if
// something that was read is not in every target.
func (s *sourceRun) run(ctx context.Context) error {
	pauses := newPauses()
	for ctx.Err() == nil {
		began, before := time.Now(), s.came()
		cycle, cancel := s.cycle(ctx)
		err := s.readOnce(ctx, cycle)
		if flushErr := s.flush(); flushErr != nil {
			cancel(nil)
			return s.unfinished(flushErr)
		}
		pause := s.f.poll - time.Since(began)
		switch {
		case err != nil && ctx.Err() == nil:
			if s.isFinal(err) {
				cancel(nil)
				return fmt.Errorf("cannot read %s: %w", s.name, err)
			}
			s.failed(err)
			pause = pauses.NextBackOff()
		case s.came() > before:
			pauses, pause = newPauses(), 0
		}
		if pause > 0 && cycle.Err() == nil {
			sleep(cycle, pause)
		}
		cancel(nil)
	}
	return s.unfinished(s.acknowledge())
}

// came returns how much the source has delivered. If that number grows, there may be more. A
// bus reports an unreadable message once, so it counts. A store may report it with each Read,
// so it does not count.
func (s *sourceRun) came() int64 {
	if s.taker == nil {
		return s.read.Load()
	}
	return s.read.Load() + s.skipped.Load() + s.foreign.Load()
}

// isFinal reports whether the source never worked and never will.
func (s *sourceRun) isFinal(err error) bool {
	return !s.hasWorked() && !store.IsTransient(err) && !s.isOfCursor(err)
}

// isOfCursor reports whether an error means that the store does not know the cursor from the
// state directory.
func (s *sourceRun) isOfCursor(err error) bool {
	return s.resumer != nil && errors.Is(err, store.ErrCursor)
}

// failed notes a failure of the source. After a failure, the source may repeat notifications
// that it yielded before. A store that was recreated is read from its beginning.
func (s *sourceRun) failed(err error) {
	s.doubtful = 2 * s.limits.count
	if s.isOfCursor(err) {
		err = fmt.Errorf("%w; it is read from its beginning now", err)
		s.resumer.restart()
	}
	s.f.fail(&s.health, "cannot read "+s.name, err)
}

// cycle returns the context of one Read and of the pause after it. wake ends that context.
func (s *sourceRun) cycle(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	cycle, cancel := context.WithCancelCause(ctx)
	s.waking.Lock()
	defer s.waking.Unlock()
	s.interrupt = cancel
	if s.woken {
		cancel(errWoken)
	}
	return cycle, cancel
}

// wake is called when a delivery is finished.
func (s *sourceRun) wake() {
	s.waking.Lock()
	defer s.waking.Unlock()
	s.woken = true
	if s.interrupt != nil && !s.flushing {
		s.interrupt(errWoken)
	}
}

func (s *sourceRun) setFlushing(is bool) {
	s.waking.Lock()
	defer s.waking.Unlock()
	s.flushing = is
	s.steps.Add(1)
	if is {
		s.woken = false
	}
}

// errHeld is the reason why a source is not acknowledged although nothing failed.
var errHeld = errors.New("without a state directory, nothing keeps what waits for the other half of an operation or for the rest of a trace")

// unfinished returns the error for notifications that are not in every target at the end.
func (s *sourceRun) unfinished(err error) error {
	if err == nil && s.unacknowledged.Load() > 0 {
		if err = s.failure(); err == nil {
			err = errHeld
		}
	}
	if err == nil {
		return nil
	}
	if count := s.unacknowledged.Load(); count > 0 {
		return fmt.Errorf("%d notifications of %s were not acknowledged, and will be delivered again after the next start: %w", count, s.name, err)
	}
	return err
}
