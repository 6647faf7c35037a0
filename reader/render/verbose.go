package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

// mostDetailLines is how many lines a value takes at most in the verbose form.
const mostDetailLines = 20

// hiddenAttributes are attributes that the other lines show, or that only the conversion
// needs.
var hiddenAttributes = map[string]bool{
	"osprofiler.base_id": true, "osprofiler.trace_id": true, "osprofiler.parent_id": true, "osprofiler.missing": true,
	"osprofiler.start": true, "osprofiler.stop": true, "osprofiler.child_span_count": true,
	"osprofiler.parent.trace_state": true, "osprofiler.own_attributes_end": true,
}

// details draws the span of an operation below the operation.
func (t *text) details(n *reader.Node, open []branch, limit int) {
	d := details{text: t, guide: stem(append(open, branch{left: n.Children}), limit, false)}
	if n.TraceID != "" {
		d.line(0, "id", n.TraceID)
	}
	span := t.report.Span(n)
	if span == nil {
		return
	}
	d.line(0, "span", span.Name())
	if kind := span.SpanKind().String(); kind != "unspecified" && kind != "internal" {
		d.line(0, "kind", kind)
	}
	if status := span.Status(); status.Code != 0 {
		d.line(0, "status", describe.Joined(status.Code.String(), status.Description))
	}
	for _, a := range span.Attributes() {
		if key := string(a.Key); !hiddenAttributes[key] {
			d.line(1, key, a.Value.String())
		}
	}
	for _, e := range span.Events() {
		d.line(0, "event", since(span.StartTime(), e.Time)+" "+e.Name)
		for _, a := range e.Attributes {
			d.line(1, string(a.Key), a.Value.String())
		}
		d.dropped(e.DroppedAttributeCount, "attribute")
	}
	for _, l := range span.Links() {
		d.line(0, "link", fmt.Sprintf("trace %s span %s", l.SpanContext.TraceID(), l.SpanContext.SpanID()))
		for _, a := range l.Attributes {
			d.line(1, string(a.Key), a.Value.String())
		}
		d.dropped(l.DroppedAttributeCount, "attribute")
	}
	d.dropped(span.DroppedAttributes(), "attribute")
	d.dropped(span.DroppedEvents(), "event")
	d.dropped(span.DroppedLinks(), "link")
}

// since writes the time of an event since the start of its operation.
func since(start, at time.Time) string {
	text := duration{at.Sub(start), true}.String()
	if at.Before(start) {
		return text
	}
	return "+" + text
}

// details draws lines below an operation.
type details struct {
	*text
	guide string
}

// line draws a key and its value, over the whole width.
func (d details) line(level int, key, value string) {
	indent := strings.Repeat("  ", level+1)
	key = d.cut(d.clean(key), d.width/2)
	room := d.width - width(d.guide) - width(indent) - 2
	for i, line := range d.wrap(key+": "+strings.TrimSpace(d.clean(value)), max(room, 20), mostDetailLines) {
		if i == 0 {
			line = d.paint(dim, key+":") + strings.TrimPrefix(line, key+":")
		} else {
			line = "  " + line
		}
		d.print(d.paint(dim, d.guide) + indent + line)
	}
}

// dropped writes how many attributes, events or links the SDK dropped.
func (d details) dropped(count int, noun string) {
	if count > 0 {
		d.line(0, "dropped", counted(count, noun, noun+"s"))
	}
}
