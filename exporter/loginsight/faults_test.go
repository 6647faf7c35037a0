package loginsight_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/loginsight"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	ingestion = "/events/ingest/"
	queries   = "/events/base_id/"
)

// Write returns the right error about its batch for each answer of the server.
func TestWriteOutcomes(t *testing.T) {
	for _, c := range []struct {
		fault     loginsightserver.Fault
		error     string // "" for success
		transient bool
		refused   int
	}{
		{fault: loginsightserver.Fault{Status: 429, Text: `{"errorMessage": "slow down"}`}, error: "answers: 429 Too Many Requests: slow down", transient: true},
		{fault: loginsightserver.Fault{Status: 503}, error: "answers: 503 Service Unavailable", transient: true},
		{fault: loginsightserver.Fault{Status: 503, RetryAfter: "1", Times: 1}},
		{fault: loginsightserver.Fault{Status: 429, RetryAfter: "1", Times: 1}},
		{fault: loginsightserver.Fault{Status: 500}, error: "answers: 500 Internal Server Error", transient: true},
		{fault: loginsightserver.Fault{Status: 502}, error: "answers: 502 Bad Gateway", transient: true},
		{fault: loginsightserver.Fault{Status: 504}, error: "answers: 504 Gateway Timeout", transient: true},
		{fault: loginsightserver.Fault{Status: 507}, error: "answers: 507 Insufficient Storage", transient: true},
		{fault: loginsightserver.Fault{Status: 404, Text: "<html>"}, error: "answers: 404 Not Found"},
		{fault: loginsightserver.Fault{Status: 403}, error: "does not give the user the right to do this: 403 Forbidden"},
		{fault: loginsightserver.Fault{Status: 400, Text: `{"errorMessage": "odd", "errorCode": "X"}`}, error: "answers: 400 Bad Request: odd"}, // all events, so that the server does
		{fault: loginsightserver.Fault{Status: 400, Text: `{"errorMessage": "odd"}`, Body: "00000001-"}, error: "answers: 400 Bad Request: odd", refused: 1},
		{fault: loginsightserver.Fault{Status: 400, Text: "this is a proxy"}, error: "answers: 400 Bad Request: this is a proxy"},
		{fault: loginsightserver.Fault{Status: 413, Body: "00000001-"}, error: "answers: 413 Request Entity Too Large", refused: 1},
		{fault: loginsightserver.Fault{Status: 200, Text: "<html>welcome"}, error: `does not answer as Log Insight does: "<html>welcome"`},
		{fault: loginsightserver.Fault{Status: 200, Text: `{"status": "ok", "message": "events ingested", "ingested": 9}`}, error: "it took 9 of 3 events", transient: true},
		{fault: loginsightserver.Fault{Status: 200, Text: `{"status": "ok", "message": "events ingested", "ingested": 0}`}, error: "it took 0 of 1 events", transient: true},
		{fault: loginsightserver.Fault{Drop: "00000001-"}, error: "it took 0 of 1 events", refused: 1},
		{fault: loginsightserver.Fault{LoseAnswer: true}, error: "was lost", transient: true},
		{fault: loginsightserver.Fault{CutAfter: 10}, error: "was lost", transient: true},
		{fault: loginsightserver.Fault{Hang: time.Millisecond}, error: "was lost", transient: true},
	} {
		t.Run(fmt.Sprintf("%d %s%d %v", c.fault.Status, c.fault.RetryAfter, c.fault.CutAfter, c.fault.Hang), func(t *testing.T) {
			server := loginsightserver.New(t)
			s := open(t, server.URL())
			if c.fault.Times == 0 {
				c.fault.Times = -1
			}
			c.fault.Path = ingestion
			server.Inject(c.fault)
			err := s.Write(t.Context(), notes(otherID, 3))
			if c.error == "" {
				if err != nil || len(read(t, s, otherID)) != 3 {
					t.Errorf("got %v", err)
				}
				return
			}
			missing := 3
			if c.refused > 0 {
				missing = c.refused
			}
			var lost *store.WriteError
			if !errors.As(err, &lost) || lost.Transient != c.transient || len(lost.Missing) != missing || len(lost.Refused) != c.refused || !strings.Contains(err.Error(), c.error) {
				t.Fatalf("got %v (%+v), want %+v", err, lost, c)
			}
			if c.refused != 1 {
				return
			}
			if got := len(read(t, s, otherID)); got != 2 {
				t.Errorf("%d notifications are stored, want 2", got)
			}
		})
	}
}

// If a server always drops one event, the other events are not sent again and again.
func TestDroppedEvent(t *testing.T) {
	server := loginsightserver.New(t)
	server.Inject(loginsightserver.Fault{Path: ingestion, Drop: "000000c8-", Times: -1}) // number 200
	var lost *store.WriteError
	err := open(t, server.URL()).Write(t.Context(), notes(otherID, 500))
	if !errors.As(err, &lost) || fmt.Sprint(lost.Refused, lost.Missing) != "[200] [200]" || lost.Transient {
		t.Fatalf("got %v", err)
	}
	counts := map[string]int{}
	for _, e := range server.Events() {
		counts[*e.Fields[1].Content]++
	}
	if len(counts) != 499 || len(server.Events()) > 1500 || server.Count(ingestion) > 20 {
		t.Errorf("%d events of %d notifications by %d requests", len(server.Events()), len(counts), server.Count(ingestion))
	}
}

// If a notification is refused, none of its parts stays, and the rest of the batch is
// stored.
func TestRefusedParts(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL())
	batch := notes(otherID, 3)
	batch[1].Info = osprofiler.Info(`{"host": "h", "text": "` + strings.Repeat("x", 100_000) + `"}`)
	server.Inject(loginsightserver.Fault{Path: ingestion, Body: `"osp_number", "content": "2"`, Status: 400, Text: `{"errorMessage": "odd"}`, Times: -1})
	var lost *store.WriteError
	if err := s.Write(t.Context(), batch); !errors.As(err, &lost) || fmt.Sprint(lost.Refused, lost.Missing) != "[1] [1]" {
		t.Fatalf("got %v", err)
	}
	if got := len(read(t, s, otherID)); got != 2 {
		t.Errorf("%d notifications are stored, want 2", got)
	}
}

// While a server fails at random, every notification is either acknowledged and read
// exactly once, or reported as missing.
func TestUnreliableServer(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL())
	for i, f := range []loginsightserver.Fault{
		{Status: 503}, {CutAfter: 5}, {Status: 429}, {Hang: time.Millisecond}, {Status: 500}, {CutAfter: 30}, {Status: 400, Text: `{"errorMessage": "odd"}`},
	} {
		f.Path, f.After, f.Times = ingestion, 3*i, 1+i%2
		server.Inject(f)
	}
	stored, refused := map[string]bool{}, map[string]bool{}
	for i := range 40 {
		batch := notes(otherID, 20)
		for j := range batch {
			batch[j].TraceID = fmt.Sprintf("%04d-%04d", i, j)
		}
		err := store.Retry{Initial: time.Millisecond, Max: time.Millisecond}.Write(t.Context(), s, batch)
		var lost *store.WriteError
		missing := map[int]bool{}
		if errors.As(err, &lost) {
			for _, j := range lost.Missing {
				missing[j] = true
			}
		} else if err != nil {
			t.Fatal(err)
		}
		for j, n := range batch {
			stored[n.TraceID], refused[n.TraceID] = !missing[j], missing[j]
		}
	}
	got := map[string]int{}
	for _, n := range read(t, s, otherID) {
		got[n.TraceID]++
	}
	for id, ok := range stored {
		if ok && got[id] != 1 || got[id] > 1 || !ok && !refused[id] {
			t.Errorf("%s: acknowledged: %v, read %d times", id, ok, got[id])
		}
	}
	if len(got) != len(stored) {
		t.Logf("%d of %d were refused", len(stored)-len(got), len(stored))
	}
}

// A read that fails in the middle returns an error. The notifications before it are
// correct.
func TestReadFaults(t *testing.T) {
	for _, c := range []struct {
		fault     loginsightserver.Fault
		error     string
		transient bool
		read      int
	}{
		{loginsightserver.Fault{CutAfter: 2000}, "was lost", true, 0},
		{loginsightserver.Fault{CutAfter: 20}, "was lost", true, 0},
		{loginsightserver.Fault{Hang: time.Millisecond, Times: -1}, "was lost", true, 0},
		{loginsightserver.Fault{Incomplete: true}, "did not find all events within the query_timeout of 1m0s: TIMEOUT", true, 10},
		{loginsightserver.Fault{Status: 500}, "answers: 500 Internal Server Error", true, 0},
		{loginsightserver.Fault{Status: 503, Times: 2}, "", false, 10},
		{loginsightserver.Fault{Status: 429, RetryAfter: "1"}, "", false, 10},
		{loginsightserver.Fault{Status: 400, Text: `{"errorMessage": "too complex"}`}, "answers: 400 Bad Request: too complex", false, 0},
		{loginsightserver.Fault{Status: 200, Text: `{"complete": true, "events": [{"fields": [`}, "was lost", true, 0},
		{loginsightserver.Fault{Status: 200, Text: `[]`}, `does not answer as Log Insight does: "JSON of another kind"`, false, 0},
		{loginsightserver.Fault{Status: 200, Text: `{"hits": []}`}, "does not answer as Log Insight does", false, 0},
		{loginsightserver.Fault{Status: 200, Text: `hello`}, "does not answer as Log Insight does", false, 0},
		{loginsightserver.Fault{Status: 440, Text: "Login Timeout"}, "", false, 10},
		{loginsightserver.Fault{Status: 401, Text: "Invalid session ID"}, "", false, 10},
	} {
		server := loginsightserver.New(t)
		s := open(t, server.URL())
		if err := s.Write(t.Context(), notes(otherID, 10)); err != nil {
			t.Fatal(err)
		}
		c.fault.Path = queries
		server.Inject(c.fault)
		n := 0
		var last error
		for _, err := range s.Notifications(t.Context(), otherID) {
			if last = err; err == nil {
				n++
			}
		}
		if n != c.read || (last == nil) != (c.error == "") || last != nil && (!strings.Contains(last.Error(), c.error) || store.IsTransient(last) != c.transient) {
			t.Errorf("%+v: %d notifications, %v (transient: %v)", c, n, last, store.IsTransient(last))
		}
	}
}

// Events that the server has accepted can be read when it has indexed them.
func TestDelayedIndex(t *testing.T) {
	server := loginsightserver.New(t)
	server.SetIndexDelay(200 * time.Millisecond)
	s := open(t, server.URL())
	batch := notes(otherID, 3)
	batch[1].Info = osprofiler.Info(`{"host": "h", "text": "` + strings.Repeat("x", 100_000) + `"}`)
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for try := 0; ; try++ {
		n := 0
		for _, err := range s.Notifications(t.Context(), otherID) {
			if err == nil {
				n++
			}
		}
		if n == 3 {
			return
		}
		if try == 200 {
			t.Fatalf("%d notifications, want 3", n)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// many are more events than one query gives.
const many = 25_000

// A trace of more events than one query gives is read whole, and listed, also if the
// session ends and the server is busy in the middle.
func TestManyEvents(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL())
	if err := s.Write(t.Context(), notes(otherID, many)); err != nil {
		t.Fatal(err)
	}
	server.Inject(loginsightserver.Fault{Path: queries, After: 1, Status: 440, Text: "Login Timeout"})
	server.Inject(loginsightserver.Fault{Path: queries, After: 1, Status: 503, RetryAfter: "1"})
	server.Requests()
	got := read(t, s, otherID)
	ids := map[string]bool{}
	for _, n := range got {
		ids[n.TraceID] = true
	}
	if len(got) != many || len(ids) != many {
		t.Errorf("%d notifications of %d operations, want %d", len(got), len(ids), many)
	}
	if n := server.Count(queries); n != 6 { // the last two because an answer may have been cut
		t.Errorf("%d queries, want 4", n)
	}
	for summary, err := range s.Traces(t.Context(), store.Query{}) {
		if err != nil || summary.Notifications != many || summary.Operations != many {
			t.Errorf("%+v, %v", summary, err)
		}
	}
}

// A server may say that an answer is incomplete because of the limit.
func TestIncompleteByLimit(t *testing.T) {
	server := loginsightserver.New(t)
	at := time.Now().Add(-time.Hour)
	var events []loginsightserver.Event
	for i := range loginsight.MaxEvents + 10 {
		events = append(events, stored(note(otherID, i), at.Add(time.Duration(i)*time.Millisecond)))
	}
	server.Add(events...)
	s := open(t, server.URL())
	server.Inject(loginsightserver.Fault{Path: queries, Truncated: true})
	if got := len(read(t, s, otherID)); got != len(events) {
		t.Errorf("%d notifications, want %d", got, len(events))
	}
}

// stored returns the event of a notification that arrived at a time.
func stored(n osprofiler.Notification, arrived time.Time) loginsightserver.Event {
	e := loginsightserver.Event{Text: "OSProfiler trace", Timestamp: arrived.UnixMilli()}
	for name, content := range map[string]string{"base_id": n.BaseID, "trace": n.JSON()} {
		e.Fields = append(e.Fields, loginsightserver.Field{Name: name, Content: &content})
	}
	return e
}

// More events in one millisecond than one query gives are an error behind all others.
func TestManyEventsAtOnce(t *testing.T) {
	server := loginsightserver.New(t)
	at := time.Now().Add(-time.Hour)
	var events []loginsightserver.Event
	for i := range many {
		arrived := at
		if i < 10 {
			arrived = at.Add(-time.Second)
		} else if i >= many-10 {
			arrived = at.Add(time.Second)
		}
		events = append(events, stored(note(otherID, i), arrived))
	}
	server.Add(events...)
	s := open(t, server.URL())
	n := 0
	var last error
	for _, err := range s.Notifications(t.Context(), otherID) {
		if last = err; err == nil {
			n++
		}
	}
	var damage *store.DamageError
	if n < loginsight.MaxEvents || n == many || !errors.As(last, &damage) || !damage.InTrace || !strings.Contains(last.Error(), "which no query can tell apart") {
		t.Errorf("%d notifications, %v", n, last)
	}
	const older = "0a1b2c3d-0000-4000-8000-00000000e002"
	server.Add(stored(note(older, 1), at.Add(-time.Minute)))
	for _, q := range []store.Query{{}, {Limit: 5}, {Since: time.Unix(1, 0)}} {
		ids, damages := map[string]bool{}, 0
		for summary, err := range s.Traces(t.Context(), q) {
			switch {
			case store.Ends(err):
				t.Fatalf("%+v: %v", q, err)
			case err != nil:
				damages++
			default:
				ids[summary.BaseID] = true
			}
		}
		if !ids[otherID] || !ids[older] || damages == 0 {
			t.Errorf("%+v: the traces are %v, with %d damages", q, ids, damages)
		}
	}
}

// An answer that is too large for the memory is asked for in smaller slices.
func TestLargeAnswers(t *testing.T) {
	server := loginsightserver.New(t)
	at := time.Now().Add(-time.Hour)
	var events []loginsightserver.Event
	for i := range 300 {
		n := note(otherID, i)
		n.Info = osprofiler.Info(`{"text": "` + strings.Repeat("x", 1000) + `"}`)
		events = append(events, stored(n, at.Add(time.Duration(i/7)*time.Millisecond)))
	}
	server.Add(events...)
	s := open(t, server.URL())
	defer loginsight.SetMostAnswer(60_000)()
	if got := read(t, s, otherID); len(got) != 300 {
		t.Errorf("%d notifications, want 300", len(got))
	}
	reset := loginsight.SetMostAnswer(5000) // less than the events of one millisecond
	_, last := 0, error(nil)
	for _, err := range s.Notifications(t.Context(), otherID) {
		last = err
	}
	reset()
	if last == nil || !strings.Contains(last.Error(), "which no query can tell apart") {
		t.Errorf("got %v", last)
	}
	defer loginsight.SetMostAnswer(100)()
	if _, err := first(s.Notifications(t.Context(), otherID)); !errors.Is(err, loginsight.ErrTooMuch) {
		t.Errorf("got %v", err)
	}
}
