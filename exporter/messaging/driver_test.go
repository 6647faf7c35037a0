package messaging

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// event returns a notification of the trace with this base id.
func event(baseID string, i int) osprofiler.Notification {
	return osprofiler.Notification{
		Name: fmt.Sprintf("n%d-start", i), BaseID: baseID, TraceID: fmt.Sprint("t", i), ParentID: baseID,
		Timestamp: fmt.Sprintf("2024-05-06T07:08:%02d.000000", i%60), Info: `{"host": "h"}`, Project: "p", Service: "s",
	}
}

// gather returns the names of the notifications of a sequence, and its errors.
func gather(sequence iter.Seq2[osprofiler.Notification, error]) (names string, errs []error) {
	for n, err := range sequence {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		names += n.BaseID + n.Name + " "
	}
	return names, errs
}

func TestReadAndList(t *testing.T) {
	m, f := onFake()
	s := store.New(m)
	ctx := t.Context()
	f.put("nonsense")
	if err := s.Write(ctx, []osprofiler.Notification{event("a", 1), event("ab", 2), event("a", 3)}); err != nil {
		t.Fatal(err)
	}
	f.put(`{"priority": "ERROR", "payload": {}}`)
	names, errs := gather(s.Notifications(ctx, "a"))
	if names != "an1-start an3-start " || len(errs) != 1 || store.Ends(errs[0]) ||
		errs[0].Error() != `skipped 2 messages of the fake bus that are no notifications of OSProfiler: the first is a message: it is not JSON; they stay there` {
		t.Errorf("got %s, %v", names, errs)
	}
	var traces []string
	for summary, err := range s.Traces(ctx, store.Query{First: true}) {
		if err == nil {
			traces = append(traces, fmt.Sprint(summary.BaseID, summary.Notifications, summary.First.Name))
		}
	}
	if got := fmt.Sprint(traces); got != "[a2n1-start ab1n2-start]" {
		t.Errorf("the listing is %s", got)
	}
	if len(f.lying) != 5 {
		t.Errorf("%d messages are left", len(f.lying))
	}
	if _, errs := gather(s.Notifications(ctx, "x")); len(errs) != 2 || !errors.Is(errs[1], store.ErrNotFound) {
		t.Errorf("got %v", errs)
	}
}

// The traces of a request are found with one peek at the messages.
func TestRequestIsFoundByOnePeek(t *testing.T) {
	m, f := onFake()
	s := store.New(m)
	f.put("nonsense")
	var all []osprofiler.Notification
	for i := range 9 {
		n := event(fmt.Sprint("trace", i/2), i)
		if i%4 == 1 {
			n.Info = `{"openstack": {"request_id": "req-1"}}`
		}
		all = append(all, n)
	}
	if err := s.Write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	peeks := 0
	f.onPeek = func() { peeks++ }
	var traces []string
	var warnings int
	for summary, err := range s.Traces(t.Context(), store.Query{RequestID: "req-1", First: true}) {
		if err != nil {
			warnings++
			continue
		}
		traces = append(traces, fmt.Sprint(summary.BaseID, " ", summary.Notifications, summary.First.Name))
	}
	if got := strings.Join(traces, ", "); got != "trace0 2n0-start, trace2 2n4-start" || warnings != 1 || peeks != 1 {
		t.Errorf("%s are listed with %d warnings after %d peeks", got, warnings, peeks)
	}
}

// A peek that ends before the last message reports that. If the trace was found, the report is
// a warning after the trace. If not, it is the error.
func TestPeekLimit(t *testing.T) {
	m, _ := onFake(WithPeek(2))
	s := store.New(m)
	ctx := t.Context()
	if err := s.Write(ctx, []osprofiler.Notification{event("a", 1), event("b", 2), event("c", 3)}); err != nil {
		t.Fatal(err)
	}
	names, errs := gather(s.Notifications(ctx, "b"))
	if names != "bn2-start " || len(errs) != 1 || store.Ends(errs[0]) || !strings.Contains(errs[0].Error(), "behind the first 2: option osp_peek=2 of the connection string ends the search there") {
		t.Errorf("got %s, %v", names, errs)
	}
	names, errs = gather(s.Notifications(ctx, "c"))
	if names != "" || len(errs) != 1 || !errors.Is(errs[0], store.ErrNotFound) || !strings.Contains(errs[0].Error(), `"c" is not among the first 2 messages of the fake bus`) {
		t.Errorf("got %s, %v", names, errs)
	}
	if names, errs := gather(s.Peek(ctx)); names != "an1-start bn2-start " || len(errs) != 1 {
		t.Errorf("got %s, %v", names, errs)
	}
}

func TestConsume(t *testing.T) {
	m, f := onFake()
	s := store.New(m)
	ctx := t.Context()
	f.put("nonsense")
	f.put("nonsense")
	if err := s.Write(ctx, []osprofiler.Notification{event("a", 1), event("a", 2)}); err != nil {
		t.Fatal(err)
	}
	f.put(`{"event_type": "compute.x"}`)
	c, err := s.Consume(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f.consumed.fails = &store.TransientError{Err: errBroken}
	names, errs := gather(c.Take(ctx))
	if names != "an1-start an2-start " || len(errs) != 4 || store.Ends(errs[0]) || store.Ends(errs[2]) || !errors.Is(errs[3], errBroken) {
		t.Errorf("got %s, %v", names, errs)
	}
	var damage *store.DamageError
	if !errors.As(errs[0], &damage) || !damage.Foreign || damage.Kind != "it is not JSON" || errs[0].Error() != "skipped a message: it is not JSON; it stays there" {
		t.Errorf("got %+v", errs[0])
	}
	c.Leave("4") // the target refused it
	if err := c.Acknowledge(ctx, "6"); err == nil {
		t.Error("a position that was not reached is acknowledged")
	}
	if err := c.Acknowledge(ctx, c.Position()); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if len(f.lying) != 4 { // the foreign messages, and the message that was left
		t.Errorf("%d messages are left", len(f.lying))
	}
}

// A queue of our own has no other reader. So a message of another program is removed from it,
// and a damaged message of ours stays.
func TestConsumeOwnQueue(t *testing.T) {
	m, f := onFake(WithQueue("osp"))
	s := store.New(m)
	f.put("nonsense")
	f.put(`{"event_type": "profiler.nova", "priority": "INFO", "payload": 7}`)
	c, err := s.Consume(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, errs := gather(c.Take(t.Context()))
	if len(errs) != 2 || !strings.Contains(errs[0].Error(), "; it is removed, because no other program reads the queue") || !strings.Contains(errs[1].Error(), "; it stays there") {
		t.Errorf("got %v", errs)
	}
	if err := errors.Join(c.Acknowledge(t.Context(), c.Position()), c.Close()); err != nil {
		t.Error(err)
	}
	if len(f.lying) != 1 || !strings.Contains(string(f.lying[0].Body), "nova") {
		t.Errorf("%d messages are left", len(f.lying))
	}
}

// The error for a damaged message has the whole message. The message stays on the bus, unless
// Dispose names it before it is acknowledged.
func TestDispose(t *testing.T) {
	m, f := onFake()
	s := store.New(m)
	damaged := func(i int) string {
		return fmt.Sprintf(`{"event_type": "profiler.nova", "priority": "INFO", "payload": %d}`, i)
	}
	f.put(damaged(0))
	f.put(damaged(1))
	f.put("nonsense")
	f.lying[1].Redelivered = true
	c, err := s.Consume(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var again []bool
	for _, err := range c.Take(t.Context()) {
		var damage *store.DamageError
		if !errors.As(err, &damage) || damage.Foreign != (c.Position() == "3") || !damage.Foreign && string(damage.Body) != damaged(len(again)) || damage.Foreign && damage.Body != nil {
			t.Errorf("got %+v", err)
		}
		is, known := c.Redelivered()
		if again = append(again, is); !known {
			t.Error("it cannot tell what was redelivered")
		}
	}
	if !slices.Equal(again, []bool{false, true, false}) || !c.CanDispose() {
		t.Errorf("redelivered were %v", again)
	}
	c.Dispose("1")
	if err := errors.Join(c.Acknowledge(t.Context(), c.Position()), c.Close()); err != nil {
		t.Error(err)
	}
	if len(f.lying) != 2 || string(f.lying[0].Body) != damaged(1) || string(f.lying[1].Body) != "nonsense" {
		t.Errorf("left are %+v", f.lying)
	}
}

func TestWriteRefused(t *testing.T) {
	m, f := onFake()
	f.refuse = func(body []byte) error {
		if strings.Contains(string(body), "n2-start") {
			return errors.New("it is too large")
		}
		return nil
	}
	err := store.New(m).Write(context.Background(), []osprofiler.Notification{event("a", 1), event("a", 2), event("a", 3)})
	var partial *store.WriteError
	if !errors.As(err, &partial) || len(partial.Refused) != 1 || partial.Refused[0] != 1 || len(f.lying) != 2 {
		t.Errorf("got %v", err)
	}
}

func TestPythonCannotList(t *testing.T) {
	m, _ := onFake()
	answers := store.New(m).PythonAnswers()
	for _, err := range answers.Traces(t.Context(), nil) {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v", err)
		}
	}
}

// With an idle timeout, a read waits for later notifications. It removes nothing, and yields
// nothing twice.
func TestReadWaits(t *testing.T) {
	m, f := onFake(WithIdleTimeout(time.Millisecond))
	peeks := 0
	f.onPeek = func() {
		if peeks++; peeks <= 3 {
			f.put("nonsense")
			f.put(string(m.appendBody(nil, new(event("a", peeks)), sent)))
		}
	}
	names, errs := gather(store.New(m).Notifications(t.Context(), "a", store.KeepDuplicates()))
	if names != "an1-start an2-start an3-start " || len(errs) != 1 || peeks != 4 || len(f.lying) != 6 {
		t.Errorf("got %s, %v; %d peeks", names, errs, peeks)
	}
	f.onPeek = func() { peeks-- }
	if names, errs := gather(store.New(m).Notifications(t.Context(), "x")); names != "" || len(errs) != 2 || peeks != 2 {
		t.Errorf("got %s, %v; %d peeks", names, errs, 4-peeks)
	}
}
