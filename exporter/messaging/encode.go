package messaging

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// appendBody appends the message body that oslo.messaging's notifier writes for a notification
// sent at the given time.
//
// The ids of the message are a hash of the notification, so that a notification that is
// written again has the same ids. The Python library has random ids.
func (m *messages) appendBody(dst []byte, n *osprofiler.Notification, sent time.Time) []byte {
	if !m.withEnvelope {
		return m.appendVersion1(dst, n, sent)
	}
	inner := buffers.Get().(*[]byte)
	defer buffers.Put(inner)
	*inner = m.appendVersion1((*inner)[:0], n, sent)
	dst = slices.Grow(dst, len(*inner)*9/8+64) // each quote is escaped
	dst = append(dst, `{"oslo.version": "2.0", "oslo.message": "`...)
	dst = pyjson.AppendEscaped(dst, *inner)
	return append(dst, `"}`...)
}

// buffers holds buffers for texts that are copied into the body.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// appendVersion1 appends the message without an envelope. Oslo's driver for RabbitMQ adds a
// _unique_id and flat context values. Its driver for Kafka adds one object, _context.
func (m *messages) appendVersion1(dst []byte, n *osprofiler.Notification, sent time.Time) []byte {
	payload := buffers.Get().(*[]byte)
	defer buffers.Put(payload)
	*payload = n.AppendJSON((*payload)[:0])
	sum := sha256.Sum256(*payload)
	dst = slices.Grow(dst, len(*payload)+bodyOverhead)
	dst = appendMessageID(append(dst, `{"message_id": "`...), sum)
	dst = pyjson.AppendString(append(dst, `", "publisher_id": `...), publisher(n))
	dst = pyjson.AppendString(append(dst, `, "event_type": `...), eventPrefix+n.Service)
	dst = append(append(dst, `, "priority": "INFO", "payload": `...), *payload...)
	dst = appendSent(append(dst, `, "timestamp": "`...), sent)
	dst = append(dst, '"')
	if m.withEnvelope {
		dst = m.appendContext(append(dst, `, "_context": {`...), "", "")
		return append(dst, "}}"...)
	}
	dst = hex.AppendEncode(append(dst, `, "_unique_id": "`...), sum[16:])
	dst = append(dst, '"')
	if len(m.context) > 0 {
		dst = m.appendContext(append(dst, ", "...), "_context_", "")
	}
	return append(dst, '}')
}

// bodyOverhead is about the number of bytes in a body besides the payload.
const bodyOverhead = 320

// eventPrefix is the beginning of the Python library's event types. The service name follows
// it.
const eventPrefix = "profiler."

// appendContext appends the values of the context as members of an object.
func (m *messages) appendContext(dst []byte, prefix, separator string) []byte {
	for _, v := range m.context {
		dst = pyjson.AppendString(append(dst, separator...), prefix+v.key)
		dst = pyjson.AppendString(append(dst, ": "...), v.value)
		separator = ", "
	}
	return dst
}

// appendMessageID appends a UUID of version 8, whose content the application defines (RFC
// 9562).
func appendMessageID(dst []byte, sum [sha256.Size]byte) []byte {
	var id osprofiler.UUID
	copy(id[:], sum[:])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return id.Append(dst)
}

// appendSent appends a time in the form of Python's str(datetime), which omits a fraction of
// 0.
func appendSent(dst []byte, sent time.Time) []byte {
	sent = sent.UTC()
	dst = sent.AppendFormat(dst, time.DateTime)
	if sent.Nanosecond() < int(time.Microsecond) {
		return dst
	}
	return sent.AppendFormat(dst, ".000000")
}

// publisher returns the host of a notification, or the name of this machine.
func publisher(n *osprofiler.Notification) string {
	if host := n.Info.Host(); host != "" {
		return host
	}
	return hostname()
}

var hostname = sync.OnceValue(func() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
})
