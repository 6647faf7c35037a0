package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
)

func newLogInsight() (connectionString string, drop func() error, err error) {
	server, err := loginsightserver.Start()
	if err != nil {
		return "", nil, err
	}
	return server.URL(), server.Close, nil
}

// bareLogInsight speaks the REST API of Log Insight by net/http.
type bareLogInsight struct {
	http    *http.Client
	base    string
	session string
}

func openLogInsight(ctx context.Context, connectionString string) (bare, error) {
	u, err := url.Parse(connectionString)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(u.Query().Get("osp_ca_certs"))
	if err != nil {
		return nil, err
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(pem)
	b := &bareLogInsight{
		http: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}}},
		base: fmt.Sprintf("https://%s:%d/api/v1/", u.Host, loginsightserver.SSLPort),
	}
	password, _ := u.User.Password()
	credentials, err := json.Marshal(map[string]string{"username": u.User.Username(), "password": password})
	if err != nil {
		return nil, err
	}
	var answer struct {
		SessionID string `json:"sessionId"`
	}
	err = b.do(ctx, http.MethodPost, "sessions", credentials, &answer)
	b.session = answer.SessionID
	return b, err
}

func (b *bareLogInsight) close() error {
	b.http.CloseIdleConnections()
	return nil
}

// do sends a request, and decodes the answer into a value unless the value is nil.
func (b *bareLogInsight) do(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if b.session != "" {
		req.Header.Set("X-Li-Session-Id", b.session)
	}
	res, err := b.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // the body is read to its end
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %.500s", method, path, res.Status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// A bareEvent is an event of Log Insight.
type bareEvent struct {
	Text      string `json:"text"`
	Timestamp int64  `json:"timestamp,omitempty"`
	Fields    []struct {
		Name    string `json:"name"`
		Content string `json:"content"`
	} `json:"fields"`
}

func (e *bareEvent) field(name string) string {
	for _, f := range e.Fields {
		if f.Name == name {
			return f.Content
		}
	}
	return ""
}

type bareEvents []bareEvent

func (all bareEvents) notifications() int { return len(all) }

// records returns the events without the fields that the server added.
func (all bareEvents) records() (records []record) {
	for _, e := range all {
		e.Timestamp = 0
		e.Fields = e.Fields[:min(len(e.Fields), 6)]
		text, err := json.Marshal(e)
		if err != nil {
			panic(err) // texts can be marshaled
		}
		records = append(records, record{string(text)})
	}
	return records
}

// mostEvents is the largest number of events that a server returns for a query. mostSent is
// the largest number that it accepts in a request.
const (
	mostEvents = 20_000
	mostSent   = 500
)

// find returns the events that match, at most mostEvents.
func (b *bareLogInsight) find(ctx context.Context, constraints string) (bareEvents, error) {
	var answer struct {
		Events bareEvents `json:"events"`
	}
	err := b.do(ctx, http.MethodGet, fmt.Sprintf("events/%s/timestamp/GT+0?limit=%d&timeout=60000", constraints, mostEvents), nil, &answer)
	return answer.Events, err
}

func (b *bareLogInsight) fetch(ctx context.Context, baseID string) (stored, error) {
	return b.find(ctx, "base_id/CONTAINS+"+url.QueryEscape(baseID))
}

func (b *bareLogInsight) write(ctx context.Context, records []record) error {
	for some := range slices.Chunk(records, mostSent) {
		texts := make([]string, len(some))
		for i, r := range some {
			texts[i] = r[0].(string)
		}
		body := `{"events": [` + strings.Join(texts, ", ") + `]}`
		if err := b.do(ctx, http.MethodPost, "events/ingest/0", []byte(body), nil); err != nil {
			return err
		}
	}
	return nil
}

// list reads all events and finds the beginnings of traces. The store has few enough events
// for one answer.
func (b *bareLogInsight) list(ctx context.Context, traces, limit int) error {
	events, err := b.find(ctx, "text/CONTAINS+OSProfiler+trace")
	if err != nil {
		return err
	}
	began := map[string]string{}
	for i := range events {
		var trace struct {
			Timestamp string `json:"timestamp"`
		}
		if err := json.Unmarshal([]byte(events[i].field("trace")), &trace); err != nil {
			return err
		}
		id := events[i].field("base_id")
		if known, ok := began[id]; !ok || trace.Timestamp < known {
			began[id] = trace.Timestamp
		}
	}
	return errors.Join(came(len(newestOf(began, limit)), listedOf(traces, limit)))
}

func (b *bareLogInsight) writeBulk(_ context.Context, write func() error) error { return write() }
