package convert

import (
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// redacted returns the span without sensitive values in its attributes, events, links and
// status. Redaction precedes every conversion.
func (c *Converter) redacted(s sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
	if c.cfg.redaction == (tags.Redaction{}) {
		return s
	}
	clean := CopySpan(s)
	clean.redact(c.cfg.redaction)
	return clean.Snapshot()
}

func (s *Span) redact(by tags.Redaction) {
	all := s.Attributes
	s.Attributes = redactAttributes(by, all)
	s.Name = redactName(by, s.Name, all, s.Attributes)
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

// redactName returns the name of a span without SQL literals. The instrumentation of some
// databases puts the statement into the name. before and after are the attributes before and
// after their redaction.
func redactName(by tags.Redaction, name string, before, after []attribute.KeyValue) string {
	if clean, isSQL := by.Name(name); isSQL {
		return clean
	}
	for i := range before {
		if key := before[i].Key; key != "db.query.text" && key != "db.statement" {
			continue
		}
		if from, to := before[i].Value.AsString(), after[i].Value.AsString(); from != "" && from != to {
			name = strings.ReplaceAll(name, from, to)
		}
	}
	return name
}

// redactAttributes redacts attributes. Our own attributes that hold an info or a notification
// as JSON are redacted inside that JSON.
func redactAttributes(by tags.Redaction, attrs []attribute.KeyValue) []attribute.KeyValue {
	attrs = by.Attributes(attrs)
	cloned := false
	for i, kv := range attrs {
		text := kv.Value.AsString()
		clean := ""
		switch kv.Key {
		case StartInfoKey, StopInfoKey:
			info, _ := redactInfo(by, validInfo(text))
			clean = string(info) // empty if it cannot be read
		case StartKey, StopKey:
			if n, err := osprofiler.ParseNotification(text); err == nil {
				n = RedactedNotification(&n, by)
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

// redactedNotification is [RedactedNotification] with the converter's redaction. n may be nil.
func (c *Converter) redactedNotification(n *osprofiler.Notification) *osprofiler.Notification {
	if n == nil || c.cfg.redaction == (tags.Redaction{}) {
		return n
	}
	clean := RedactedNotification(n, c.cfg.redaction)
	return &clean
}

// RedactedNotification returns the notification without sensitive values. It redacts the info,
// the span that info.otel carries, and the name if it is or contains a statement. An info.otel
// that cannot be read is removed.
func RedactedNotification(n *osprofiler.Notification, by tags.Redaction) osprofiler.Notification {
	clean := *n
	if by == (tags.Redaction{}) {
		return clean
	}
	var renamed [2]string
	clean.Info, renamed = redactInfo(by, n.Info)
	event := len(n.Name)
	for _, suffix := range []string{"-start", "-stop"} {
		if strings.HasSuffix(n.Name, suffix) {
			event -= len(suffix)
		}
	}
	// A stop has no statement besides its name, so that both names follow the same rule.
	if name, isSQL := by.Name(n.Name[:event]); isSQL {
		clean.Name = name + n.Name[event:]
		return clean
	}
	for _, change := range [][2]string{renamed, {statementOf(n.Info), statementOf(clean.Info)}} {
		if change[0] != "" && change[0] != change[1] {
			clean.Name = strings.ReplaceAll(clean.Name, change[0], change[1])
		}
	}
	return clean
}

// statementOf returns the text of info.db.statement.
func statementOf(info osprofiler.Info) string {
	db, _ := info.Get("db")
	if pyjson.KindOf(db) != pyjson.Object {
		return ""
	}
	raw, _ := pyjson.Get(db, "statement")
	statement, _ := pyjson.Text(raw)
	return statement
}

// redactInfo redacts the info, and the span in info.otel. renamed has the names of the span,
// before and after.
func redactInfo(by tags.Redaction, info osprofiler.Info) (clean osprofiler.Info, renamed [2]string) {
	info = by.Info(info)
	raw, ok := info.Get(keyOTel)
	if !ok {
		return info, renamed
	}
	text, _ := pyjson.Text(raw)
	s, err := decodeTracesData(text)
	if err != nil {
		return info.Without(keyOTel), renamed
	}
	before := s.Name
	s.redact(by)
	return info.With(keyOTel, defaultConverter().otlpMember(s.Snapshot())), [2]string{before, s.Name}
}
