package relay

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Relays that share a queue sometimes get one half of an operation each. Both relays write to
// the same stores. The rule is: the relay that has the stop exports the span. It looks in a
// store for the start after the time of lookUpAfter. If the start is not there yet, because
// the other relay is behind, it looks again after twice that time, and so on. The relay that
// has the start finds the stop in a store when the start has waited too long, and drops the
// start.
const (
	lookUpAfter = 5 * time.Second
	mostLookUps = 200 // the number of stops in one search
)

// lookups keeps track of the stops that were looked up.
type lookups struct {
	steps   []lookupStep
	upTo    uint64 // the notification up to which stops were looked up
	missing []missingStarts
}

// A lookupStep notes the number of the newest notification at a time.
type lookupStep struct {
	at     time.Time
	number uint64
}

// missingStarts are stops whose starts were in no store. They will be looked up again.
type missingStarts struct {
	at    time.Time
	pause time.Duration // before that time
	stops []uint64
}

// due returns the number of the newest notification that is old enough.
func (l *lookups) due(now time.Time, newest uint64) (number uint64) {
	if len(l.steps) == 0 || l.steps[len(l.steps)-1].number < newest {
		l.steps = append(l.steps, lookupStep{now, newest})
	}
	number = l.upTo
	for len(l.steps) > 0 && now.Sub(l.steps[0].at) >= lookUpAfter {
		number = l.steps[0].number
		l.steps = l.steps[1:]
	}
	return number
}

// takeDue removes and returns the stops that are to be looked up again now, each with the
// pause that preceded this lookup.
func (l *lookups) takeDue(now time.Time) map[uint64]time.Duration {
	pauses := map[uint64]time.Duration{}
	l.missing = slices.DeleteFunc(l.missing, func(m missingStarts) bool {
		if now.Before(m.at) {
			return false
		}
		for _, number := range m.stops {
			pauses[number] = m.pause
		}
		return true
	})
	return pauses
}

// lookUpLater schedules another lookup for stops whose starts are in no store. Each stop has
// its own pause since its last lookup.
func (l *lookups) lookUpLater(now time.Time, stops map[uint64]time.Duration) {
	byPause := map[time.Duration][]uint64{}
	for number, pause := range stops {
		byPause[pause] = append(byPause[pause], number)
	}
	for pause, numbers := range byPause {
		l.missing = append(l.missing, missingStarts{now.Add(pause), pause, numbers})
	}
}

// lookUpStarts looks in the stores for the starts of stops that have waited long enough.
func (t *exporterTarget) lookUpStarts(ctx context.Context) error {
	if len(t.lookIn) == 0 {
		return nil
	}
	now := time.Now()
	pauses := t.looked.takeDue(now)
	due, numbers, stops := t.stopsToLookUp(now, pauses)
	if len(numbers) == 0 {
		t.looked.upTo = due
		return nil
	}
	for part := range slices.Chunk(numbers, mostLookUps) {
		missing, err := t.completeFromStores(ctx, part, stops)
		if err != nil {
			t.looked.lookUpLater(now, pauses) // with the first ones, which are looked up as before
			return err
		}
		later := map[uint64]time.Duration{}
		for _, number := range missing {
			later[number] = 2 * max(pauses[number], lookUpAfter)
		}
		t.looked.lookUpLater(now, later)
		for _, number := range part {
			delete(pauses, number)
		}
		// The numbers are in order. After an error, the stops up to this number do not count
		// as new again.
		t.looked.upTo = max(t.looked.upTo, part[len(part)-1])
	}
	t.looked.upTo = due
	return nil
}

// stopsToLookUp returns the stops that have waited long enough since the last search, and the
// stops in pauses that still wait. due is the number of the newest notification that has
// waited long enough.
func (t *exporterTarget) stopsToLookUp(now time.Time, pauses map[uint64]time.Duration) (due uint64, numbers []uint64, stops map[uint64]osprofiler.Notification) {
	after := t.looked.upTo
	for number := range pauses {
		after = min(after, number-1)
	}
	newest, waiting := t.notifier.Waiting(after)
	due = t.looked.due(now, newest)
	if due == t.looked.upTo && len(pauses) == 0 {
		return due, nil, nil
	}
	stops = map[uint64]osprofiler.Notification{}
	for number, n := range waiting {
		_, repeated := pauses[number]
		if n.Half() == osprofiler.Stop && (repeated || number > t.looked.upTo && number <= due) {
			numbers = append(numbers, number)
			stops[number] = n
		}
	}
	slices.Sort(numbers)
	return due, numbers, stops
}

// completeFromStores gives the Notifier those starts of the given stops that a store has. It
// returns the other stops.
func (t *exporterTarget) completeFromStores(ctx context.Context, numbers []uint64, stops map[uint64]osprofiler.Notification) (missing []uint64, err error) {
	list := make([]osprofiler.Notification, len(numbers))
	for i, number := range numbers {
		list[i] = stops[number]
	}
	starts, err := t.search(ctx, list)
	if err != nil {
		return nil, err
	}
	var found []osprofiler.Notification
	for i, start := range starts {
		if start != nil {
			found = append(found, *start)
		} else {
			missing = append(missing, numbers[i])
		}
	}
	return missing, t.notifier.Notify(ctx, found...)
}

// othersOf looks in the stores for the other halves of operations that have waited too long.
// An element is nil if no store has the other half.
func (t *exporterTarget) othersOf(ctx context.Context, halves []osprofiler.Notification) ([]*osprofiler.Notification, error) {
	if !t.expiring {
		return make([]*osprofiler.Notification, len(halves)), nil
	}
	return t.search(ctx, halves)
}

// search looks in the stores for the other halves.
func (t *exporterTarget) search(ctx context.Context, halves []osprofiler.Notification) ([]*osprofiler.Notification, error) {
	found := make([]*osprofiler.Notification, len(halves))
	byTrace := map[string][]int{}
	for i := range halves {
		byTrace[halves[i].BaseID] = append(byTrace[halves[i].BaseID], i)
	}
	for baseID, indices := range byTrace {
		for _, s := range t.lookIn {
			if err := searchTrace(ctx, s, baseID, halves, indices, found); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// searchTrace looks in one trace of a store for the other halves of halves[indices].
func searchTrace(ctx context.Context, s *store.Store, baseID string, halves []osprofiler.Notification, indices []int, found []*osprofiler.Notification) error {
	for n, err := range s.Notifications(ctx, baseID, store.KeepDuplicates()) {
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case store.Ends(err):
			return err
		case err != nil:
			continue
		}
		for _, i := range indices {
			h := &halves[i]
			if found[i] == nil && n.TraceID == h.TraceID && n.Half() != h.Half() && n.Operation() == h.Operation() {
				other := n
				found[i] = &other
			}
		}
	}
	return nil
}
