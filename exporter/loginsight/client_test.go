package loginsight_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/loginsight"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
	"github.com/osprofiler-otel/osprofiler/store"
)

// read returns the notifications of a trace.
func read(t testing.TB, s *store.Store, baseID string) (all []osprofiler.Notification) {
	t.Helper()
	for n, err := range s.Notifications(t.Context(), baseID) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// note returns the start of an operation.
func note(baseID string, i int) osprofiler.Notification {
	return osprofiler.Notification{
		Name: "db-start", BaseID: baseID, TraceID: fmt.Sprintf("%08x-0000-4000-8000-000000000000", i), ParentID: baseID,
		Timestamp: osprofiler.FormatTime(time.Date(2024, 5, 6, 7, 8, 9, i*1000, time.UTC)), Info: `{"host": "host-1"}`, Project: "nova", Service: "api",
	}
}

func notes(baseID string, count int) []osprofiler.Notification {
	batch := make([]osprofiler.Notification, count)
	for i := range batch {
		batch[i] = note(baseID, i)
	}
	return batch
}

const otherID = "0a1b2c3d-0000-4000-8000-00000000e001"

// Many goroutines whose session ends make one new session, also while a read is in
// the middle of its slices.
func TestRenewal(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL())
	if err := s.Write(t.Context(), notes(otherID, 10)); err != nil {
		t.Fatal(err)
	}
	read(t, s, otherID)
	server.ExpireSessions()
	server.Requests()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if n := 0; true {
				for _, err := range s.Notifications(t.Context(), otherID) {
					if err != nil {
						t.Error(err)
					}
					n++
				}
				if n != 10 {
					t.Errorf("%d notifications, want 10", n)
				}
			}
		})
	}
	group.Wait()
	logins := 0
	for _, r := range server.Requests() {
		if r.Method == http.MethodPost {
			logins++
		}
	}
	if logins != 1 {
		t.Errorf("%d logins, want 1", logins)
	}
}

// A session that the server ends at once is an error, not a loop.
func TestRenewalInVain(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL())
	server.Inject(loginsightserver.Fault{Path: "/events/base_id", Status: 440, Text: "Login Timeout", Times: -1})
	_, err := first(s.Notifications(t.Context(), otherID))
	if err == nil || !strings.Contains(err.Error(), "does not know the session, although it was just made: 440 Login Timeout") || !store.IsTransient(err) {
		t.Errorf("got %v", err)
	}
	var answer *loginsight.APIError
	if !errors.As(err, &answer) || answer.Status != loginsight.StatusLoginTimeout {
		t.Errorf("no APIError in the chain of %v", err)
	}
}

// first returns the first element of a sequence.
func first[T any](sequence func(func(T, error) bool)) (one T, err error) {
	for one, err := range sequence {
		return one, err
	}
	return one, nil
}

// A server that takes events only in a session gets one.
func TestIngestionWithSession(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL())
	server.Inject(loginsightserver.Fault{Path: "/ingest/", Status: 401, Text: "Invalid session ID"})
	for range 2 {
		if err := s.Write(t.Context(), notes(otherID, 2)); err != nil {
			t.Fatal(err)
		}
	}
	requests := server.Requests()
	if len(requests) != 4 || requests[0].Header.Get("Authorization") != "" || !strings.HasPrefix(requests[2].Header.Get("Authorization"), "Bearer session-") || requests[3].Header.Get("X-LI-Session-Id") == "" {
		t.Errorf("the requests were %+v", requests)
	}
}

// By HTTP neither the password nor a session is ever sent.
func TestPlainIngestion(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL()+"&osp_plain_ingestion=yes")
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Inject(loginsightserver.Fault{Path: "/ingest/", Status: 401, Text: "Invalid session ID"})
	var lost *store.WriteError
	if err := s.Write(t.Context(), notes(otherID, 2)); !errors.As(err, &lost) || lost.Transient || len(lost.Missing) != 2 {
		t.Errorf("got %v", err)
	}
	plain := 0
	for _, r := range server.Requests() {
		if r.Secure {
			continue
		}
		plain++
		if r.Header.Get("Authorization")+r.Header.Get("X-LI-Session-Id") != "" || strings.Contains(r.Body, loginsightserver.Password) {
			t.Errorf("sent by HTTP: %+v", r)
		}
	}
	if plain != 2 {
		t.Errorf("%d requests by HTTP, want 2", plain)
	}
}

// A redirect is not followed, and no error shows what it carried.
func TestRedirect(t *testing.T) {
	server, other := loginsightserver.New(t), loginsightserver.New(t)
	s := open(t, server.URL())
	for _, path := range []string{"/sessions", "/ingest/"} {
		server.Inject(loginsightserver.Fault{Path: path, Status: 307, Location: "https://" + other.Host + ":9543/api/v1/sessions", Times: -1})
	}
	for name, err := range map[string]error{"Ping": s.Ping(t.Context()), "Write": s.Write(t.Context(), notes(otherID, 1))} {
		if err == nil || !strings.Contains(err.Error(), "answers with a redirect, which is not followed") || store.IsTransient(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := other.Requests(); len(got) != 0 {
		t.Errorf("the other server got %+v", got)
	}
}

// No error shows a password or a session that a server or a proxy repeats in its answer.
func TestNoSecretInErrors(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL())
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	session := ""
	server.Requests()
	server.Inject(loginsightserver.Fault{Path: "/events/base_id", Status: 404, Text: "no"})
	_, _ = first(s.Notifications(t.Context(), otherID))
	for _, r := range server.Requests() {
		session = r.Header.Get("X-LI-Session-Id")
	}
	for _, text := range []string{"you said " + loginsightserver.Password + " in " + session, `{"errorMessage": "you said ` + loginsightserver.Password + ` in ` + session + `"}`} {
		for _, status := range []int{200, 400, 401, 403, 404, 500} {
			server.Inject(loginsightserver.Fault{Path: "/events/base_id", Status: status, Text: text, Times: 2})
			_, err := first(s.Notifications(t.Context(), otherID))
			if err == nil || strings.Contains(err.Error(), loginsightserver.Password) || strings.Contains(err.Error(), session) || session == "" {
				t.Errorf("%d: %v", status, err)
			}
		}
	}
}

// A Client can be used without a store.
func TestClient(t *testing.T) {
	server := loginsightserver.New(t)
	client, err := loginsight.NewClient(loginsight.ClientConfig{Host: server.Host, Username: loginsightserver.Username, Password: loginsightserver.Password, TLS: trusting(t, server)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := t.Context()
	if err := client.Login(ctx); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UnixMilli()
	sent := []loginsight.Event{
		{Text: "disk full on /dev/sda", Timestamp: now - 2, Fields: []loginsight.Field{{Name: "device", Content: "/dev/sda"}, {Name: "level", Content: "warn ✓ \x00"}}},
		{Text: "disk empty", Timestamp: now - 1},
		{Text: "fan broken", Timestamp: now},
	}
	if err := client.SendEvents(ctx, sent...); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		q    loginsight.Query
		want string
	}{
		{loginsight.Query{Constraints: []loginsight.Constraint{loginsight.Contains("text", "disk")}}, "[disk empty disk full on /dev/sda]"},
		{loginsight.Query{Constraints: []loginsight.Constraint{loginsight.Contains("text", "DISK full")}}, "[disk full on /dev/sda]"},
		{loginsight.Query{Constraints: []loginsight.Constraint{loginsight.Contains("device", "/dev/sda")}}, "[disk full on /dev/sda]"},
		{loginsight.Query{Constraints: []loginsight.Constraint{{"device", "EXISTS", ""}}}, "[disk full on /dev/sda]"},
		{loginsight.Query{Constraints: []loginsight.Constraint{loginsight.Contains("text", "fan"), loginsight.Contains("text", "empty")}, Limit: 1}, "[fan broken]"},
		{loginsight.Query{Constraints: []loginsight.Constraint{{"timestamp", "LE", fmt.Sprint(now - 1)}, {"timestamp", "GT", "0"}}}, "[disk empty disk full on /dev/sda]"},
	} {
		result, err := client.QueryEvents(ctx, c.q)
		var texts []string
		for _, e := range result.Events {
			texts = append(texts, e.Text)
		}
		if err != nil || !result.Complete || fmt.Sprint(texts) != c.want {
			t.Errorf("%+v: %v, %v, want %s", c.q, texts, err, c.want)
		}
	}
	for e, err := range client.Events(ctx, loginsight.Contains("text", "full")) {
		if device, ok := e.Field("device"); err != nil || !ok || device != "/dev/sda" || e.Timestamp != now-2 {
			t.Errorf("%+v, %v", e, err)
		}
		if level, _ := e.Field("level"); level != "warn ✓ \x00" {
			t.Errorf("the level is %q", level)
		}
	}
	if version, err := client.Version(ctx); err != nil || version != "8.18.0-1234567" {
		t.Errorf("the version is %q, %v", version, err)
	}
	s := loginsight.New(client)
	if err := errors.Join(s.Write(ctx, notes(otherID, 1)), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := client.Login(ctx); err != nil { // Close leaves it open
		t.Fatal(err)
	}
}

// Every call ends with its context, also while another one logs in.
func TestContexts(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL())
	server.Inject(loginsightserver.Fault{Hang: time.Second, Times: -1})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			began := time.Now()
			_, err := first(s.Notifications(ctx, otherID))
			err2 := s.Write(ctx, notes(otherID, 1))
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err2, context.DeadlineExceeded) || time.Since(began) > 30*time.Second {
				t.Errorf("after %v: %v, %v", time.Since(began), err, err2)
			}
		})
	}
	group.Wait()
}

// Notifications are read the newest first, as by Python's driver.
func TestOrder(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL())
	batch := notes(otherID, 5)
	for i := range batch {
		if err := s.Write(t.Context(), batch[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	got := read(t, s, otherID)
	slices.Reverse(got)
	for i := range got {
		if !got[i].Equal(batch[i]) {
			t.Errorf("notification %d is %s", i, got[i].JSON())
		}
	}
}
