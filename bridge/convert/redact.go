package convert

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// redacted is a span without what is sensitive, in attributes, events, links
// and status. Redaction comes before all conversion.
func (c *Converter) redacted(s sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
	if s == nil || c.cfg.redaction == (tags.Redaction{}) {
		return s
	}
	clean := redactedSpan{ReadOnlySpan: s, by: c.cfg.redaction}
	if made, ok := s.(*span); ok { // it stays one of ours: see OfNotifications
		copied := *made
		copied.attributes, copied.events, copied.links, copied.status = clean.Attributes(), clean.Events(), clean.Links(), clean.Status()
		return &copied
	}
	return clean
}

type redactedSpan struct {
	sdktrace.ReadOnlySpan
	by tags.Redaction
}

func (s redactedSpan) Attributes() []attribute.KeyValue {
	return redactAttributes(s.by, s.ReadOnlySpan.Attributes())
}

func (s redactedSpan) Events() []sdktrace.Event {
	events := slices.Clone(s.ReadOnlySpan.Events())
	for i := range events {
		events[i].Attributes = redactAttributes(s.by, events[i].Attributes)
	}
	return events
}

func (s redactedSpan) Links() []sdktrace.Link {
	links := slices.Clone(s.ReadOnlySpan.Links())
	for i := range links {
		links[i].Attributes = redactAttributes(s.by, links[i].Attributes)
	}
	return links
}

func (s redactedSpan) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = s.by.Text(status.Description)
	return status
}

// redactAttributes redacts attributes, and the infos and notifications that
// attributes of ours hold as JSON.
func redactAttributes(by tags.Redaction, attrs []attribute.KeyValue) []attribute.KeyValue {
	attrs = by.Attributes(attrs)
	cloned := false
	for i, kv := range attrs {
		text := kv.Value.AsString()
		clean := ""
		switch kv.Key {
		case StartInfoKey, StopInfoKey:
			clean = string(by.Info(keptInfo(text))) // nothing of what cannot be read
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

// redactedNotification is a notification without what is sensitive.
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
