package relay

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// The kinds of entries in the journal of a sink.
const (
	waitingEntry = 'w' // a half that waits
	lateEntry    = 'l' // a half that was exported alone
)

// A journaling keeps in a journal the halves that wait in a sink.
//
// An entry is written before its half is acknowledged to the source. It stays until the other
// half was exported and acknowledged, too: the entry is marked when the operation was
// exported, and removed after the acknowledgement. So a relay that is killed in between knows
// at its next start that the operation was exported. When the other half is delivered again,
// the relay does not take it for an operation that lacks its start.
type journaling struct {
	journal  *journal // nil without a state directory
	replayed []entry  // read from the journal at the start
	entries  map[uint64]uint64
	upTo     uint64 // the notification up to which halves are in the journal
	expiring bool   // halves are exported because of their age
	marked   []uint64

	mu        sync.Mutex
	forgotten []uint64
}

// open opens the journal.
func (t *exporterTarget) open(s *State, name string, warning func(error)) (err error) {
	if t.journal != nil {
		return fmt.Errorf("the target %s is followed already", name)
	}
	t.entries = map[uint64]uint64{}
	t.journal, t.replayed, err = s.waiting(name, warning)
	return err
}

// replay gives the Notifier the halves that waited before the start.
func (t *exporterTarget) replay(ctx context.Context) error {
	if t.journal == nil || t.replayed == nil {
		return nil
	}
	var waiting []osprofiler.Notification
	t.upTo, _ = t.notifier.Waiting(0)
	clear(t.entries)
	for _, e := range t.replayed {
		n, err := osprofiler.ParseNotification(e.text)
		switch {
		case err != nil:
			t.journal.remove(e.id)
		case e.kind == waitingEntry && !e.marked:
			waiting = append(waiting, n)
			t.entries[t.upTo+uint64(len(waiting))] = e.id
		default:
			for _, dropped := range t.late.add(&lateHalf{notification: n, since: time.Now(), entry: e.id}) {
				t.removeLate(dropped)
			}
		}
	}
	if err := t.notifier.Notify(ctx, waiting...); err != nil && (ctx.Err() != nil || !t.refuseInvalid(waiting)) {
		return err
	}
	t.removeUnused()
	t.replayed = nil
	return t.commit()
}

// removeUnused removes the entries of halves that do not wait after a replay, because these
// halves were in the journal twice.
func (t *exporterTarget) removeUnused() {
	unused := make(map[uint64]uint64, len(t.entries))
	for number, id := range t.entries {
		unused[number] = id
	}
	upTo, waiting := t.notifier.Waiting(t.upTo)
	for number := range waiting {
		delete(unused, number)
	}
	t.upTo = upTo
	for number, id := range unused {
		delete(t.entries, number)
		t.journal.remove(id)
	}
}

// release is called when a half that waited was exported. It marks or removes the entry.
func (t *exporterTarget) release(number uint64) {
	if t.journal == nil {
		return
	}
	id, ok := t.entries[number]
	if !ok {
		return
	}
	delete(t.entries, number)
	if t.expiring {
		t.journal.remove(id)
		return
	}
	t.journal.mark(id)
	t.marked = append(t.marked, id)
}

// commit adds to the journal the halves that wait by now, and removes the forgotten ones.
func (t *exporterTarget) commit() error {
	if t.journal == nil || t.replayed != nil {
		return nil
	}
	upTo, waiting := t.notifier.Waiting(t.upTo)
	for number, n := range waiting {
		if _, known := t.entries[number]; !known { // else an earlier export of the half failed
			t.entries[number] = t.journal.add(waitingEntry, oneLine(n.JSON()))
		}
	}
	t.upTo = upTo
	t.mu.Lock()
	for _, id := range t.forgotten {
		t.journal.remove(id)
	}
	t.forgotten = t.forgotten[:0]
	t.mu.Unlock()
	if err := t.journal.sync(); err != nil {
		return fmt.Errorf("cannot write to the state directory what waits for its other half: %w", err)
	}
	return nil
}

// takeMarked returns the entries that were marked since the last call.
func (t *exporterTarget) takeMarked() []uint64 {
	marked := t.marked
	t.marked = nil
	return marked
}

// forget makes the next commit remove marked entries. It may be called by any goroutine.
func (t *exporterTarget) forget(ids []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forgotten = append(t.forgotten, ids...)
}

// keepLate remembers a half that was exported alone.
func (t *exporterTarget) keepLate(n osprofiler.Notification) {
	h := &lateHalf{notification: n, since: time.Now()}
	if t.journal != nil {
		h.entry = t.journal.add(lateEntry, oneLine(n.JSON()))
	}
	for _, dropped := range t.late.add(h) {
		t.removeLate(dropped)
	}
}

func (t *exporterTarget) removeLate(h *lateHalf) {
	if t.journal != nil {
		t.journal.remove(h.entry)
	}
}
