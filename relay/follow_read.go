package relay

import (
	"context"
	"errors"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// readOnce reads until the source has no more for now. A bus is read only until the first
// notification has waited for linger.
func (s *sourceRun) readOnce(ctx, cycle context.Context) error {
	timed, cancel := context.WithCancelCause(cycle)
	defer cancel(nil)
	var due *time.Timer
	defer func() {
		if due != nil {
			due.Stop()
		}
	}()
	s.setReading(true)
	defer s.setReading(false)
	for n, err := range s.source.Read(timed) {
		if store.Ends(err) {
			if cause := context.Cause(timed); ctx.Err() != nil || errors.Is(cause, errDue) || errors.Is(cause, errWoken) {
				return nil
			}
			return err
		}
		s.take(n, err)
		if s.taker != nil && due == nil {
			due = time.AfterFunc(linger, func() { cancel(errDue) })
		}
		if s.isDue() {
			if err := s.flush(); err != nil {
				return nil // the next flush fails as well
			}
			if ctx.Err() != nil {
				return nil
			}
		}
	}
	if cycle.Err() == nil && !s.deaf {
		s.works()
	}
	return nil
}

// take takes a notification, or the error for a skipped entry.
func (s *sourceRun) take(n osprofiler.Notification, err error) {
	if s.d.isEmpty() {
		s.d.readAt = time.Now()
		s.last.Store(s.d.readAt.UnixNano())
	}
	if err != nil {
		s.skip(err)
		return
	}
	s.f.redact(&n)
	s.d.add(n)
	if s.d.count++; s.d.count == 1 {
		s.oldest.CompareAndSwap(0, s.d.readAt.UnixNano())
		if !s.deaf {
			s.works()
		}
	}
	s.read.Add(1)
	s.unacknowledged.Add(1)
	if s.taker != nil || s.leaver != nil {
		s.d.positions = append(s.d.positions, s.source.Position())
	}
	s.doubt()
}

// doubt notes whether the last notification may have been delivered before.
func (s *sourceRun) doubt() {
	if s.doubtful > 0 {
		s.doubtful--
		s.d.repeated = true
	}
	if s.d.repeated || s.taker == nil {
		return
	}
	is, known := false, false
	if s.flagged != nil {
		is, known = s.flagged.redelivered()
	}
	s.d.repeated = is || !known
}

// isDue reports whether what was read should be handed on now.
func (s *sourceRun) isDue() bool {
	d := s.d
	if d.count >= s.limits.count || d.bytes >= s.limits.bytes || len(d.letters) >= s.limits.count {
		return true
	}
	const look = 64
	return s.taker == nil && d.count%look == 0 && d.count > 0 && time.Since(d.readAt) >= linger
}
