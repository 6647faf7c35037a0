package otlppb

import (
	"math"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
)

// An attributeReader reads the attributes of a span into a few slices, so that not each
// attribute is an allocation.
type attributeReader struct {
	list   []*commonpb.KeyValue
	pairs  []commonpb.KeyValue
	values []commonpb.AnyValue
	texts  []commonpb.AnyValue_StringValue
}

// newAttributes returns a reader with room for the attributes of a span.
func newAttributes(span []byte) (a attributeReader) {
	n := 0
	for r := newFieldReader(span); r.next(); r.skip() {
		if r.tag == bytesField(fieldAttributes) {
			n++
		}
	}
	if n > 0 {
		a.list = make([]*commonpb.KeyValue, 0, n)
		a.pairs = make([]commonpb.KeyValue, n)
		a.values = make([]commonpb.AnyValue, n)
		a.texts = make([]commonpb.AnyValue_StringValue, n)
	}
	return a
}

// read reads the attribute that is the value of a field.
func (a *attributeReader) read(r *fieldReader) bool {
	i := len(a.list)
	pair := &a.pairs[i]
	a.list = append(a.list, pair)
	after := r.end
	r.end = r.inside()
	for r.next() {
		switch {
		case r.tag == bytesField(1):
			pair.Key = r.string()
		case r.tag == bytesField(2) && pair.Value == nil:
			pair.Value = &a.values[i]
			if !a.readValue(i, r) {
				return false
			}
		default:
			return false
		}
	}
	r.end = after
	return !r.failed
}

// readValue reads a value that is not a list, a map or bytes. It returns false for lists,
// maps and bytes.
func (a *attributeReader) readValue(i int, r *fieldReader) bool {
	value, after := &a.values[i], r.end
	r.end = r.inside()
	for r.next() {
		switch r.tag {
		case bytesField(1):
			a.texts[i].StringValue = r.string()
			value.Value = &a.texts[i]
		case varintField(2):
			value.Value = &commonpb.AnyValue_BoolValue{BoolValue: r.varint() != 0}
		case varintField(3):
			value.Value = &commonpb.AnyValue_IntValue{IntValue: int64(r.varint())}
		case fixed64Field(4):
			value.Value = &commonpb.AnyValue_DoubleValue{DoubleValue: math.Float64frombits(r.fixed64())}
		default:
			return false
		}
	}
	r.end = after
	return !r.failed
}
