package relay_test

import (
	"context"
	"iter"
	"strconv"
	"sync"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

// listSource is a source whose positions are the numbers of its notifications. It records the
// positions that a relay has acknowledged and left.
type listSource struct {
	mu    sync.Mutex
	all   []osprofiler.Notification
	next  int
	acked int
	left  map[int]string
	fail  error
	came  chan struct{}
}

func newListSource(all ...osprofiler.Notification) *listSource {
	return &listSource{all: all, left: map[int]string{}, came: make(chan struct{}, 1)}
}

func (s *listSource) add(all ...osprofiler.Notification) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, all...)
	select {
	case s.came <- struct{}{}:
	default:
	}
}

func (s *listSource) failing(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *listSource) acknowledged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked
}

func (s *listSource) Name() string { return "the list" }

// Read waits for a notification, as a listener does.
func (s *listSource) Read(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		s.mu.Lock()
		empty := s.next == len(s.all) && s.fail == nil
		s.mu.Unlock()
		if empty {
			select {
			case <-s.came:
			case <-ctx.Done():
				yield(osprofiler.Notification{}, ctx.Err())
				return
			}
		}
		for {
			s.mu.Lock()
			err := s.fail
			if err == nil && s.next == len(s.all) {
				s.mu.Unlock()
				return
			}
			var n osprofiler.Notification
			if err == nil {
				n = s.all[s.next]
				s.next++
			}
			s.mu.Unlock()
			if !yield(n, err) || err != nil {
				return
			}
		}
	}
}

func (s *listSource) Position() relay.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return relay.Position(strconv.Itoa(s.next))
}

func (s *listSource) Acknowledge(_ context.Context, p relay.Position) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked, err = strconv.Atoi(string(p))
	return err
}

func (s *listSource) Leave(p relay.Position, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number, _ := strconv.Atoi(string(p))
	s.left[number] = reason.Error()
}

func (s *listSource) Close() error { return nil }

// listTarget is a target that records its notifications, and refuses some.
type listTarget struct {
	mu     sync.Mutex
	all    []osprofiler.Notification
	refuse func(n osprofiler.Notification) bool
	fail   error
}

func (t *listTarget) Name() string { return "the target" }

func (t *listTarget) Write(_ context.Context, batch []osprofiler.Notification) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail != nil {
		return t.fail
	}
	var refused []int
	for i, n := range batch {
		if t.refuse != nil && t.refuse(n) {
			refused = append(refused, i)
		} else {
			t.all = append(t.all, n)
		}
	}
	if refused != nil {
		return &store.WriteError{Missing: refused, Refused: refused, Err: errTooLarge}
	}
	return nil
}

func (t *listTarget) Close() error { return nil }

func (t *listTarget) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}
