package loginsightserver

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// A connection whose request was too large is closed half a second later.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// A caller sends requests to a server.
type caller struct {
	t       *testing.T
	server  *Server
	client  *http.Client
	session string
}

func newCaller(t *testing.T) *caller {
	t.Helper()
	c := &caller{t: t, server: New(t)}
	text, err := os.ReadFile(c.server.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	c.client = &http.Client{Transport: transport}
	status, answer := c.call(http.MethodPost, "sessions", `{"username": "osprofiler", "password": "p@ss:w"}`, nil)
	if status != http.StatusOK {
		t.Fatalf("%d: %s", status, answer)
	}
	var login struct{ SessionID string }
	if err := json.Unmarshal([]byte(answer), &login); err != nil {
		t.Fatal(err)
	}
	c.session = login.SessionID
	return c
}

// call sends a request by HTTPS, or by HTTP to a path that begins with "http:".
func (c *caller) call(method, path, body string, header map[string]string) (status int, answer string) {
	c.t.Helper()
	address := fmt.Sprintf("https://%s:%d/api/v1/", c.server.Host, SSLPort)
	if plain, ok := strings.CutPrefix(path, "http:"); ok {
		address, path = fmt.Sprintf("http://%s:%d/api/v1/", c.server.Host, Port), plain
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, address+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for key, value := range header {
		req.Header.Set(key, value)
	}
	res, err := c.client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// The server refuses what the reference of the API does not allow.
func TestStrict(t *testing.T) {
	c := newCaller(t)
	const ingest = "events/ingest/F52D775B-6017-4787-8C8A-F21AE0AEC057"
	session := map[string]string{"X-LI-Session-Id": c.session}
	one := `{"events": [{"text": "a"}]}`
	field := func(members string) string { return `{"events": [{"text": "abc", "fields": [{` + members + `}]}]}` }
	for _, r := range []struct {
		method, path, body string
		header             map[string]string
		status             int
	}{
		{"POST", ingest, one, nil, 200},
		{"POST", "http:" + ingest, one, nil, 200},
		{"POST", "events/ingest/0", one, session, 200},
		{"POST", ingest, one, map[string]string{"Authorization": "Bearer " + c.session}, 200},
		{"POST", ingest, field(`"name": "a", "content": ""`), nil, 200},
		{"POST", ingest, field(`"name": "a"`), nil, 200},
		{"POST", ingest, field(`"name": "a", "startPosition": 1, "length": 2`), nil, 200},
		{"GET", "version", "", session, 200},
		{"GET", "sessions/current", "{}", session, 200},
		{"GET", "events/text/CONTAINS+a/timestamp/%3E0?limit=5&timeout=10&order-by-direction=ASC", "{}", session, 200},
		{"GET", "events/text/HAS+a/base_id/EXISTS/timestamp/LAST+5", "", session, 200},

		{"POST", ingest, `{"events": []}`, nil, 400},
		{"POST", ingest, `{}`, nil, 400},
		{"POST", ingest, `{"events": [{"text": "a"}]`, nil, 400},
		{"POST", ingest, "{\"events\": [{\"text\": \"\xff\"}]}", nil, 400},
		{"POST", ingest, `{"events": [{"text": 5}]}`, nil, 400},
		{"POST", ingest, `{"events": [{"other": 5}]}`, nil, 400},
		{"POST", ingest, field(`"name": "a", "content": null`), nil, 400},
		{"POST", ingest, field(`"name": "a", "content": 5`), nil, 400},
		{"POST", ingest, field(`"name": "a b", "content": "x"`), nil, 400},
		{"POST", ingest, field(`"content": "x"`), nil, 400},
		{"POST", ingest, field(`"name": "a", "startPosition": 1, "length": 3`), nil, 400},
		{"POST", ingest, field(`"name": "a", "content": "x", "length": 3`), nil, 400},
		{"POST", ingest, field(`"name": "a", "content": "` + strings.Repeat("x", mostText+1) + `"`), nil, 400},
		{"POST", ingest, `{"events": [` + strings.Repeat(`{"text": "a"}, `, mostEvents) + `{"text": "a"}]}`, nil, 400},
		{"POST", ingest, `{"events": [{"text": "` + strings.Repeat("x", mostBody) + `"}]}`, nil, 413},
		{"POST", ingest, one, map[string]string{"Content-Type": "text/plain"}, 415},
		{"POST", ingest, one, map[string]string{"X-LI-Session-Id": "x"}, 401},
		{"POST", "events/ingest/x", one, nil, 400},
		{"GET", ingest, "", nil, 405},

		{"POST", "sessions", `{"username": "osprofiler", "password": "x"}`, nil, 401},
		{"POST", "sessions", `{"username": "osprofiler"}`, nil, 400},
		{"POST", "sessions", `{"username": "osprofiler", "password": "p@ss:w", "provider": "local"}`, nil, 400},
		{"POST", "sessions", `{"username": "osprofiler", "password": "p@ss:w", "more": 1}`, nil, 400},
		{"POST", "http:sessions", `{"username": "osprofiler", "password": "p@ss:w"}`, nil, 403},
		{"GET", "version", "", nil, 401},
		{"GET", "version", "", map[string]string{"Authorization": c.session}, 401},
		{"GET", "version", "", map[string]string{"Authorization": "Bearer " + c.session, "X-LI-Session-Id": "other"}, 401},
		{"GET", "version?a=b", "", session, 400},
		{"GET", "hosts", "", session, 404},

		{"GET", "events/", "", session, 404},
		{"GET", "events/text", "", session, 400},
		{"GET", "events/text/CONTAINS", "", session, 400},
		{"GET", "events/text/LIKE+a", "", session, 400},
		{"GET", "events/text/GT+5", "", session, 400},
		{"GET", "events/text/%3D~a", "", session, 400},
		{"GET", "events/timestamp/CONTAINS+5", "", session, 400},
		{"GET", "events/timestamp/GT+x", "", session, 400},
		{"GET", "events/text/CONTAINS+a/b", "", session, 400},
		{"GET", "events/text/CONTAINS+a?limit=0", "", session, 400},
		{"GET", "events/text/CONTAINS+a?limit=x", "", session, 400},
		{"GET", "events/text/CONTAINS+a?timeout=-1", "", session, 400},
		{"GET", "events/text/CONTAINS+a?colour=red", "", session, 400},
		{"GET", "events/text/CONTAINS+a", `{"a": 1}`, session, 400},
		{"POST", "events/text/CONTAINS+a", "", session, 405},
		{"GET", "events/text/CONTAINS+a", "", nil, 401},
	} {
		status, answer := c.call(r.method, r.path, r.body, r.header)
		if status != r.status {
			t.Errorf("%s %s %.100s: %d %.200s, want %d", r.method, r.path, r.body, status, answer, r.status)
		}
	}
	c.server.ExpireSessions()
	if status, answer := c.call(http.MethodGet, "version", "", session); status != StatusLoginTimeout || answer != "Login Timeout" {
		t.Errorf("%d %s", status, answer)
	}
}

// Queries find the events that they should find according to the reference.
func TestQueries(t *testing.T) {
	c := newCaller(t)
	now := time.Now().UnixMilli()
	content := func(text string) *string { return &text }
	c.server.Add(
		Event{Text: "[ERROR] File not found", Timestamp: now - 3, Fields: []Field{{"level", content("ERROR")}, {"size", content("5")}}},
		Event{Text: "Error: Invalid file", Timestamp: now - 2, Fields: []Field{{"id", content("a0-b1")}}},
		Event{Text: "Critical file error", Timestamp: now - 1},
		Event{Text: "old error", Timestamp: now - 120_000},
	)
	for query, want := range map[string]string{
		"text/CONTAINS+error+file":                                   "[ERROR] File",
		"text/HAS+error+file":                                        "Critical, Error: Inv, [ERROR] File",
		"text/CONTAINS+invalid/text/CONTAINS+critical":               "Critical, Error: Inv",
		"text/NOT_CONTAINS+error":                                    "",
		"text/CONTAINS+error":                                        "Critical, Error: Inv, [ERROR] File",
		"text/CONTAINS+error/timestamp/GT+0":                         "Critical, Error: Inv, [ERROR] File, old",
		"text/CONTAINS+error/timestamp/GT+0?limit=1":                 "Critical",
		"text/CONTAINS+ol*/timestamp/%3E=0":                          "old",
		"text/CONTAINS+error?order-by-direction=ASC":                 "[ERROR] File, Error: Inv, Critical",
		"level/EXISTS":                                               "[ERROR] File",
		"id/CONTAINS+A0-B1":                                          "Error: Inv",
		"id/CONTAINS+a0":                                             "",
		"source/CONTAINS+127":                                        "Critical, Error: Inv, [ERROR] File",
		fmt.Sprintf("timestamp/EQ+%d", now-2):                        "Error: Inv",
		fmt.Sprintf("timestamp/LE+%d/timestamp/GE+%d", now-2, now-3): "Error: Inv, [ERROR] File",
		"timestamp/LAST+60000":                                       "Critical, Error: Inv, [ERROR] File",
	} {
		status, answer := c.call(http.MethodGet, "events/"+query, "", map[string]string{"Authorization": "Bearer " + c.session})
		var result struct {
			Complete bool
			Events   []Event
		}
		if err := json.Unmarshal([]byte(answer), &result); err != nil || status != http.StatusOK || !result.Complete {
			t.Errorf("%s: %d %s, %v", query, status, answer, err)
			continue
		}
		parts := strings.Split(want, ", ")
		if want == "" {
			parts = nil
		}
		if len(result.Events) != len(parts) {
			t.Errorf("%s: %s, want %s", query, answer, want)
			continue
		}
		for i, e := range result.Events {
			if !strings.HasPrefix(e.Text, parts[i]) {
				t.Errorf("%s: event %d is %s, want %s", query, i, e.Text, parts[i])
			}
		}
	}
}

// Positions of fields count units of UTF-16.
func TestPositions(t *testing.T) {
	c := newCaller(t)
	session := map[string]string{"X-LI-Session-Id": c.session}
	const ingest = "events/ingest/F52D775B-6017-4787-8C8A-F21AE0AEC057"
	event := func(start, length int) string {
		return fmt.Sprintf(`{"events": [{"text": "ż😀 disk ż", "fields": [{"name": "what", "startPosition": %d, "length": %d}]}]}`, start, length)
	}
	if status, answer := c.call(http.MethodPost, ingest, event(4, 4), session); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	if status, answer := c.call(http.MethodPost, ingest, event(4, 7), session); status != http.StatusBadRequest {
		t.Errorf("%d %s", status, answer)
	}
	if got := *c.server.Events()[0].Fields[0].Content; got != "disk" {
		t.Errorf("the field is %q", got)
	}
	_, answer := c.call(http.MethodGet, "events/what/CONTAINS+disk", "", session)
	if !strings.Contains(answer, `"startPosition":4,"length":4`) {
		t.Errorf("got %s", answer)
	}
}
