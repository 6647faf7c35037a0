package otlppb

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

func (d *jsonDecoder) attributes(list string, depth int) (attrs []*commonpb.KeyValue) {
	for raw := range d.objects("attributes", list) {
		p := &commonpb.KeyValue{}
		for key, v := range pyjson.Members(raw) {
			switch key {
			case "key":
				p.Key = d.text(key, v)
			case "value":
				p.Value = d.value(v, depth)
			}
		}
		attrs = append(attrs, p)
	}
	return attrs
}

// value reads an attribute's value. An empty object is a value without data.
func (d *jsonDecoder) value(raw string, depth int) *commonpb.AnyValue {
	p := &commonpb.AnyValue{}
	if depth > maxDepth {
		d.fail(fmt.Errorf("an attribute is nested more than %d levels deep", maxDepth))
		return p
	}
	for key, v := range d.members("value of an attribute", raw) {
		switch key {
		case "stringValue":
			p.Value = &commonpb.AnyValue_StringValue{StringValue: d.text(key, v)}
		case "intValue":
			p.Value = &commonpb.AnyValue_IntValue{IntValue: d.int64(key, v)}
		case "boolValue":
			p.Value = &commonpb.AnyValue_BoolValue{BoolValue: d.bool(key, v)}
		case "doubleValue":
			p.Value = &commonpb.AnyValue_DoubleValue{DoubleValue: d.double(key, v)}
		case "bytesValue":
			p.Value = &commonpb.AnyValue_BytesValue{BytesValue: d.bytes(key, v)}
		case "arrayValue":
			list := &commonpb.ArrayValue{}
			for e := range d.objects("values", d.values(key, v)) {
				list.Values = append(list.Values, d.value(e, depth+1))
			}
			p.Value = &commonpb.AnyValue_ArrayValue{ArrayValue: list}
		case "kvlistValue":
			p.Value = &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: d.attributes(d.values(key, v), depth+1)}}
		}
	}
	return p
}

// values returns the member "values" of a list or a map.
func (d *jsonDecoder) values(name, raw string) (list string) {
	list = null
	for key, v := range d.members(name, raw) {
		if key == "values" {
			list = v
		}
	}
	return list
}

const null = "null"

// members yields the members of an object that are not null. The names are in camel
// case, as in OTLP's JSON: members yields the name start_time_unix_nano of protobuf's JSON
// as startTimeUnixNano.
func (d *jsonDecoder) members(name, raw string) iter.Seq2[string, string] {
	if pyjson.KindOf(raw) != pyjson.Object {
		if raw != null {
			d.fail(wrongJSON(name, raw, "a JSON object"))
		}
		return func(func(string, string) bool) {}
	}
	return func(yield func(string, string) bool) {
		for key, v := range pyjson.Members(raw) {
			if v != null && !yield(camelCase(key), v) {
				return
			}
		}
	}
}

// camelCase returns a name of protobuf, small letters with single underscores between
// them, in camel case. Every other name stays as it is.
func camelCase(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '_' && i > 0 && i+1 < len(name) && 'a' <= name[i+1] && name[i+1] <= 'z':
			i++
			b.WriteByte(name[i] - 'a' + 'A')
		case 'a' <= c && c <= 'z':
			b.WriteByte(c)
		default:
			return name
		}
	}
	return b.String()
}

// objects yields the elements of a list of objects.
func (d *jsonDecoder) objects(name, raw string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if pyjson.KindOf(raw) != pyjson.Array {
			if raw != null {
				d.fail(wrongJSON(name, raw, "a JSON array"))
			}
			return
		}
		for e := range pyjson.Elements(raw) {
			if pyjson.KindOf(e) != pyjson.Object {
				d.fail(wrongJSON("an element of "+name, e, "a JSON object"))
				return
			}
			if !yield(e) {
				return
			}
		}
	}
}

func wrongJSON(name, raw, right string) error {
	if text, ok := pyjson.Text(raw); ok {
		raw = text
	}
	return fmt.Errorf("%s should be %s, not %s", name, right, safetext.Quote(raw))
}

func (d *jsonDecoder) text(name, raw string) string {
	if raw == null {
		return ""
	}
	text, ok := pyjson.Text(raw)
	switch {
	case !ok:
		d.fail(wrongJSON(name, raw, "a string"))
	case !utf8.ValidString(text):
		d.fail(fmt.Errorf("%s should be UTF-8, not %s", name, safetext.Quote(text)))
	}
	return text
}

// id reads hexadecimal digits.
func (d *jsonDecoder) id(name, raw string) []byte {
	text := d.text(name, raw)
	id, err := hex.DecodeString(text)
	if err != nil {
		d.fail(fmt.Errorf("%s should be hexadecimal digits, not %s", name, safetext.Quote(text)))
	}
	return id
}

// bytes reads base64 in any of its alphabets, with or without padding.
func (d *jsonDecoder) bytes(name, raw string) []byte {
	text := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(d.text(name, raw), "="))
	content, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		d.fail(fmt.Errorf("%s should be base64: %w", name, err))
	}
	return content
}

func (d *jsonDecoder) bool(name, raw string) bool {
	if raw != "true" && raw != "false" {
		d.fail(wrongJSON(name, raw, "true or false"))
	}
	return raw == "true"
}

// digits returns the text of a number. 64-bit numbers may be in quotes.
func digits(raw string) string {
	if text, ok := pyjson.Text(raw); ok {
		return text
	}
	return raw
}

func (d *jsonDecoder) double(name, raw string) float64 {
	f, err := strconv.ParseFloat(digits(raw), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		d.fail(wrongJSON(name, raw, "a number"))
	}
	return f
}

func (d *jsonDecoder) int64(name, raw string) int64 {
	n, err := strconv.ParseInt(digits(raw), 10, 64)
	if err == nil {
		return n
	}
	if f, ok := wholeNumber(raw); ok && f >= math.MinInt64 && f < math.MaxInt64 {
		return int64(f)
	}
	d.fail(wrongJSON(name, raw, "a whole number of 64 bits"))
	return 0
}

func (d *jsonDecoder) uint64(name, raw string) uint64 {
	n, err := strconv.ParseUint(digits(raw), 10, 64)
	if err == nil {
		return n
	}
	if f, ok := wholeNumber(raw); ok && f >= 0 && f < math.MaxUint64 {
		return uint64(f)
	}
	d.fail(wrongJSON(name, raw, "a whole number of 64 bits, not negative"))
	return 0
}

// wholeNumber reads a whole number that is written as 1.5e18 or 3.0.
func wholeNumber(raw string) (f float64, ok bool) {
	f, err := strconv.ParseFloat(digits(raw), 64)
	return f, err == nil && f == math.Trunc(f)
}

func (d *jsonDecoder) uint32(name, raw string) uint32 {
	if raw == null {
		return 0
	}
	n := d.uint64(name, raw)
	if n > math.MaxUint32 {
		d.fail(wrongJSON(name, raw, "a number of 32 bits"))
	}
	return uint32(n)
}

// enum reads the number or the name of an enum. An unknown number stays as it is.
func (d *jsonDecoder) enum(name, raw string, byName map[string]int32) int32 {
	if text, ok := pyjson.Text(raw); ok {
		n, known := byName[text]
		if known {
			return n
		}
	}
	n, err := strconv.ParseInt(digits(raw), 10, 32)
	if err != nil {
		d.fail(wrongJSON(name, raw, "the number or the name of an OTLP enum"))
	}
	return int32(n)
}
