package otlppb

import (
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
)

// maxDepth is the number of lists and maps that may be nested in an attribute.
// Package convert has the same limit when it reads a notification.
const maxDepth = 100

// Attributes converts a list of attributes, in its order. Keys may be repeated.
func Attributes(list []*commonpb.KeyValue) ([]attribute.KeyValue, error) {
	return attributesOf(list, 0)
}

func attributesOf(list []*commonpb.KeyValue, depth int) ([]attribute.KeyValue, error) {
	attrs := make([]attribute.KeyValue, 0, len(list))
	for _, p := range list {
		value, err := valueOf(p.GetValue(), depth)
		if err != nil {
			return nil, err
		}
		attrs = append(attrs, attribute.KeyValue{Key: attribute.Key(p.GetKey()), Value: value})
	}
	return attrs, nil
}

func valueOf(p *commonpb.AnyValue, depth int) (attribute.Value, error) {
	if depth > maxDepth {
		return attribute.Value{}, fmt.Errorf("an attribute is nested more than %d levels deep", maxDepth)
	}
	switch v := p.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return attribute.StringValue(v.StringValue), nil
	case *commonpb.AnyValue_IntValue:
		return attribute.Int64Value(v.IntValue), nil
	case *commonpb.AnyValue_BoolValue:
		return attribute.BoolValue(v.BoolValue), nil
	case *commonpb.AnyValue_DoubleValue:
		return attribute.Float64Value(v.DoubleValue), nil
	case *commonpb.AnyValue_BytesValue:
		return attribute.ByteSliceValue(v.BytesValue), nil
	case *commonpb.AnyValue_ArrayValue:
		return arrayOf(v.ArrayValue.GetValues(), depth+1)
	case *commonpb.AnyValue_KvlistValue:
		attrs, err := attributesOf(v.KvlistValue.GetValues(), depth+1)
		return attribute.MapValue(attrs...), err
	}
	return attribute.Value{}, nil
}

// arrayOf returns a list of one type as the Go slice type of that type, as package
// convert does.
func arrayOf(list []*commonpb.AnyValue, depth int) (attribute.Value, error) {
	values, kind := make([]attribute.Value, len(list)), attribute.STRING
	mixed := false
	for i, p := range list {
		v, err := valueOf(p, depth)
		if err != nil {
			return attribute.Value{}, err
		}
		if i == 0 {
			kind = v.Type()
		}
		mixed = mixed || v.Type() != kind
		values[i] = v
	}
	switch {
	case mixed:
	case kind == attribute.STRING:
		return attribute.StringSliceValue(each(values, attribute.Value.AsString)), nil
	case kind == attribute.INT64:
		return attribute.Int64SliceValue(each(values, attribute.Value.AsInt64)), nil
	case kind == attribute.BOOL:
		return attribute.BoolSliceValue(each(values, attribute.Value.AsBool)), nil
	case kind == attribute.FLOAT64:
		return attribute.Float64SliceValue(each(values, attribute.Value.AsFloat64)), nil
	}
	return attribute.SliceValue(values...), nil
}

func each[T any](values []attribute.Value, as func(attribute.Value) T) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = as(v)
	}
	return out
}
