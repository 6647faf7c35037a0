package otlppb

import (
	"go.opentelemetry.io/otel/attribute"
	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of KeyValue, AnyValue, ArrayValue and KeyValueList.
var (
	keyOfPair   = bytesField(1)
	valueOfPair = bytesField(2)

	textValue   = bytesField(1)
	boolValue   = varintField(2)
	intValue    = varintField(3)
	doubleValue = fixed64Field(4)
	arrayValue  = bytesField(5)
	mapValue    = bytesField(6)
	bytesValue  = bytesField(7)

	elements = bytesField(1) // of an array and of a map
)

func appendAttributes(b []byte, f field, attrs []attribute.KeyValue) []byte {
	for i := range attrs {
		b = appendAttribute(b, f, &attrs[i])
	}
	return b
}

func appendAttribute(b []byte, f field, kv *attribute.KeyValue) []byte {
	if kv.Value.Type() == attribute.STRING {
		return appendTextAttribute(b, f, validUTF8(string(kv.Key)), validUTF8(kv.Value.AsString()))
	}
	b, pair := open(b, f)
	b = appendText(b, keyOfPair, string(kv.Key))
	b, value := open(b, valueOfPair)
	b = closeMessage(appendValue(b, kv.Value), value)
	return closeMessage(b, pair)
}

// appendTextAttribute appends an attribute with a text. It computes the lengths
// beforehand, so that a long text is not moved.
func appendTextAttribute(b []byte, f field, key, text string) []byte {
	value := 1 + protowire.SizeBytes(len(text))
	pair := 1 + protowire.SizeBytes(len(key)) + 1 + protowire.SizeBytes(value)
	b = protowire.AppendVarint(protowire.AppendVarint(b, uint64(f)), uint64(pair))
	b = protowire.AppendString(append(b, byte(keyOfPair)), key)
	b = protowire.AppendVarint(append(b, byte(valueOfPair)), uint64(value))
	return protowire.AppendString(append(b, byte(textValue)), text)
}

// appendValue appends the content of an AnyValue. A value of an unknown type is an
// AnyValue without content.
func appendValue(b []byte, v attribute.Value) []byte {
	switch v.Type() {
	case attribute.STRING:
		return appendText(b, textValue, v.AsString())
	case attribute.INT64:
		return appendInt(b, v.AsInt64())
	case attribute.BOOL:
		return appendBool(b, v.AsBool())
	case attribute.FLOAT64:
		return appendFloat(b, v.AsFloat64())
	case attribute.STRINGSLICE:
		return appendArray(b, v.AsStringSlice(), func(b []byte, text string) []byte { return appendText(b, textValue, text) })
	case attribute.INT64SLICE:
		return appendArray(b, v.AsInt64Slice(), appendInt)
	case attribute.BOOLSLICE:
		return appendArray(b, v.AsBoolSlice(), appendBool)
	case attribute.FLOAT64SLICE:
		return appendArray(b, v.AsFloat64Slice(), appendFloat)
	case attribute.SLICE:
		return appendArray(b, v.AsSlice(), appendValue)
	case attribute.BYTESLICE:
		return appendBytes(b, bytesValue, v.AsByteSlice())
	case attribute.MAP:
		b, start := open(b, mapValue)
		return closeMessage(appendAttributes(b, elements, v.AsMap()), start)
	default:
		return b
	}
}

func appendInt(b []byte, i int64) []byte {
	return appendVarint(b, intValue, uint64(i))
}

func appendBool(b []byte, value bool) []byte {
	return appendVarint(b, boolValue, protowire.EncodeBool(value))
}

func appendFloat(b []byte, value float64) []byte { return appendDouble(b, doubleValue, value) }

func appendArray[T any](b []byte, values []T, appendOne func([]byte, T) []byte) []byte {
	b, start := open(b, arrayValue)
	for _, v := range values {
		var element int
		b, element = open(b, elements)
		b = closeMessage(appendOne(b, v), element)
	}
	return closeMessage(b, start)
}
