package tags

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A companion is an object in a start's info that accompanies the member of any kind of call.
// Each field of a companion is a string that may be missing.
type companion struct {
	member string
	index  int // in ParsedInfo.raw
	exact  Exact
	prefix string // of all its attributes
	fields []companionField
}

// A companionField is a field and the attributes that have its value. The first key is
// written. The others are read if the earlier ones are missing.
type companionField struct {
	name string
	keys []attribute.Key
}

// companions lists the companions. OpenStack's libraries write the attributes of both:
// oslo.middleware since 8.2 and oslo.messaging since 18.3. The Python library writes neither
// member. Its tools show them as part of the info.
var companions = [...]companion{
	{memberOpenStack, indexOpenStack, ExactOpenStack, "openstack.", []companionField{
		{"request_id", []attribute.Key{"openstack.request_id"}},
		{"global_request_id", []attribute.Key{"openstack.global_request_id"}},
		{"project_id", []attribute.Key{"openstack.project_id"}},
		{"user_id", []attribute.Key{"openstack.user_id"}},
		{"domain_id", []attribute.Key{"openstack.domain_id"}},
	}},
	{memberMessaging, indexMessaging, ExactMessaging, "messaging.", []companionField{
		{"system", []attribute.Key{semconv.MessagingSystemKey}},
		{"operation", []attribute.Key{semconv.MessagingOperationNameKey, semconv.MessagingOperationTypeKey, "messaging.operation"}},
		{"destination", []attribute.Key{semconv.MessagingDestinationNameKey, "messaging.destination"}},
		{"message_id", []attribute.Key{semconv.MessagingMessageIDKey, "messaging.message_id"}},
	}},
}

// maxCompanionFields is the largest number of fields of a companion.
const maxCompanionFields = 5

// appendCompanions appends the attributes of the companions that the info has.
func (p *ParsedInfo) appendCompanions(dst []attribute.KeyValue, c Conventions) (_ []attribute.KeyValue, exact Exact) {
	if !c.stable() { // the Python library's OTLP driver emits nothing for them
		return dst, 0
	}
	for i := range companions {
		if m := &companions[i]; pyjson.KindOf(p.raw[m.index]) == pyjson.Object {
			var isExact bool
			if dst, isExact = m.append(dst, p.raw[m.index]); isExact {
				exact |= m.exact
			}
		}
	}
	return dst, exact
}

// append appends the attributes of the string fields.
func (m *companion) append(dst []attribute.KeyValue, raw string) (_ []attribute.KeyValue, exact bool) {
	var room [maxCompanionFields]field
	fields := room[:len(m.fields)]
	for i := range fields {
		fields[i].key = m.fields[i].name
	}
	clean, present := scan(raw, fields), false
	for i := range fields {
		f := &fields[i]
		dst = appendText(dst, m.fields[i].keys[0], f)
		clean = clean && (f.exact || f.missing())
		present = present || f.exact
	}
	return dst, clean && present
}

// appendCompanionsInfo adds the companions that have attributes to the info that begins at an
// index of dst. If there is no info yet, it begins one.
func appendCompanionsInfo(dst []byte, from int, attrs []attribute.KeyValue) []byte {
	for i := range companions {
		m := &companions[i]
		var room [maxCompanionFields]text
		if values := room[:len(m.fields)]; m.read(values, attrs) {
			dst = m.appendInfo(dst, from, values)
		}
	}
	return dst
}

// read reads the values of the fields. It reports whether there are any.
func (m *companion) read(values []text, attrs []attribute.KeyValue) (present bool) {
	for i := range attrs {
		if !strings.HasPrefix(string(attrs[i].Key), m.prefix) {
			continue
		}
		for j := range m.fields {
			for place, key := range m.fields[j].keys {
				if attrs[i].Key == key {
					values[j].setAs(newest-rank(place), &attrs[i].Value)
					present = present || values[j].ok
				}
			}
		}
	}
	return present
}

func (m *companion) appendInfo(dst []byte, from int, values []text) []byte {
	if len(dst) > from {
		dst = dst[:len(dst)-1] // the brace that ends the info
	} else {
		dst = append(dst, '{')
	}
	dst = append(appendKey(dst, m.member), '{')
	for i := range values {
		if values[i].ok {
			dst = appendKeyText(dst, m.fields[i].name, values[i].s)
		}
	}
	return append(dst, "}}"...)
}
