package relay_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A queue is the driver of a message bus in memory.
type queue struct {
	mu      sync.Mutex
	waiting []osprofiler.Notification
	unacked int // the number of messages delivered and not acknowledged
	most    int // the largest value of unacked

	window int                    // how many may be unacknowledged; 0 for any number
	onTake func(number int) error // called before the notification of that number
	onAck  func(ctx context.Context) error
	peeks  int
	left   []osprofiler.Notification // notifications excepted by Leave
	// onEmpty is called when there are no more messages. If it returns true, Take continues.
	onEmpty func(ctx context.Context) bool
}

func (q *queue) Name() string               { return "the queue" }
func (q *queue) Ping(context.Context) error { return nil }
func (q *queue) Close() error               { return nil }

func (q *queue) Write(_ context.Context, batch []osprofiler.Notification) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, batch...)
	return nil
}

func (q *queue) Peek(context.Context) iter.Seq2[osprofiler.Notification, error] {
	q.peeks++
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, n := range slices.Clone(q.waiting) {
			if !yield(n, nil) {
				return
			}
		}
	}
}

func (q *queue) Notifications(ctx context.Context, _ string) iter.Seq2[osprofiler.Notification, error] {
	return q.Peek(ctx)
}

func (q *queue) Traces(ctx context.Context, _ driver.Query) iter.Seq2[driver.Summary, error] {
	m := memory{rows: q.waiting}
	return m.Traces(ctx, driver.Query{})
}

func (q *queue) Consume(context.Context) (driver.Consumption, error) { return &taking{queue: q}, nil }

type taking struct {
	queue     *queue
	delivered []osprofiler.Notification // not acknowledged, from number first+1 on
	first     int
}

func (t *taking) Take(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		q := t.queue
		for {
			if err := ctx.Err(); err != nil {
				yield(osprofiler.Notification{}, err)
				return
			}
			if len(q.waiting) == 0 || q.window > 0 && q.unacked >= q.window {
				if q.onEmpty == nil || !q.onEmpty(ctx) {
					return
				}
				continue
			}
			if q.onTake != nil {
				if err := q.onTake(t.first + len(t.delivered) + 1); err != nil {
					if store.IsTransient(err) { // the connection broke
						t.giveBack()
					}
					if !yield(osprofiler.Notification{}, err) || store.Ends(err) {
						return
					}
					continue
				}
			}
			n := q.waiting[0]
			q.waiting = q.waiting[1:]
			t.delivered = append(t.delivered, n)
			q.unacked++
			q.most = max(q.most, q.unacked)
			if !yield(n, nil) {
				return
			}
		}
	}
}

func (t *taking) giveBack() {
	t.queue.waiting = slices.Concat(t.delivered, t.queue.waiting)
	t.queue.unacked -= len(t.delivered)
	t.first += len(t.delivered)
	t.delivered = nil
}

func (t *taking) Leave(position string) {
	n, err := strconv.Atoi(position)
	if err != nil || n <= t.first {
		panic("no such position: " + position)
	}
	t.queue.left = append(t.queue.left, t.delivered[n-t.first-1])
}

func (t *taking) Position() string { return strconv.Itoa(t.first + len(t.delivered)) }

func (t *taking) Acknowledge(ctx context.Context, position string) error {
	if t.queue.onAck != nil {
		if err := t.queue.onAck(ctx); err != nil {
			return err
		}
	}
	n, err := strconv.Atoi(position)
	if err != nil || n > t.first+len(t.delivered) {
		return fmt.Errorf("no such position: %q", position)
	}
	if done := n - t.first; done > 0 {
		t.delivered, t.first = t.delivered[done:], n
		t.queue.unacked -= done
	}
	return nil
}

func (t *taking) Close() error {
	t.giveBack()
	return nil
}

// moved moves the messages of the queue to a target.
func moved(ctx context.Context, t *testing.T, q *queue, target *memory, opts ...relay.Option) (relay.Counts, error) {
	t.Helper()
	source := relay.FromConsumer(store.New(q), relay.WithRetry(store.Retry{Initial: time.Millisecond, Max: time.Millisecond}))
	to := relay.ToStore(store.New(target), relay.WithRetry(store.Retry{Elapsed: -1}))
	counts, err := relay.Copy(ctx, source, []relay.Target{to}, opts...)
	if err := errors.Join(source.Close(), to.Close()); err != nil {
		t.Error(err)
	}
	return counts, err
}

// All messages are moved, even if the bus delivers at most one window of unacknowledged
// messages.
func TestMove(t *testing.T) {
	all := notifications(5000, 10)
	q, to := &queue{waiting: slices.Clone(all), window: 1500}, &memory{indexed: true}
	counts, err := moved(t.Context(), t, q, to)
	if err != nil || counts.Read != 5000 || counts.Targets[0].Written != 5000 || !slices.Equal(to.rows, all) {
		t.Errorf("%+v, %v; %d rows", counts, err, len(to.rows))
	}
	if len(q.waiting) != 0 || q.most > 1001 {
		t.Errorf("%d messages are left; up to %d were not acknowledged", len(q.waiting), q.most)
	}
}

// Messages that a target does not have return to the bus.
func TestMoveTargetFails(t *testing.T) {
	all := notifications(2500, 10)
	q, to := &queue{waiting: slices.Clone(all)}, &memory{indexed: true}
	to.onWrite = func([]osprofiler.Notification) error {
		if to.writes == 2 {
			return errors.New("the disk is full")
		}
		return nil
	}
	if _, err := moved(t.Context(), t, q, to); err == nil {
		t.Error("no error")
	}
	if !slices.Equal(q.waiting, all[1000:]) || !slices.Equal(to.rows, all[:1000]) {
		t.Errorf("%d messages are left, %d are in the target", len(q.waiting), len(to.rows))
	}
	to.onWrite = nil
	if counts, err := moved(t.Context(), t, q, to); err != nil || counts.Read != 1500 || !slices.Equal(to.rows, all) {
		t.Errorf("%+v, %v; %d rows", counts, err, len(to.rows))
	}
}

// After a lost connection the bus delivers messages again. The target has each of them once.
func TestMoveAfterLostConnection(t *testing.T) {
	all := notifications(3000, 10)
	q, to := &queue{waiting: slices.Clone(all)}, &memory{indexed: true}
	breaks := map[int]bool{1500: true, 2001: true, 2999: true}
	q.onTake = func(number int) error {
		if breaks[number] {
			delete(breaks, number)
			return &store.TransientError{Err: errors.New("the connection broke")}
		}
		return nil
	}
	counts, err := moved(t.Context(), t, q, to)
	if err != nil || len(q.waiting) != 0 || !slices.Equal(to.rows, all) {
		t.Errorf("%+v, %v; %d rows, %d left", counts, err, len(to.rows), len(q.waiting))
	}
}

// After an interruption, the written messages are acknowledged and the others return to the
// bus.
func TestMoveInterrupted(t *testing.T) {
	all := notifications(2500, 10)
	q, to := &queue{waiting: slices.Clone(all)}, &memory{indexed: true}
	ctx, cancel := context.WithCancel(t.Context())
	to.onWrite = func([]osprofiler.Notification) error {
		if to.writes == 2 {
			cancel()
		}
		return nil
	}
	q.onAck = func(ctx context.Context) error { return ctx.Err() }
	_, err := moved(ctx, t, q, to)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if written := len(to.rows); written != 2000 || !slices.Equal(q.waiting, all[written:]) {
		t.Errorf("%d were written, %d are left", written, len(q.waiting))
	}
}

// A message that is not a notification is reported and stays on the bus. It is counted if it
// is damaged, but not if it belongs to another program, or if it only reports that there are
// more.
func TestMoveDamaged(t *testing.T) {
	for name, c := range map[string]struct {
		damage  store.DamageError
		skipped int
		partial bool
	}{
		"damaged": {store.DamageError{}, 1, false},
		"foreign": {store.DamageError{Foreign: true}, 0, false},
		"more":    {store.DamageError{More: true}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			q, to := &queue{waiting: notifications(10, 10)}, &memory{indexed: true}
			told := false
			q.onTake = func(number int) error {
				if number != 5 || told {
					return nil
				}
				told = true
				c.damage.Entry, c.damage.Reason = "a message", errors.New("it is not JSON")
				return &c.damage
			}
			warnings := 0
			counts, err := moved(t.Context(), t, q, to, relay.WithWarning(func(error) { warnings++ }))
			if err != nil || counts.Skipped != c.skipped || counts.Partial != c.partial || warnings != 1 || len(to.rows) != 10 {
				t.Errorf("%+v, %v; %d warnings", counts, err, warnings)
			}
		})
	}
}

// A dry run, and a copy of chosen traces, remove nothing from the bus.
func TestPeekedCopies(t *testing.T) {
	all := notifications(100, 10)
	for name, source := range map[string]func(*store.Store) relay.Source{
		"all": func(s *store.Store) relay.Source { return relay.FromStore(s) },
		"a window": func(s *store.Store) relay.Source {
			return relay.FromTraces(s, store.Query{Since: begin, Until: begin.AddDate(0, 0, 1)})
		},
		"ids": func(s *store.Store) relay.Source { return relay.FromBaseIDs(s, []string{traceID(3)}) },
	} {
		q, to := &queue{waiting: slices.Clone(all)}, &memory{indexed: true}
		from := source(store.New(q))
		target := relay.ToStore(store.New(to))
		counts, err := relay.Copy(t.Context(), from, []relay.Target{target})
		want := 100
		if name == "ids" {
			want = 10
		}
		if err = errors.Join(err, from.Close(), target.Close()); err != nil || len(to.rows) != want || len(q.waiting) != 100 || q.peeks > 2 {
			t.Errorf("%s: %+v, %v; %d rows, %d left, %d peeks", name, counts, err, len(to.rows), len(q.waiting), q.peeks)
		}
	}
}

// A target that is a bus is not compared, because a message that was there may be gone.
func TestBusAsTarget(t *testing.T) {
	all := notifications(20, 10)
	q := &queue{waiting: slices.Clone(all)}
	from, target := relay.FromStore(store.New(&memory{rows: all})), relay.ToStore(store.New(q))
	counts, err := relay.Copy(t.Context(), from, []relay.Target{target})
	if err = errors.Join(err, from.Close(), target.Close()); err != nil || len(q.waiting) != 40 || q.peeks != 0 {
		t.Errorf("%+v, %v; %d messages, %d peeks", counts, err, len(q.waiting), q.peeks)
	}
}

// A source whose Copy failed cannot be used again, because it would continue behind the
// missing notifications.
func TestConsumerSourceUsedAgain(t *testing.T) {
	q := &queue{waiting: notifications(10, 10)}
	from := relay.FromConsumer(store.New(q))
	to := &memory{onWrite: func([]osprofiler.Notification) error { return errors.New("no") }}
	target := relay.ToStore(store.New(to), relay.WithRetry(store.Retry{Elapsed: -1}))
	if _, err := relay.Copy(t.Context(), from, []relay.Target{target}); err == nil {
		t.Error("no error")
	}
	to.onWrite = nil
	if _, err := relay.Copy(t.Context(), from, []relay.Target{target}); err == nil || len(to.rows) != 0 {
		t.Errorf("the second Copy: %v, %d rows", err, len(to.rows))
	}
	if err := errors.Join(from.Close(), target.Close()); err != nil || len(q.waiting) != 10 {
		t.Errorf("%v; %d messages are left", err, len(q.waiting))
	}
}

// Notifications that a target refuses stay on the bus, because they are stored nowhere else.
func TestMoveRefused(t *testing.T) {
	all := notifications(1500, 10)
	q, to := &queue{waiting: slices.Clone(all)}, &memory{indexed: true}
	to.onWrite = func(batch []osprofiler.Notification) error {
		if to.writes > 1 { // the second batch begins at 1000
			return nil
		}
		return &store.WriteError{Missing: []int{3, 700}, Refused: []int{3, 700}, Err: errors.New("it is too large")}
	}
	var warnings []error
	counts, err := moved(t.Context(), t, q, to, relay.WithWarning(func(err error) { warnings = append(warnings, err) }))
	if err != nil || counts.Targets[0].Refused != 2 || counts.Targets[0].Written != 1498 {
		t.Errorf("%+v, %v", counts, err)
	}
	if len(q.left) != 2 || q.left[0] != all[3] || q.left[1] != all[700] {
		t.Errorf("%d are left on the bus", len(q.left))
	}
	if len(warnings) != 1 || warnings[0].Error() != "it is too large; 2 of 1000 notifications were refused; the refused notifications stay in the queue" {
		t.Errorf("the warnings are %v", warnings)
	}
}

// A message that is delivered again in the same window, as after a lost connection, is left
// at every position where it was delivered.
func TestMoveRefusedTwice(t *testing.T) {
	all := notifications(10, 10)
	q, to := &queue{waiting: append(slices.Clone(all), all[3])}, &memory{indexed: true}
	to.onWrite = func(batch []osprofiler.Notification) error {
		return &store.WriteError{Missing: []int{3}, Refused: []int{3}, Err: errors.New("it is too large")}
	}
	if _, err := moved(t.Context(), t, q, to); err != nil {
		t.Error(err)
	}
	if len(q.left) != 2 || q.left[0] != all[3] || q.left[1] != all[3] {
		t.Errorf("%d are left on the bus", len(q.left))
	}
}

// A notification waits for others for a second at most, even if nothing arrives or only
// messages of other programs arrive.
func TestMoveTrickle(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		t.Run(fmt.Sprint(foreign), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, to := &queue{waiting: notifications(1, 1)}, &memory{indexed: true}
				began := time.Now()
				var written time.Duration
				to.onWrite = func([]osprofiler.Notification) error {
					written = time.Since(began)
					return nil
				}
				acknowledged := 0
				q.onAck = func(context.Context) error { acknowledged++; return nil }
				q.onTake = func(int) error { return nil }
				if foreign {
					q.onTake = func(number int) error {
						if time.Sleep(300 * time.Millisecond); number == 1 || time.Since(began) > 10*time.Second {
							return nil
						}
						return &store.DamageError{Entry: fmt.Sprint("message ", time.Since(began)), Foreign: true, Kind: "foreign", Reason: errors.New("foreign")}
					}
				}
				q.onEmpty = func(ctx context.Context) bool {
					if foreign && time.Since(began) < 10*time.Second {
						q.waiting = notifications(2, 1)[1:]
						return true
					}
					select {
					case <-ctx.Done():
						return true
					case <-time.After(20 * time.Second):
						return false
					}
				}
				warnings := 0
				counts, err := moved(t.Context(), t, q, to, relay.WithWarning(func(error) { warnings++ }))
				if err != nil || !foreign && written > 2*time.Second || acknowledged < 1 {
					t.Errorf("%+v, %v; written after %v, acknowledged %d times", counts, err, written, acknowledged)
				}
				if foreign && (warnings != 1 || counts.Foreign < 20 || counts.Skipped != 0 || acknowledged < 5) {
					t.Errorf("%+v; %d warnings; acknowledged %d times", counts, warnings, acknowledged)
				}
			})
		})
	}
}

func TestMoveDryRun(t *testing.T) {
	q, to := &queue{waiting: notifications(10, 10)}, &memory{indexed: true}
	if _, err := moved(t.Context(), t, q, to, relay.WithDryRun()); err == nil || len(q.waiting) != 10 {
		t.Errorf("got %v; %d left", err, len(q.waiting))
	}
}
