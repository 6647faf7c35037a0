package live

import (
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The approximate memory of each object, without its texts, in bytes.
const (
	spanBytes      = 512
	attributeBytes = 64
	eventBytes     = 96
	linkBytes      = 128
)

// sizeOf estimates the memory of a span, in bytes. The resource and the scope
// do not count, because many spans share them.
func sizeOf(s sdktrace.ReadOnlySpan) int64 {
	size := spanBytes + len(s.Name()) + len(s.Status().Description) + sizeOfAttributes(s.Attributes())
	for _, event := range s.Events() {
		size += eventBytes + len(event.Name) + sizeOfAttributes(event.Attributes)
	}
	for _, link := range s.Links() {
		size += linkBytes + sizeOfAttributes(link.Attributes)
	}
	return int64(size)
}

func sizeOfAttributes(attrs []attribute.KeyValue) (size int) {
	for i := range attrs {
		size += attributeBytes + len(attrs[i].Key) + sizeOfValue(attrs[i].Value)
	}
	return size
}

// sizeOfValue returns the exact size for the usual types. The elements of the
// other types cannot be read without a copy, so for these types it returns the
// length of their text.
func sizeOfValue(v attribute.Value) int {
	switch v.Type() {
	case attribute.BOOL, attribute.INT64, attribute.FLOAT64, attribute.EMPTY:
		return 0 // included in attributeBytes
	case attribute.STRING:
		return len(v.AsString())
	default:
		return len(v.String())
	}
}
