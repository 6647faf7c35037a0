package loginsight_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/loginsight"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
	"github.com/osprofiler-otel/osprofiler/store"
)

// plainClient returns a client of a server.
func plainClient(t *testing.T, server *loginsightserver.Server) *loginsight.Client {
	t.Helper()
	client, err := loginsight.NewClient(loginsight.ClientConfig{
		Host: server.Host, Username: loginsightserver.Username, Password: loginsightserver.Password, TLS: trusting(t, server),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// numbered returns events, one a millisecond, the oldest first.
func numbered(count int, since time.Time) []loginsightserver.Event {
	events := make([]loginsightserver.Event, count)
	for i := range events {
		events[i] = loginsightserver.Event{Text: fmt.Sprintf("disk %d", i), Timestamp: since.UnixMilli() + int64(i)}
	}
	return events
}

// Events yields each event once, whatever bounds the caller sets for the time.
func TestEventsWithBounds(t *testing.T) {
	const count = loginsight.MaxEvents + 100
	server := loginsightserver.New(t)
	since := time.Now().Add(-time.Hour)
	server.Add(numbered(count, since)...)
	client := plainClient(t, server)
	at := func(i int) string { return fmt.Sprint(since.UnixMilli() + int64(i)) }
	for _, c := range []struct {
		bounds []loginsight.Constraint
		want   int
	}{
		{[]loginsight.Constraint{{"timestamp", "LE", at(count)}}, count},
		{[]loginsight.Constraint{{"timestamp", "<=", at(count - 11)}}, count - 10},
		{[]loginsight.Constraint{{"timestamp", "LT", at(count)}, {"timestamp", "GT", at(9)}}, count - 10},
		{[]loginsight.Constraint{{"timestamp", "LE", at(5)}, {"timestamp", "LE", at(count - 1)}}, count}, // alternatives
		{[]loginsight.Constraint{{"timestamp", ">", at(count - 11)}}, 10},
		{[]loginsight.Constraint{{"timestamp", "GE", at(count - 11)}, {"timestamp", "GT", "0"}}, 11},
	} {
		seen := map[string]bool{}
		for e, err := range client.Events(t.Context(), append([]loginsight.Constraint{loginsight.Contains("text", "disk")}, c.bounds...)...) {
			if err != nil || seen[e.Text] {
				t.Fatalf("%v: %s comes again, or %v", c.bounds, e.Text, err)
			}
			seen[e.Text] = true
		}
		if len(seen) != c.want {
			t.Errorf("%v: %d events, want %d", c.bounds, len(seen), c.want)
		}
	}
}

// A server that ignores the bounds of a query causes an error, not an endless loop.
func TestBoundsIgnored(t *testing.T) {
	server := loginsightserver.New(t)
	server.Add(numbered(loginsight.MaxEvents+100, time.Now().Add(-time.Hour))...)
	server.IgnoreTime(true)
	client := plainClient(t, server)
	few := 0
	for _, err := range client.Events(t.Context(), loginsight.Contains("text", "11*")) {
		if err != nil {
			t.Fatal(err)
		}
		few++
	}
	if few != 1111 { // by two queries
		t.Errorf("%d events, want 1111", few)
	}
	n := 0
	var last error
	for _, err := range client.Events(t.Context(), loginsight.Contains("text", "disk")) {
		if last = err; err == nil {
			n++
		}
		if n > 3*loginsight.MaxEvents {
			t.Fatal("the events do not end")
		}
	}
	if last == nil || !strings.Contains(last.Error(), "to a query for those before") || store.IsTransient(last) {
		t.Errorf("%d events, %v", n, last)
	}
}

// A millisecond with too many events, under an upper bound of the caller, is skipped and
// reported once.
func TestFullMillisecondWithBound(t *testing.T) {
	server := loginsightserver.New(t)
	since := time.Now().Add(-time.Hour)
	server.Add(numbered(5, since)...)
	for i, e := range numbered(loginsight.MaxEvents+1, since) {
		e.Text, e.Timestamp = fmt.Sprintf("disk at once %d", i), since.UnixMilli()+10
		server.Add(e)
	}
	n := 0
	var last error
	bound := loginsight.Constraint{Field: "timestamp", Operator: "LT", Value: fmt.Sprint(time.Now().UnixMilli())}
	for _, err := range plainClient(t, server).Events(t.Context(), loginsight.Contains("text", "disk"), bound) {
		if last = err; err == nil {
			n++
		}
		if n > 3*loginsight.MaxEvents {
			t.Fatal("the events do not end")
		}
	}
	if n != loginsight.MaxEvents+5 || last == nil || !strings.Contains(last.Error(), "which no query can tell apart") {
		t.Errorf("%d events, %v", n, last)
	}
}

// No event is missing if a server returns fewer events than the query asks for.
func TestCappedAnswers(t *testing.T) {
	for _, c := range []struct {
		count, cap int
		perMilli   int
		complete   bool
	}{
		{1000, 300, 1, true},
		{1000, 300, 7, true},
		{1000, 100, 70, true},
		{100, 0, 100, true},
		{1000, 0, 1000, true}, // all at once
		{1000, 100, 150, false},
	} {
		server := loginsightserver.New(t)
		since := time.Now().Add(-time.Hour)
		events := numbered(c.count, since)
		for i := range events {
			events[i].Timestamp = since.UnixMilli() + int64(i/c.perMilli)
		}
		server.Add(events...)
		server.SetCap(c.cap)
		seen := map[string]bool{}
		var last error
		for e, err := range plainClient(t, server).Events(t.Context(), loginsight.Contains("text", "disk")) {
			if last = err; err == nil {
				if seen[e.Text] {
					t.Errorf("%+v: %s came twice", c, e.Text)
				}
				seen[e.Text] = true
			}
		}
		if c.complete && (len(seen) != c.count || last != nil) || !c.complete && (last == nil || !strings.Contains(last.Error(), "which no query can tell apart")) {
			t.Errorf("%+v: %d events, %v", c, len(seen), last)
		}
	}
}

// No event is missing if the order of the events of one millisecond changes from answer to
// answer.
func TestShuffledMilliseconds(t *testing.T) {
	server := loginsightserver.New(t)
	since := time.Now().Add(-time.Hour)
	events := numbered(1000, since)
	for i := range events {
		events[i].Timestamp = since.UnixMilli() + int64(i/60)
	}
	server.Add(events...)
	server.SetCap(150)
	server.Shuffle(1)
	seen := map[string]bool{}
	for e, err := range plainClient(t, server).Events(t.Context(), loginsight.Contains("text", "disk")) {
		if err != nil || seen[e.Text] {
			t.Fatalf("%s came twice, or %v", e.Text, err)
		}
		seen[e.Text] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d events, want 1000", len(seen))
	}
}

// A field that is a part of a text beyond ASCII is read back as it was sent.
func TestPositionsBeyondASCII(t *testing.T) {
	server := loginsightserver.New(t)
	client := plainClient(t, server)
	sent := loginsight.Event{Text: "ż😀 disk ✓ ż", Fields: []loginsight.Field{{Name: "what", Content: "disk"}, {Name: "sign", Content: "😀 disk ✓"}}}
	if err := client.SendEvents(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	result, err := client.QueryEvents(t.Context(), loginsight.Query{Constraints: []loginsight.Constraint{loginsight.Contains("what", "disk")}})
	if err != nil || len(result.Events) != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	for _, f := range sent.Fields {
		if got, _ := result.Events[0].Field(f.Name); got != f.Content {
			t.Errorf("%s is %q, want %q", f.Name, got, f.Content)
		}
	}
}
