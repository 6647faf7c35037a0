package store_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// programmed is a driver whose methods a test sets. A nil function does nothing.
type programmed struct {
	write  func(ctx context.Context, batch []osprofiler.Notification) error
	read   func(ctx context.Context, yield func(osprofiler.Notification, error) bool)
	list   func(ctx context.Context, yield func(store.Summary, error) bool)
	delete func(ctx context.Context, id string) (int, error)
	poll   func(ctx context.Context, yield func(osprofiler.Notification, error) bool)

	mu     sync.Mutex
	events []string // the calls that the tests check
}

func (p *programmed) note(event string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, event)
}

func (p *programmed) Name() string { return "the test" }

func (p *programmed) Ping(context.Context) error { return nil }

func (p *programmed) Close() error {
	p.note("closed")
	return nil
}

func (p *programmed) Write(ctx context.Context, batch []osprofiler.Notification) error {
	if p.write == nil {
		return nil
	}
	return p.write(ctx, batch)
}

func (p *programmed) Notifications(ctx context.Context, _ string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) { p.read(ctx, yield) }
}

func (p *programmed) Traces(ctx context.Context, _ store.Query) iter.Seq2[store.Summary, error] {
	return func(yield func(store.Summary, error) bool) { p.list(ctx, yield) }
}

func (p *programmed) Delete(ctx context.Context, id string) (int, error) { return p.delete(ctx, id) }

func (p *programmed) Feed(context.Context, store.Cursor) (driver.Feed, error) {
	return &programmedFeed{p}, nil
}

type programmedFeed struct{ *programmed }

func (f *programmedFeed) Poll(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) { f.poll(ctx, yield) }
}

func (f *programmedFeed) Cursor() store.Cursor { return "" }

func (f *programmedFeed) Close() error {
	f.note("feed closed")
	return nil
}

// yields returns a sequence of the given notifications.
func yields(batch ...osprofiler.Notification) func(context.Context, func(osprofiler.Notification, error) bool) {
	return func(_ context.Context, yield func(osprofiler.Notification, error) bool) {
		for _, n := range batch {
			if !yield(n, nil) {
				return
			}
		}
	}
}

func named(names ...string) (batch []osprofiler.Notification) {
	for _, name := range names {
		batch = append(batch, osprofiler.Notification{Name: name, BaseID: "id", Timestamp: "2024-05-06T07:08:09.000010"})
	}
	return batch
}

// Close cancels the calls in progress and waits for them. Calls during Close fail at once.
func TestCloseCancelsAndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &programmed{}
		p.write = func(ctx context.Context, _ []osprofiler.Notification) error {
			<-ctx.Done()
			time.Sleep(time.Minute) // the client library is slow to return
			p.note("write ended")
			return fmt.Errorf("the connection broke: %w", ctx.Err())
		}
		s := store.New(p)
		written := make(chan error, 1)
		go func() { written <- s.Write(context.Background(), named("a")) }()
		synctest.Wait()
		go s.Close()
		synctest.Wait()
		began := time.Now()
		if err := s.Write(t.Context(), named("b")); err != store.ErrClosed {
			t.Errorf("Write beside Close: %v", err)
		}
		if err := s.Ping(t.Context()); err != store.ErrClosed {
			t.Errorf("Ping beside Close: %v", err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("a call beside Close took %v", took)
		}
		if err := <-written; err != store.ErrClosed {
			t.Errorf("the Write in progress: %v", err)
		}
		if err := s.Close(); err != nil { // the second Close waits for the first one
			t.Errorf("the second Close: %v", err)
		}
		if want := []string{"write ended", "closed"}; !slices.Equal(p.events, want) {
			t.Errorf("the driver was called in the order %q, want %q", p.events, want)
		}
	})
}

// The body of a loop may close the Store, which ends the loop.
func TestCloseInsideLoop(t *testing.T) {
	p := &programmed{read: yields(named("a", "b", "c")...)}
	s := store.New(p)
	var got []string
	for n, err := range s.Notifications(t.Context(), "id") {
		got = append(got, fmt.Sprint(n.Name, err))
		if err == nil {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want := []string{"a<nil>", store.ErrClosed.Error()}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Closing the Store closes its feeds, each once, before the driver.
func TestCloseClosesFeeds(t *testing.T) {
	p := &programmed{}
	s := store.New(p)
	for range 2 {
		if _, err := s.Feed(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	feed, _ := s.Feed(t.Context(), "")
	for range 2 {
		if err := feed.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"feed closed", "feed closed", "feed closed", "closed"}; !slices.Equal(p.events, want) {
		t.Errorf("got %q, want %q", p.events, want)
	}
	if _, err := s.Feed(t.Context(), ""); err != store.ErrClosed {
		t.Errorf("Feed after Close: %v", err)
	}
}

// A poll whose context ends has yielded to the caller every element that the driver counts as
// yielded.
func TestPollLosesNothing(t *testing.T) {
	p := &programmed{}
	counted := 0
	p.poll = func(_ context.Context, yield func(osprofiler.Notification, error) bool) {
		for range 5 {
			counted++
			if !yield(named("a")[0], nil) {
				return
			}
		}
	}
	feed, err := store.New(p).Feed(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for cancelAt := range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		counted = 0
		came, last := 0, error(nil)
		for _, err := range feed.Poll(ctx) {
			if last = err; err == nil {
				came++
			}
			if came == cancelAt+1 {
				cancel()
			}
		}
		cancel()
		if came != counted || came != cancelAt+1 || last != context.Canceled {
			t.Errorf("cancelled at %d: %d came, the driver counts %d, last error %v", cancelAt, came, counted, last)
		}
	}
}

// A batch is checked before anything is written. It is checked only once, however often Retry
// writes it.
func TestWriteChecksTheBatch(t *testing.T) {
	writes := 0
	s := store.New(&programmed{write: func(context.Context, []osprofiler.Notification) error {
		if writes++; writes < 3 {
			return &store.WriteError{Transient: true, Err: errors.New("busy")}
		}
		return nil
	}})
	bad := named("a", "b")
	bad[1].Info = `{`
	for name, write := range map[string]func([]osprofiler.Notification) error{
		"Write":       func(b []osprofiler.Notification) error { return s.Write(t.Context(), b) },
		"Retry.Write": func(b []osprofiler.Notification) error { return store.Retry{}.Write(t.Context(), s, b) },
	} {
		if err := write(bad); err == nil || writes > 0 {
			t.Errorf("%s of an invalid info: %v after %d writes", name, err, writes)
		}
		if err := write(nil); err != nil || writes > 0 {
			t.Errorf("%s of nothing: %v after %d writes", name, err, writes)
		}
	}
	retry := store.Retry{Initial: time.Nanosecond, Max: time.Nanosecond}
	if err := retry.Write(t.Context(), s, named("a")); err != nil || writes != 3 {
		t.Errorf("Retry.Write: %v after %d writes", err, writes)
	}
}

// bare is a driver without capabilities.
type bare struct{}

func (bare) Name() string               { return "the void" }
func (bare) Ping(context.Context) error { return nil }
func (bare) Close() error               { return nil }

// An unsupported method of a Store returns errors.ErrUnsupported, always with the same
// wording.
func TestUnsupported(t *testing.T) {
	ctx := t.Context()
	first := func(sequence iter.Seq2[osprofiler.Notification, error]) error {
		for _, err := range sequence {
			return err
		}
		return nil
	}
	listed := func(sequence iter.Seq2[store.Summary, error]) error {
		for _, err := range sequence {
			return err
		}
		return nil
	}
	void, readOnly := store.New(bare{}), store.NewReadOnly(&programmed{})
	_, feedErr := void.Feed(ctx, "")
	_, deleteErr := void.Delete(ctx, "id")
	_, readOnlyDelete := readOnly.Delete(ctx, "id")
	for _, c := range []struct {
		err  error
		want string
	}{
		{void.Write(ctx, named("a")), "cannot write to the void"},
		{first(void.Notifications(ctx, "id")), "cannot read from the void"},
		{listed(void.Traces(ctx, store.Query{})), "cannot list the traces of the void"},
		{listed(void.Traces(ctx, store.Query{Limit: 1})), "cannot list the traces of the void"},
		{feedErr, "cannot follow the void"},
		{deleteErr, "cannot delete from the void"},
		{readOnly.Write(ctx, named("a")), "cannot write to the test, which was opened for reading only"},
		{readOnlyDelete, "cannot delete from the test, which was opened for reading only"},
	} {
		if !errors.Is(c.err, errors.ErrUnsupported) || c.err.Error() != c.want+": unsupported operation" {
			t.Errorf("got the error %v, want %q", c.err, c.want)
		}
	}
	if got := void.Capabilities(); got != (store.Capabilities{}) {
		t.Errorf("a driver that can nothing has the capabilities %+v", got)
	}
	if got, want := readOnly.Capabilities(), (store.Capabilities{Read: true, List: true, Feed: true}); got != want || !readOnly.IsReadOnly() {
		t.Errorf("a read-only store has the capabilities %+v, want %+v", got, want)
	}
	if got := void.PythonAnswers(); got.Driver != "" || got.Traces != nil {
		t.Errorf("a driver that declares nothing has the answers %+v", got)
	}
}

// A driver may yield equal notifications and notifications of other traces. The Store drops
// them.
func TestNotificationsOfADriver(t *testing.T) {
	other := named("x")
	other[0].BaseID = "ID"
	damage := &store.DamageError{Entry: "line 7", Reason: errors.New("half a line")}
	batch := named("a", "b", "a")
	s := store.New(&programmed{read: func(ctx context.Context, yield func(osprofiler.Notification, error) bool) {
		yields(append(other, batch...)...)(ctx, yield)
		yield(osprofiler.Notification{}, fmt.Errorf("reading: %w", damage))
	}})
	dropped := 0
	for _, c := range []struct {
		id   string
		opts []store.ReadOption
		want string
	}{
		{"id", nil, "a, b, reading: skipped line 7: half a line"},
		{"id", []store.ReadOption{store.CountDuplicates(&dropped)}, "a, b, reading: skipped line 7: half a line"},
		{"id", []store.ReadOption{store.KeepDuplicates()}, "a, b, a, reading: skipped line 7: half a line"},
		{"ID", nil, "x, reading: skipped line 7: half a line"},
		{"no", nil, `reading: skipped line 7: half a line, no such trace: "no"`},
	} {
		var got []string
		for n, err := range s.Notifications(t.Context(), c.id, c.opts...) {
			if err != nil {
				n.Name = err.Error()
			}
			got = append(got, n.Name)
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: got %s\nwant %s", c.id, text, c.want)
		}
	}
	if dropped != 1 {
		t.Errorf("%d duplicates were counted, want 1", dropped)
	}
	// A trace exists even if none of its notifications can be read.
	damage.InTrace = true
	for _, err := range s.Notifications(t.Context(), "no") {
		if errors.Is(err, store.ErrNotFound) {
			t.Error("a trace whose entries cannot be read is not found")
		}
	}
}

// The Store applies windows, filters and limits to what a driver yields.
func TestTracesOfADriver(t *testing.T) {
	var all []store.Summary
	for i := range 20 {
		minute := (i * 7) % 20
		all = append(all, store.Summary{BaseID: fmt.Sprint(minute), Timestamp: fmt.Sprintf("2024-05-06T07:%02d:00", minute), Failed: minute%2 == 0, FirstFailure: "2024-05-06T08:00:00"})
	}
	broken := errors.New("broken")
	s := store.New(&programmed{list: func(_ context.Context, yield func(store.Summary, error) bool) {
		for i, t := range all {
			if i == 10 && !yield(store.Summary{}, &store.DamageError{Entry: "x", Reason: broken}) {
				return
			}
			if !yield(t, nil) {
				return
			}
		}
	}})
	at := func(minute int) time.Time { return time.Date(2024, 5, 6, 7, minute, 0, 0, time.UTC) }
	for _, c := range []struct {
		q    store.Query
		want string
	}{
		{store.Query{Limit: 3}, "19 18 17"},
		{store.Query{Since: at(5), Until: at(9), Limit: 10}, "8 7 6 5"},
		{store.Query{Since: at(5), Until: at(9), Limit: 2}, "8 7"},
		{store.Query{Since: at(17)}, "17 18 19"}, // in the driver's order
		{store.Query{Failed: true, Limit: 2}, "0 10"},
		{store.Query{Service: "api"}, ""},
	} {
		var got []string
		damaged := 0
		for s, err := range s.Traces(t.Context(), c.q) {
			if err != nil {
				damaged++
				continue
			}
			got = append(got, s.BaseID)
		}
		if text := strings.Join(got, " "); text != c.want || damaged != 1 {
			t.Errorf("%+v: got %s and %d errors, want %s and 1", c.q, text, damaged, c.want)
		}
	}
}

// Deleting a trace that does not exist fails with ErrNotFound.
func TestDelete(t *testing.T) {
	s := store.New(&programmed{delete: func(_ context.Context, id string) (int, error) { return len(id), nil }})
	if n, err := s.Delete(t.Context(), "abc"); n != 3 || err != nil {
		t.Errorf("Delete: %d, %v", n, err)
	}
	if _, err := s.Delete(t.Context(), ""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Delete of nothing: %v", err)
	}
}

// A wrapper changes the methods that it implements and keeps the others.
func TestWrapper(t *testing.T) {
	inner := &programmed{read: yields(named("a")...)}
	w := &counting{Driver: store.New(inner).Driver()}
	s := store.New(w)
	if got := s.Capabilities(); got != (store.Capabilities{Write: true, Read: true, List: true, Feed: true, Delete: true}) {
		t.Errorf("the wrapped store has the capabilities %+v", got)
	}
	if err := s.Write(t.Context(), named("a")); err != nil || w.writes != 1 {
		t.Errorf("Write: %v, seen %d times", err, w.writes)
	}
	for n, err := range s.Notifications(t.Context(), "id") {
		if n.Name != "a" || err != nil {
			t.Errorf("read %v, %v", n.Name, err)
		}
	}
}

type counting struct {
	driver.Driver
	writes int
}

func (c *counting) Unwrap() driver.Driver { return c.Driver }

func (c *counting) Write(ctx context.Context, batch []osprofiler.Notification) error {
	c.writes++
	w, _ := driver.As[driver.Writer](c.Driver)
	return w.Write(ctx, batch)
}

// The error of a call includes the cause of a context that has ended.
func TestCauseOfTheContext(t *testing.T) {
	why := errors.New("the request was abandoned")
	s := store.New(&programmed{write: func(ctx context.Context, _ []osprofiler.Notification) error {
		<-ctx.Done()
		return errors.New("the connection was closed")
	}})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := s.Write(ctx, named("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("Write with a done context: %v", err)
	}
	ctx, cancel = context.WithCancelCause(t.Context())
	time.AfterFunc(time.Millisecond, func() { cancel(why) })
	if err := s.Write(ctx, named("a")); !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
		t.Errorf("Write whose context ended: %v", err)
	}
}
