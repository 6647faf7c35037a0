package convert

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// redacted returns the span without what is sensitive in attributes, events,
// links and status. Redaction comes before every conversion.
func (c *Converter) redacted(s sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
	if c.cfg.redaction == (tags.Redaction{}) {
		return s
	}
	clean := CopySpan(s)
	clean.redact(c.cfg.redaction)
	return clean.Snapshot()
}

func (s *Span) redact(by tags.Redaction) {
	s.Attributes = redactAttributes(by, s.Attributes)
	s.Events = slices.Clone(s.Events)
	for i := range s.Events {
		s.Events[i].Attributes = redactAttributes(by, s.Events[i].Attributes)
	}
	s.Links = slices.Clone(s.Links)
	for i := range s.Links {
		s.Links[i].Attributes = redactAttributes(by, s.Links[i].Attributes)
	}
	s.Status.Description = by.Text(s.Status.Description)
}

// redactAttributes redacts attributes. Attributes of ours that hold an info or a
// notification as JSON are redacted inside that JSON.
func redactAttributes(by tags.Redaction, attrs []attribute.KeyValue) []attribute.KeyValue {
	attrs = by.Attributes(attrs)
	cloned := false
	for i, kv := range attrs {
		text := kv.Value.AsString()
		clean := ""
		switch kv.Key {
		case StartInfoKey, StopInfoKey:
			clean = string(by.Info(validInfo(text))) // nothing if it cannot be read
		case StartKey, StopKey:
			if n, err := osprofiler.ParseNotification(text); err == nil {
				n.Info = by.Info(n.Info)
				clean = n.JSON()
			}
		default:
			continue
		}
		if clean == text {
			continue
		}
		if !cloned {
			attrs, cloned = slices.Clone(attrs), true
		}
		attrs[i].Value = attribute.StringValue(clean)
	}
	return attrs
}

// redactedNotification returns the notification without what is sensitive.
func (c *Converter) redactedNotification(n *osprofiler.Notification) *osprofiler.Notification {
	if n == nil || c.cfg.redaction == (tags.Redaction{}) {
		return n
	}
	info := c.cfg.redaction.Info(n.Info)
	if info == n.Info {
		return n
	}
	clean := *n
	clean.Info = info
	return &clean
}
