package loginsight

import (
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Traces implements driver.Lister. A server can select events by the time at which
// they arrived, not by the time of the notifications. A notification arrives after it
// was made, maybe much later, or, if a clock is wrong, somewhat earlier. So the listing
// first finds the events from which on a trace can match, and then the older events of
// the traces that may match.
func (d *database) Traces(ctx context.Context, q driver.Query) iter.Seq2[driver.Summary, error] {
	return func(yield func(driver.Summary, error) bool) {
		l := &listing{database: d, query: q, yield: yield, parts: []section{{}}}
		since := q.Since
		if since.After(time.Now()) { // clocks are wrong then, and say little about when events arrived
			since = time.Time{}
		}
		var err error
		switch {
		case q.Failed:
			err = l.failed(ctx, from(since))
		case !since.IsZero():
			err = l.inParts(func() error { return l.since(ctx, since.Add(-clockSkew).UnixMilli()) })
		case q.Limit > 0:
			err = l.newest(ctx)
		default:
			err = l.inParts(func() error { return l.everything(ctx) })
		}
		if err != nil && !errors.Is(err, errLeft) {
			yield(driver.Summary{}, err)
		}
	}
}

// clockSkew is how much earlier than the time of a notification its event may arrive:
// the difference between the clocks of a service and of the server.
const clockSkew = 24 * time.Hour

// from returns the constraint for the events that may belong to notifications since a
// time. It returns no constraint if the time is zero.
func from(since time.Time) []Constraint {
	if since.IsZero() {
		return nil
	}
	return []Constraint{{timestampName, "GE", strconv.FormatInt(since.Add(-clockSkew).UnixMilli(), 10)}}
}

func before(arrival int64) Constraint {
	return Constraint{timestampName, "LT", strconv.FormatInt(arrival, 10)}
}

// A listing is a call of Traces.
type listing struct {
	*database
	query  driver.Query
	yield  func(driver.Summary, error) bool
	traces map[string]*summed
	parts  []section // the last part is being read
	again  bool      // the events were read for another part already
}

// A section is a part of all traces: the traces whose hash ends with these bits.
type section struct{ bits, mask uint64 }

// mostTraces is how many traces are summed up at once.
var mostTraces = 200_000 // tests change it

var partSeed = maphash.MakeSeed()

func (s section) has(id string) bool { return maphash.String(partSeed, id)&s.mask == s.bits }

// inParts calls read for each part of the traces. If there are too many traces for the memory, read
// has halved its part and left the other half for another call.
func (l *listing) inParts(read func() error) error {
	l.parts = []section{{}}
	defer func() { l.again = false }()
	for len(l.parts) > 0 {
		l.traces = map[string]*summed{}
		if err := read(); err != nil {
			return err
		}
		l.parts = l.parts[:len(l.parts)-1]
		l.again = true
	}
	return nil
}

// halve leaves a half of the traces for later.
func (l *listing) halve() {
	now := l.parts[len(l.parts)-1]
	later := section{now.bits | (now.mask + 1), now.mask<<1 | 1}
	now.mask = later.mask
	l.parts[len(l.parts)-1] = later
	l.parts = append(l.parts, now)
	maps.DeleteFunc(l.traces, func(id string, _ *summed) bool { return !now.has(id) })
}

// A summed is a trace that is being summed up.
type summed struct {
	driver.Summarizer
	first    osprofiler.Notification // if the query asks for it
	original *original               // of first
}

// errLeft says that the caller has left the loop.
var errLeft = errors.New("the loop was left")

// scan calls f for the notifications of the events that match, the newest first, until
// f returns false. It reports those that cannot be read.
func (l *listing) scan(ctx context.Context, constraints []Constraint, f func(*found) bool) error {
	r := reading{database: l.database, constraints: constraints, restores: func(f *found) bool { return f.original.isCut }}
	for one, err := range r.all(ctx) {
		switch {
		case err == nil:
			if !f(&one) {
				return nil
			}
		case store.Ends(err):
			return err
		case !l.again && !l.yield(driver.Summary{}, err):
			return errLeft
		}
	}
	return nil
}

// add adds a notification to its trace.
func (l *listing) add(f *found) bool {
	id := driver.Text(f.BaseID)
	s := l.traces[id]
	if s == nil {
		if len(l.traces) >= mostTraces {
			l.halve()
		}
		if !l.parts[len(l.parts)-1].has(id) {
			return true
		}
		s = &summed{}
		l.traces[strings.Clone(id)] = s
	}
	if s.Add(&f.Notification) && l.query.First {
		s.first, s.original = f.Notification, f.original
	}
	return true
}

// everything lists all traces.
func (l *listing) everything(ctx context.Context) error {
	if err := l.scan(ctx, everything(), l.add); err != nil {
		return err
	}
	return l.emit(ctx)
}

// since lists the traces whose notifications may all have arrived since a given time.
func (l *listing) since(ctx context.Context, arrival int64) error {
	err := l.scan(ctx, append(everything(), Constraint{timestampName, "GE", strconv.FormatInt(arrival, 10)}), l.add)
	if err == nil {
		err = l.complete(ctx, []Constraint{before(arrival)})
	}
	if err != nil {
		return err
	}
	return l.emit(ctx)
}

// checkEvery is the number of events after which newest checks whether it has enough
// traces, if it has few.
var checkEvery = 2000 // tests change it

// A checker decides when newest checks whether it has enough traces. A check goes
// through all traces, so checks become rarer with more traces.
type checker struct {
	count  int       // of the events since the last look
	newest time.Time // of the notifications
}

// add counts a notification.
func (c *checker) add(n *osprofiler.Notification) {
	c.count++
	if at, err := n.Time(); err == nil && at.After(c.newest) {
		c.newest = at
	}
}

// isDue reports whether it is time for a look. No trace can be new enough as long as
// the bound is later than every notification.
func (c *checker) isDue(traces int, bound time.Time) bool {
	if c.count <= max(checkEvery, traces/4) || bound.After(c.newest) {
		return false
	}
	c.count = 0
	return true
}

// newest lists the newest traces, at least as many as are asked for. It ends as soon as
// no trace that has not been seen yet can be newer than the listed traces.
func (l *listing) newest(ctx context.Context) error {
	var check checker
	last, end := int64(0), int64(0)
	l.traces = map[string]*summed{}
	err := l.scan(ctx, everything(), func(f *found) bool {
		if len(l.parts) > 1 { // too many traces for the memory
			return false
		}
		check.add(&f.Notification)
		if f.at < last && check.isDue(len(l.traces), boundOf(last)) {
			if len(l.newerThan(boundOf(last))) >= l.query.Limit {
				end = last
				return false
			}
		}
		last = f.at
		return l.add(f)
	})
	switch {
	case err != nil:
		return err
	case len(l.parts) > 1:
		return l.restart(ctx)
	case end == 0:
		return l.emit(ctx)
	}
	bound := l.keepNewest(boundOf(end), 2*l.query.Limit+tracesAtOnce)
	if err := l.complete(ctx, []Constraint{before(end)}); err != nil {
		return err
	}
	if len(l.newerThan(bound)) >= l.query.Limit {
		return l.emit(ctx)
	}
	return l.restart(ctx)
}

// restart lists all traces.
func (l *listing) restart(ctx context.Context) error {
	return l.inParts(func() error { return l.everything(ctx) })
}

// boundOf returns the latest possible time of an event that arrived before a time.
func boundOf(arrival int64) time.Time { return time.UnixMilli(arrival).Add(clockSkew) }

// A dated is a trace with the time by which the trace is sorted in the listing.
type dated struct {
	id string
	at time.Time
}

// newerThan returns the traces that match and are not older than the bound, the newest
// first.
func (l *listing) newerThan(bound time.Time) (all []dated) {
	for id, s := range l.traces {
		summary := s.Summary()
		if at := l.query.Time(&summary); l.query.Matches(&summary) && !at.Before(bound) {
			all = append(all, dated{id, at})
		}
	}
	slices.SortFunc(all, func(a, b dated) int { return b.at.Compare(a.at) })
	return all
}

// keepNewest keeps only the newest traces. It returns a time that no other trace is
// newer than. More events of a trace can only make the trace older.
func (l *listing) keepNewest(bound time.Time, count int) time.Time {
	all := l.newerThan(bound)
	if len(all) > count {
		all = all[:count]
		bound = all[count-1].at
	}
	kept := map[string]*summed{}
	for _, one := range all {
		kept[one.id] = l.traces[one.id]
	}
	l.traces = kept
	return bound
}

// failed lists the traces in which something failed: first it finds the failures.
func (l *listing) failed(ctx context.Context, arrived []Constraint) error {
	ids := map[string]bool{}
	failures := append([]Constraint{Contains(traceField, etypeKey)}, arrived...)
	err := l.scan(ctx, failures, func(f *found) bool {
		at, _ := f.Time()
		if f.Info.Failed() && (!l.query.ByFailure() || l.query.Contains(at)) {
			ids[strings.Clone(driver.Text(f.BaseID))] = true
		}
		return true
	})
	if err != nil {
		return err
	}
	return l.each(ids, func(some map[string]bool, constraints []Constraint) error {
		return l.inParts(func() error {
			if err := l.scanTraces(ctx, some, constraints); err != nil {
				return err
			}
			return l.emit(ctx)
		})
	})
}

// complete adds further events of the traces that match so far: those that fulfil the
// constraints in more.
func (l *listing) complete(ctx context.Context, more []Constraint) error {
	ids := map[string]bool{}
	for id, s := range l.traces {
		if summary := s.Summary(); l.query.Matches(&summary) {
			ids[id] = true
		}
	}
	return l.each(ids, func(some map[string]bool, constraints []Constraint) error {
		return l.scanTraces(ctx, some, append(constraints, more...))
	})
}

// scanTraces adds the notifications of some traces.
func (l *listing) scanTraces(ctx context.Context, some map[string]bool, constraints []Constraint) error {
	return l.scan(ctx, constraints, func(f *found) bool { return !some[driver.Text(f.BaseID)] || l.add(f) })
}

// tracesAtOnce is the number of traces whose events one query asks for.
const tracesAtOnce = 25

// each calls f for some of the traces at a time, with the constraints for their
// events. All traces that a query cannot find by their ids come together.
func (l *listing) each(ids map[string]bool, f func(some map[string]bool, constraints []Constraint) error) error {
	others := maps.Clone(ids)
	maps.DeleteFunc(others, func(id string, _ bool) bool { return isFindable(id) })
	maps.DeleteFunc(ids, func(id string, _ bool) bool { return !isFindable(id) })
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(ids)), tracesAtOnce) {
		some := map[string]bool{}
		var constraints []Constraint
		for _, id := range chunk {
			some[id] = true
			constraints = append(constraints, Contains(baseIDField, id))
		}
		if err := f(some, constraints); err != nil {
			return err
		}
	}
	if len(others) == 0 {
		return nil
	}
	return f(others, everything())
}

// emit yields the traces that match.
func (l *listing) emit(ctx context.Context) error {
	for id, s := range l.traces {
		summary := s.Summary()
		delete(l.traces, id)
		if !l.query.Matches(&summary) {
			continue
		}
		if l.query.First {
			first, err := l.whole(ctx, s.first, s.original)
			switch {
			case store.Ends(err):
				return err
			case err != nil && !l.yield(driver.Summary{}, err):
				return errLeft
			}
			summary.First = &first
		}
		if !l.yield(summary, nil) {
			return errLeft
		}
	}
	return nil
}
