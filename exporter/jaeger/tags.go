package jaeger

import (
	"math"
	"strconv"

	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	"go.opentelemetry.io/otel/attribute"
)

func appendAttributes(tags []*jaeger.Tag, attrs []attribute.KeyValue) []*jaeger.Tag {
	for _, kv := range attrs {
		tags = append(tags, tagOf(kv))
	}
	return tags
}

// tagOf returns an attribute as a tag of the same type. Slices and maps are texts in
// JSON, as Jaeger's OTLP receiver writes them.
func tagOf(kv attribute.KeyValue) *jaeger.Tag {
	tag := &jaeger.Tag{Key: valid(string(kv.Key))}
	switch kv.Value.Type() {
	case attribute.BOOL:
		value := kv.Value.AsBool()
		tag.VType, tag.VBool = jaeger.TagType_BOOL, &value
	case attribute.INT64:
		value := kv.Value.AsInt64()
		tag.VType, tag.VLong = jaeger.TagType_LONG, &value
	case attribute.FLOAT64:
		value := kv.Value.AsFloat64()
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return textTag(string(kv.Key), kv.Value.String()) // Jaeger's API could not show the trace
		}
		tag.VType, tag.VDouble = jaeger.TagType_DOUBLE, &value
	case attribute.BYTESLICE:
		tag.VType, tag.VBinary = jaeger.TagType_BINARY, kv.Value.AsByteSlice()
		if tag.VBinary == nil {
			tag.VBinary = []byte{}
		}
	default:
		value := valid(textOf(kv.Value))
		tag.VType, tag.VStr = jaeger.TagType_STRING, &value
	}
	return tag
}

// textOf returns a value that has no type of Jaeger as a text.
func textOf(v attribute.Value) string {
	switch v.Type() {
	case attribute.STRING:
		return v.AsString()
	case attribute.EMPTY:
		return ""
	}
	return v.String()
}

func textTag(key, value string) *jaeger.Tag { return tagOf(attribute.String(key, value)) }

func boolTag(key string, value bool) *jaeger.Tag { return tagOf(attribute.Bool(key, value)) }

// appendText appends a tag unless the text is empty.
func appendText(tags []*jaeger.Tag, key, value string) []*jaeger.Tag {
	if value == "" {
		return tags
	}
	return append(tags, textTag(key, value))
}

// appendCount appends a tag unless the number is 0.
func appendCount(tags []*jaeger.Tag, key string, n int) []*jaeger.Tag {
	if n == 0 {
		return tags
	}
	return append(tags, tagOf(attribute.Int(key, n)))
}

// setTag replaces the tag of a key, or appends it.
func setTag(tags []*jaeger.Tag, tag *jaeger.Tag) []*jaeger.Tag {
	for i, other := range tags {
		if other.Key == tag.Key {
			tags[i] = tag
			return tags
		}
	}
	return append(tags, tag)
}

// addTag appends a tag unless there is a tag with the same key.
func addTag(tags []*jaeger.Tag, tag *jaeger.Tag) []*jaeger.Tag {
	for _, other := range tags {
		if other.Key == tag.Key {
			return tags
		}
	}
	return append(tags, tag)
}

// numberTag returns a tag for the text of a number of JSON.
func numberTag(key, number string) *jaeger.Tag {
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		return tagOf(attribute.Int64(key, n))
	}
	if f, err := strconv.ParseFloat(number, 64); err == nil {
		return tagOf(attribute.Float64(key, f))
	}
	return textTag(key, number)
}
