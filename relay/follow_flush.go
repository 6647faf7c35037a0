package relay

import (
	"context"
	"fmt"
)

// flush gives the targets what was read, and acknowledges what they have. It returns an error
// if the time for that is over.
func (s *sourceRun) flush() error {
	s.setFlushing(true)
	defer s.setFlushingDone()
	d := s.d
	if d.isEmpty() {
		return s.acknowledge()
	}
	ctx := s.f.work
	d.position = s.source.Position()
	if d.count > 0 {
		d.newest = d.notifications[len(d.notifications)-1].Timestamp
	}
	if err := s.bury(ctx, d); err != nil {
		return err
	}
	d.left.Store(1)
	d.finished = s.wake
	if s.f.held != nil {
		if err := s.f.held.split(ctx, d, &s.keeping); err != nil {
			return err
		}
	}
	if err := s.f.hand(d); err != nil {
		return err
	}
	if s.f.held != nil {
		s.f.held.taken(d)
	}
	if err := s.refuse(ctx, d); err != nil {
		return err
	}
	s.d = &delivery{notifications: d.notifications[:0], positions: d.positions[:0], first: d.first}
	d.notifications, d.positions, d.first = nil, nil, nil
	s.pending = append(s.pending, d)
	d.release()
	return s.acknowledge()
}

func (s *sourceRun) setFlushingDone() {
	s.waking.Lock()
	defer s.waking.Unlock()
	s.flushing = false
	s.steps.Add(1)
	if s.woken && s.interrupt != nil && len(s.pending) > 0 && s.pending[0].isFinished() {
		s.interrupt(errWoken)
	}
}

// bury writes the dead letters of a delivery to their file.
func (s *sourceRun) bury(ctx context.Context, d *delivery) error {
	if len(d.letters) == 0 {
		return nil
	}
	if err := s.writeLetters(ctx, d.letters); err != nil {
		return err
	}
	if source, ok := s.source.(disposer); ok {
		for _, p := range d.disposed {
			source.dispose(p)
		}
	}
	return nil
}

// writeLetters writes dead letters. It tries again until the file has them.
func (s *sourceRun) writeLetters(ctx context.Context, letters []letter) error {
	if len(letters) == 0 {
		return nil
	}
	return s.f.repeat(ctx, &s.keeping, "cannot go on with "+s.name, func() error {
		written, err := s.f.deadLetters.write(letters, s.f.warn)
		s.dead.Add(int64(written))
		letters = letters[written:]
		return err
	})
}

// refuse handles the notifications that targets refuse permanently. They become dead letters,
// or the source keeps them if it can.
func (s *sourceRun) refuse(ctx context.Context, d *delivery) error {
	if len(d.refusals) == 0 {
		return nil
	}
	if s.f.deadLetters != nil {
		var letters []letter
		for _, r := range d.refusals {
			if r.count == 0 {
				reason := fmt.Sprintf("%s refuses it: %v", r.target, r.reason)
				letters = append(letters, newLetter(s.name, d.positionOf(r.index), reason, []byte(r.notification.JSON())))
			}
		}
		if err := s.writeLetters(ctx, letters); err != nil {
			return err
		}
	}
	told := refusalTexts{}
	for _, r := range d.refusals {
		told.add(&r, s.leave(d.positionOf(r.index), &r))
	}
	told.each(s.name, s.f.warn)
	return nil
}

// leave makes the source keep a notification that is stored nowhere else. It returns where
// the notification is kept.
func (s *sourceRun) leave(p Position, r *refusal) (kept keptIn) {
	switch {
	case r.count > 0:
		return keptNowhere
	case s.leaver != nil && p != "":
		s.leaver.Leave(p, r.reason)
		s.refused.Add(1)
	case s.taker != nil && p != "" && s.f.deadLetters == nil:
		s.taker.leave(p)
		s.refused.Add(1)
		kept = keptInSource
	}
	if s.f.deadLetters != nil {
		kept = keptAsLetter
	}
	return kept
}

// positionOf returns the position of a notification, or the empty one.
func (d *delivery) positionOf(index int) Position {
	if index < 0 || index >= len(d.positions) {
		return ""
	}
	return d.positions[index]
}

// acknowledge acknowledges to the source the position up to which every target has
// everything. If that fails, it is tried again with the next delivery.
func (s *sourceRun) acknowledge() error {
	n, count := 0, int64(0)
	for n < len(s.pending) && s.pending[n].isFinished() {
		count += int64(s.pending[n].count)
		n++
	}
	if n == 0 {
		return nil
	}
	last := s.pending[n-1]
	if err := s.source.Acknowledge(s.f.work, last.position); err != nil {
		s.deaf = true
		s.f.fail(&s.health, "cannot acknowledge to "+s.name, err)
		return s.f.work.Err()
	}
	s.deaf = false
	if err := s.savePosition(last.position); err != nil {
		return err
	}
	for _, d := range s.pending[:n] {
		d.forget()
		if d.newest != "" {
			s.newest.Store(&d.newest)
		}
	}
	s.pending = append(s.pending[:0], s.pending[n:]...)
	s.unacknowledged.Add(-count)
	s.oldest.Store(0)
	if len(s.pending) > 0 {
		s.oldest.Store(s.pending[0].readAt.UnixNano())
	}
	return nil
}

// savePosition saves the position in the state directory. It tries again until that succeeds.
func (s *sourceRun) savePosition(p Position) error {
	if s.resumer == nil {
		return nil
	}
	return s.f.repeat(s.f.work, &s.keeping, "cannot go on with "+s.name, func() error { return s.f.state.save(s.name, p) })
}
