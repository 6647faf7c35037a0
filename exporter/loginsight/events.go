package loginsight

import (
	"context"
	"net/http"
	"strconv"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// An Event is an event of Log Insight.
type Event struct {
	Text string
	// Timestamp is in milliseconds since 1970. 0 in an event that is sent leaves the
	// time to the server. A server changes a timestamp that is more than ten minutes
	// from its own time.
	Timestamp int64
	Fields    []Field
}

// A Field is a field of an event. An event may have several of the same name.
type Field struct{ Name, Content string }

// Field returns the content of the first field with this name.
func (e *Event) Field(name string) (content string, ok bool) {
	for _, f := range e.Fields {
		if f.Name == name {
			return f.Content, true
		}
	}
	return "", false
}

// The limits of ingestion, from the reference of the API: 4 MB of JSON in a single
// submission, 16 KB in a single text field, 1 to 500 events in a batch. KB and MB are
// read as thousands, and every field as a text field, which is the stricter way.
const (
	maxBody   = 4_000_000
	maxField  = 16_000
	maxEvents = 500
)

// SendEvents sends events in one request. The reference of the API limits a request to
// 500 events and 4 MB, and a field to 16 KB; SendEvents does not look at them. nil
// means that the server has accepted all of them. It indexes them later, and the
// reference does not say whether they are on disk.
//
// A request needs no session. Where a server asks for one, the Client logs in, unless
// events go by HTTP. A server that is busy and says when it will have time
// (Retry-After, up to ten seconds) is asked again.
func (c *Client) SendEvents(ctx context.Context, events ...Event) error {
	body := []byte(eventsStart)
	for i, e := range events {
		if i > 0 {
			body = append(body, ", "...)
		}
		body = appendEvent(body, &e)
	}
	return c.explain(ctx, c.send(ctx, append(body, eventsEnd...), len(events)))
}

const (
	eventsStart = `{"events": [`
	eventsEnd   = `]}`
)

// send sends a body with events. Its error is not explained.
func (c *Client) send(ctx context.Context, body []byte, count int) error {
	post := func(session string) error {
		var answer struct {
			Status   string `json:"status"`
			Ingested *int   `json:"ingested"`
		}
		err := c.do(ctx, request{
			method: http.MethodPost, path: ingestPath, plain: c.config.PlainIngestion, session: session,
			body: body, timeout: c.config.Timeout, read: readJSON(&answer),
		})
		switch {
		case err != nil:
			return err
		case answer.Ingested == nil:
			return &foreignError{text: "an ingestion without a count"}
		case *answer.Ingested != count || answer.Status != "ok" && answer.Status != "":
			return &partialError{sent: count, ingested: *answer.Ingested}
		}
		return nil
	}
	return patiently(ctx, false, func() error {
		if !c.sendsSession.Load() {
			err := post("")
			if c.config.PlainIngestion || c.config.Username == "" || !hasStatus(err, http.StatusUnauthorized) {
				return err
			}
			c.sendsSession.Store(true)
		}
		return c.withSession(ctx, post)
	})
}

// A partialError is the answer of a server that took a part of the events.
type partialError struct{ sent, ingested int }

func (e *partialError) Error() string {
	return "it took " + strconv.Itoa(e.ingested) + " of " + strconv.Itoa(e.sent) + " events"
}

// appendEvent appends an event as Python's json.dumps writes it.
func appendEvent(dst []byte, e *Event) []byte {
	dst = pyjson.AppendString(append(dst, `{"text": `...), e.Text)
	if e.Timestamp != 0 {
		dst = strconv.AppendInt(append(dst, `, "timestamp": `...), e.Timestamp, 10)
	}
	dst = append(dst, `, "fields": [`...)
	for i, f := range e.Fields {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = pyjson.AppendString(append(dst, `{"name": `...), f.Name)
		dst = pyjson.AppendString(append(dst, `, "content": `...), f.Content)
		dst = append(dst, '}')
	}
	return append(dst, "]}"...)
}
