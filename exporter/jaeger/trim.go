package jaeger

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	"go.opentelemetry.io/otel/attribute"
)

// The tags of a span or a process that was too large for a message. trimmedKey lists the
// tags whose values were cut, and droppedKey counts the logs, references and tags that
// were left out.
const (
	trimmedKey = "osprofiler.trimmed"
	droppedKey = "osprofiler.dropped"
)

const (
	// markRoom is kept free for the tags that say which values were cut.
	markRoom = 1200
	// markLength is how long the list of cut tags may be.
	markLength = 600
	// least is how many bytes each value keeps.
	least = 32
)

// trimProcess cuts the largest values of a process until half of the message is left for
// the spans.
func trimProcess(p *jaeger.Process, c *cutter) error {
	room := (c.limit - c.overhead) / 2
	size, err := c.size(p)
	if err != nil || size <= room {
		return err
	}
	values := append(valuesOf("", p.Tags), value{key: "service.name", text: &p.ServiceName})
	marks := trimValues(values, size-room+markRoom)
	p.Tags = append(p.Tags, marks...)
	if size, err = c.size(p); err == nil && size > room {
		kept := keep(p.Tags, size, room)
		p.Tags = append(p.Tags[:kept:kept], tagOf(attribute.String(droppedKey, fmt.Sprintf("%d tags", len(p.Tags)-kept))))
	}
	return err
}

// trimSpan cuts the largest values of a span until it has room bytes, and returns its
// size. A span that has too many values loses its last logs, references and tags.
func trimSpan(span *jaeger.Span, c *cutter, room int) (size int, err error) {
	if size, err = c.size(span); err != nil || size <= room {
		return size, err
	}
	values := append(valuesOf("", span.Tags), value{key: "the name", text: &span.OperationName})
	for _, log := range span.Logs {
		values = append(values, valuesOf("log ", log.Fields)...)
	}
	span.Tags = append(span.Tags, trimValues(values, size-room+markRoom)...)
	if size, err = c.size(span); err != nil || size <= room {
		return size, err
	}
	dropFrom(span, size, room)
	return c.size(span)
}

// dropFrom drops the last logs, references and tags until a span fits. All of a kind are
// about equally large by now, because the largest values were cut.
func dropFrom(span *jaeger.Span, size, room int) {
	room -= markRoom
	total := func() (n int) {
		n = roughSize(span.Tags) + 24*len(span.References)
		for _, log := range span.Logs {
			n += 16 + roughSize(log.Fields)
		}
		return n
	}
	before := total()
	fits := func() bool { return total() <= max(0, room-max(0, size-before)) }
	logs, references, tags := len(span.Logs), len(span.References), len(span.Tags)
	for !fits() && len(span.Logs) > 0 {
		span.Logs = span.Logs[:len(span.Logs)*3/4]
	}
	for !fits() && len(span.References) > 0 {
		span.References = span.References[:len(span.References)*3/4]
	}
	for !fits() && len(span.Tags) > 0 {
		span.Tags = span.Tags[:len(span.Tags)*3/4]
	}
	span.Tags = append(slices.Clip(span.Tags), textTag(droppedKey, fmt.Sprintf("%d logs, %d references, %d tags",
		logs-len(span.Logs), references-len(span.References), tags-len(span.Tags))))
}

// keep returns how many of the tags fit into a process.
func keep(tags []*jaeger.Tag, size, room int) (n int) {
	room -= max(0, size-roughSize(tags)) + markRoom
	n = len(tags)
	for n > 0 && roughSize(tags[:n]) > room {
		n = n * 3 / 4
	}
	return n
}

// roughSize returns at least the bytes of tags in a message.
func roughSize(tags []*jaeger.Tag) (n int) {
	for _, tag := range tags {
		n += 32 + len(tag.Key) + len(tag.VBinary)
		if tag.VStr != nil {
			n += len(*tag.VStr)
		}
	}
	return n
}

// A value is a text or bytes that can be cut, or the key of a tag.
type value struct {
	key    string
	text   *string
	binary *[]byte
}

func (v *value) len() int {
	if v.binary != nil {
		return len(*v.binary)
	}
	return len(*v.text)
}

// cut cuts the value to at most n bytes.
func (v *value) cut(n int) {
	if v.binary != nil {
		*v.binary = (*v.binary)[:n:n]
		return
	}
	const ellipsis = "…"
	end := max(0, n-len(ellipsis))
	for end > 0 && !utf8.RuneStart((*v.text)[end]) {
		end--
	}
	*v.text = (*v.text)[:end] + ellipsis
}

// valuesOf returns the values of tags, and their keys, because a key may be large too.
func valuesOf(prefix string, tags []*jaeger.Tag) (values []value) {
	for _, tag := range tags {
		key := prefix + tag.Key
		switch {
		case tag.VStr != nil:
			values = append(values, value{key: key, text: tag.VStr})
		case tag.VBinary != nil:
			values = append(values, value{key: key, binary: &tag.VBinary})
		}
		values = append(values, value{key: "a key", text: &tag.Key})
	}
	return values
}

// trimValues cuts the largest values to the same length, so that together they lose at
// least excess bytes, and returns the tag that names them. It returns no tag if it cuts
// nothing.
func trimValues(values []value, excess int) []*jaeger.Tag {
	length := lengthFor(values, excess)
	var cut []string
	for i := range values {
		if v := &values[i]; v.len() > length {
			cut = append(cut, fmt.Sprintf("%s (%d bytes)", shortKey(v.key), v.len()))
			v.cut(length)
		}
	}
	if len(cut) == 0 {
		return nil
	}
	return []*jaeger.Tag{textTag(trimmedKey, shortList(cut))}
}

// lengthFor returns the length to which values must be cut so that they lose at least
// excess bytes.
func lengthFor(values []value, excess int) int {
	lengths := make([]int, len(values))
	for i := range values {
		lengths[i] = values[i].len()
	}
	slices.Sort(lengths)
	slices.Reverse(lengths)
	sum := 0 // of the longest values
	for i, n := range lengths {
		sum += n
		next := least
		if i+1 < len(lengths) {
			next = max(least, lengths[i+1])
		}
		if length := (sum - excess) / (i + 1); sum-excess >= 0 && length >= next {
			return length
		}
	}
	return least
}

func shortKey(key string) string {
	const most = 60
	if len(key) <= most {
		return key
	}
	v := value{text: &key}
	v.cut(most)
	return key
}

// shortList joins texts, and counts those that do not fit.
func shortList(texts []string) string {
	var b strings.Builder
	for i, text := range texts {
		if b.Len()+len(text) > markLength {
			fmt.Fprintf(&b, ", and %d more", len(texts)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(text)
	}
	return b.String()
}
