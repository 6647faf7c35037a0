package messaging

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// decode returns the notification of a message, or an error that says why the message is not
// from OSProfiler. A message of RabbitMQ must have the JSON content type, which the Python
// library also demands. Messages of Kafka have no content type.
func (m *messages) decode(message *bus.Message) (n osprofiler.Notification, err error) {
	if !m.withEnvelope && !isJSON(message.ContentType) {
		if message.ContentType == "" {
			return n, foreign("it has no content type")
		}
		return n, foreign("its content type is %s, not \"application/json\"", short(strconv.Quote(message.ContentType)))
	}
	return decodeBody(message.Body)
}

// A foreignError says why a message belongs to another program. Any other error of decode
// means that a message of OSProfiler cannot be read.
type foreignError struct{ error }

func foreign(format string, arguments ...any) error {
	return foreignError{fmt.Errorf(format, arguments...)}
}

// isJSON reports whether a content type is JSON. Its parameters are ignored.
func isJSON(contentType string) bool {
	contentType, _, _ = strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(contentType), "application/json")
}

// decodeBody returns the notification of the body of a message. It reads version 1
// and version 2 of oslo.messaging's messages.
//
// The members message_id, publisher_id, timestamp and _unique_id are ignored, as in the Python
// library. The event type and the priority may be missing. If present, they must be
// OSProfiler's.
func decodeBody(body []byte) (n osprofiler.Notification, err error) {
	object, err := pyjson.One(string(body))
	if err != nil {
		return n, foreign("it is not JSON")
	}
	m, err := membersOf(object)
	if err != nil {
		return n, err
	}
	if m.version != "" && m.inner != "" {
		if m, err = m.open(); err != nil {
			return n, err
		}
	}
	return m.notification()
}

// members are the members of a message that decode uses, as raw values. A missing member is
// empty.
type members struct {
	version, inner               string // of the envelope
	priority, eventType, payload string
}

func membersOf(object string) (m members, err error) {
	if pyjson.KindOf(object) != pyjson.Object {
		return m, foreign("it is no JSON object")
	}
	for key, raw := range pyjson.Members(object) {
		switch key {
		case "oslo.version":
			m.version = raw
		case "oslo.message":
			m.inner = raw
		case "priority":
			m.priority = raw
		case "event_type":
			m.eventType = raw
		case "payload":
			m.payload = raw
		}
	}
	return m, nil
}

// open returns the members of the message in the envelope. Oslo.messaging accepts only version
// 2.0.
func (m *members) open() (inner members, err error) {
	version, _ := pyjson.Text(m.version)
	if version != "2.0" && !strings.HasPrefix(version, "2.0.") {
		return inner, fmt.Errorf("the version %s of its envelope is not 2.0", short(m.version))
	}
	text, ok := pyjson.Text(m.inner)
	if !ok {
		return inner, errors.New("its envelope has no message")
	}
	object, err := pyjson.One(text)
	if err != nil {
		return inner, errors.New("the message in its envelope is not JSON")
	}
	return membersOf(object)
}

func (m *members) notification() (n osprofiler.Notification, err error) {
	if m.priority != "" {
		if text, ok := pyjson.Text(m.priority); !ok || !strings.EqualFold(text, "INFO") {
			return n, foreign("its priority is %s, not \"INFO\"", short(m.priority))
		}
	}
	if m.eventType != "" {
		if text, ok := pyjson.Text(m.eventType); !ok || !strings.HasPrefix(text, eventPrefix) {
			return n, foreign("its event type is %s, not \"profiler.<service>\"", short(m.eventType))
		}
	}
	n, err = m.ofPayload()
	if err != nil && m.eventType == "" { // nothing shows that the message is from OSProfiler
		err = foreignError{err}
	}
	return n, err
}

func (m *members) ofPayload() (n osprofiler.Notification, err error) {
	if pyjson.KindOf(m.payload) != pyjson.Object {
		return n, errors.New("it has no payload")
	}
	if n, err = osprofiler.ParseNotification(m.payload); err != nil {
		return n, fmt.Errorf("its payload is no notification: %w", err)
	}
	if m.eventType == "" && (n.BaseID == "" || n.Name == "") {
		return n, errors.New("its payload is no notification: it has no base_id or no name")
	}
	return n, nil
}

// short shortens a raw value, whose length has no bound.
func short(raw string) string {
	const most = 100
	if len(raw) <= most {
		return raw
	}
	return strings.ToValidUTF8(raw[:most], "") + "…"
}
