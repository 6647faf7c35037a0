package loginsightserver

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// The limits of ingestion. The reference names these: 4 MB of JSON in a single submission,
// 16 KB in a single text field, 1 to 500 events together in a single batch. It does
// not say whether a field of an event is a text field, nor what happens beyond a
// limit. Here, the limit applies to all texts, and a request beyond a limit is refused.
const (
	mostBody   = 4 << 20
	mostText   = 16 << 10
	mostEvents = 500
	mostName   = 64 // of a field; from the reference of the log management API
)

// clockDrift is the largest difference between the timestamp of an event and the server's
// time in a request without a session.
const clockDrift = 10 * time.Minute

// An Event is an event as it is stored.
type Event struct {
	Text      string
	Timestamp int64 // milliseconds
	Fields    []Field
}

// A Field is a field of an event. A nil Content is a field without content.
type Field struct {
	Name    string
	Content *string
}

// A sentEvent is an event of a request.
type sentEvent struct {
	Text      *string     `json:"text"`
	Timestamp *int64      `json:"timestamp"`
	Fields    []sentField `json:"fields"`
}

// A sentField is a field of a request. Each member may be missing, but not null.
type sentField struct {
	Name     json.RawMessage `json:"name"`
	Content  json.RawMessage `json:"content"`
	Start    json.RawMessage `json:"startPosition"`
	Length   json.RawMessage `json:"length"`
	nameText string
}

var (
	agentIDs   = regexp.MustCompile(`^(0|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$`)
	fieldNames = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// ingest stores the events of a request. It stores all of them or none, apart from the
// events that a Fault drops.
func (s *Server) ingest(r *http.Request, agentID string, body []byte, drop string) (any, error) {
	if err := errors.Join(onlyMethod(r, http.MethodPost), noQuery(r)); err != nil {
		return nil, err
	}
	if !agentIDs.MatchString(agentID) {
		return nil, refuse(http.StatusBadRequest, "the agent id should be a UUID or 0")
	}
	trusted, err := s.authorize(r, false)
	if err != nil {
		return nil, err
	}
	var request struct {
		Events []sentEvent `json:"events"`
	}
	if err := decode(body, &request); err != nil {
		return nil, err
	}
	switch {
	case len(request.Events) == 0:
		return nil, refuse(http.StatusBadRequest, "Missing events")
	case len(request.Events) > mostEvents:
		return nil, refuse(http.StatusBadRequest, "a request has at most %d events", mostEvents)
	}
	now := time.Now()
	events := make([]Event, len(request.Events))
	for i, sent := range request.Events {
		if events[i], err = sent.event(now, trusted); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if drop != "" {
		events = slices.DeleteFunc(events, func(e Event) bool { return e.holds(drop) })
	}
	for _, e := range events {
		s.store.add(e, now.Add(s.indexDelay))
	}
	return map[string]any{"status": "ok", "message": "events ingested", "ingested": len(events)}, nil
}

// holds reports whether the text or a field has a text.
func (e *Event) holds(text string) bool {
	return strings.Contains(e.Text, text) || slices.ContainsFunc(e.Fields, func(f Field) bool {
		return f.Content != nil && strings.Contains(*f.Content, text)
	})
}

// event checks an event.
func (e *sentEvent) event(now time.Time, trusted bool) (Event, error) {
	stored := Event{Timestamp: now.UnixMilli()}
	if e.Text != nil {
		stored.Text = *e.Text
	}
	if len(stored.Text) > mostText {
		return stored, refuse(http.StatusBadRequest, "a text has at most %d bytes", mostText)
	}
	if e.Timestamp != nil && (trusted || now.Sub(time.UnixMilli(*e.Timestamp)).Abs() <= clockDrift) {
		stored.Timestamp = *e.Timestamp
	}
	for _, sent := range e.Fields {
		field, err := sent.field(stored.Text)
		if err != nil {
			return stored, err
		}
		stored.Fields = append(stored.Fields, field)
	}
	return stored, nil
}

// field checks a field.
func (f *sentField) field(text string) (Field, error) {
	if json.Unmarshal(f.Name, &f.nameText) != nil || len(f.nameText) > mostName || !fieldNames.MatchString(f.nameText) {
		return Field{}, refuse(http.StatusBadRequest, "the name of a field should have letters, digits and underscores")
	}
	field := Field{Name: f.nameText}
	if f.Content != nil {
		if f.Start != nil || f.Length != nil || string(f.Content) == "null" || json.Unmarshal(f.Content, &field.Content) != nil {
			return field, refuse(http.StatusBadRequest, "the content of the field %s should be a text", f.nameText)
		}
		if len(*field.Content) > mostText {
			return field, refuse(http.StatusBadRequest, "the content of the field %s has more than %d bytes", f.nameText, mostText)
		}
		return field, nil
	}
	if f.Start == nil && f.Length == nil {
		return field, nil
	}
	var start, length int
	if json.Unmarshal(f.Start, &start) == nil && json.Unmarshal(f.Length, &length) == nil {
		if part, ok := partOf(text, start, length); ok {
			field.Content = &part
			return field, nil
		}
	}
	return field, refuse(http.StatusBadRequest, "the position of the field %s is not in the text", f.nameText)
}

// partOf returns a part of a text. According to the reference, a field may be a range of
// characters in the text of the event. A real server is a Java program, whose characters
// are units of UTF-16.
func partOf(text string, start, length int) (string, bool) {
	units := utf16.Encode([]rune(text))
	if start < 0 || length < 0 || start > len(units) || length > len(units)-start {
		return "", false
	}
	return string(utf16.Decode(units[start : start+length])), true
}

// Add stores events as they are, without any check, as if another program had
// written them.
func (s *Server) Add(events ...Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.store.add(e, time.Time{})
	}
}

// Events returns the events in the order in which they were stored.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := make([]Event, len(s.store.events))
	for i := range s.store.events {
		events[i] = s.store.events[i].Event
	}
	return events
}

// SetIndexDelay sets how long it takes until an event that is stored can be found.
func (s *Server) SetIndexDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indexDelay = d
}
