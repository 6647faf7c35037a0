package pyjson

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// AppendFloat appends f as Python's repr writes it: the shortest digits that
// give f back, with a point or an exponent always.
func AppendFloat(dst []byte, f float64) []byte { return appendFloat(dst, f, 64) }

func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, bits)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
	if !slices.Contains(dst[start:], '.') {
		dst = append(dst, '.', '0')
	}
	return dst
}

// TimeLayout is how Python's isoformat and OSProfiler's notifications write a
// time: microseconds always, no zone.
const TimeLayout = "2006-01-02T15:04:05.000000"

// Append appends v as json.dumps would, maps in the order of their keys. It
// knows nil, booleans, numbers, strings, bytes (as text), times (as isoformat,
// in UTC), errors, and maps and slices of these; anything else is marshaled by
// encoding/json and written in Python's style. What is nested deeper than 1000
// levels, as whatever holds itself is, is an error.
func Append(dst []byte, v any) ([]byte, error) { return appendValue(dst, v, maxLevels) }

// maxLevels is where Python gives up, too.
const maxLevels = 1000

func appendValue(dst []byte, v any, levels int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case string:
		return AppendString(dst, v), nil
	case []byte:
		return AppendString(dst, string(v)), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int32:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case uint64:
		return strconv.AppendUint(dst, v, 10), nil
	case float64:
		return AppendFloat(dst, v), nil
	case float32:
		return appendFloat(dst, float64(v), 32), nil
	case json.RawMessage:
		if v == nil {
			return append(dst, "null"...), nil
		}
		return appendRaw(dst, v)
	case time.Time:
		return AppendString(dst, v.UTC().Format(TimeLayout)), nil
	case error:
		return AppendString(dst, v.Error()), nil
	case map[string]any:
		return appendMap(dst, v, levels)
	case []any:
		return appendSlice(dst, v, levels)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return dst, fmt.Errorf("a value of type %T cannot be written as JSON: %w", v, err)
	}
	return appendRaw(dst, text)
}

func appendRaw(dst, text []byte) ([]byte, error) {
	raw, err := One(string(text))
	if err != nil {
		return dst, err
	}
	return Compact.Append(dst, raw), nil
}

var errTooDeep = fmt.Errorf("it is nested deeper than %d levels, or holds itself", maxLevels)

func appendMap(dst []byte, m map[string]any, levels int) (_ []byte, err error) {
	if levels == 0 {
		return dst, errTooDeep
	}
	dst = append(dst, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(AppendString(dst, key), ": "...)
		if dst, err = appendValue(dst, m[key], levels-1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func appendSlice(dst []byte, s []any, levels int) (_ []byte, err error) {
	if levels == 0 {
		return dst, errTooDeep
	}
	dst = append(dst, '[')
	for i, v := range s {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if dst, err = appendValue(dst, v, levels-1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// Style is a way of laying JSON out, named by json.dumps's arguments.
type Style struct {
	Comma  string // between members and elements
	Colon  string // between a key and its value
	Indent string // one level's; with none, all stands on one line
}

var (
	// Compact is json.dumps's own style, which the stores hold.
	Compact = Style{Comma: ", ", Colon: ": "}
	// Indented is the style of `osprofiler trace show --json`.
	Indented = Style{Comma: ",", Colon: ": ", Indent: "  "}
)

// Append appends a valid raw value in the style: strings quoted as json.dumps
// quotes them, numbers as they were written. It needs no stack, however deep
// the value is nested.
func (st Style) Append(dst []byte, raw string) []byte { return st.AppendAt(dst, raw, 0) }

// AppendAt is Append for a value that starts on a line of that depth.
func (st Style) AppendAt(dst []byte, raw string, depth int) []byte {
	for i := 0; i < len(raw); {
		c := raw[i]
		switch c {
		case ' ', '\t', '\n', '\r':
			i++
		case '{', '[':
			i = SkipSpace(raw, i+1)
			dst = append(dst, c)
			if i < len(raw) && closes(c, raw[i]) {
				dst = append(dst, raw[i])
				i++
				continue
			}
			depth++
			dst = st.NewLine(dst, depth)
		case '}', ']':
			depth--
			dst = append(st.NewLine(dst, depth), c)
			i++
		case ',':
			dst = st.NewLine(append(dst, st.Comma...), depth)
			i++
		case ':':
			dst = append(dst, st.Colon...)
			i++
		default:
			end, err := scalarEnd(raw, i)
			if err != nil {
				return dst
			}
			if c == '"' {
				dst = AppendString(dst, Unquote(raw[i:end]))
			} else {
				dst = append(dst, raw[i:end]...)
			}
			i = end
		}
	}
	return dst
}

// NewLine starts the next line at that depth, if the style has lines. Deeper
// than Python can write (1000 levels) all goes on on the same line: there the
// indents alone would grow with the square of the depth.
func (st Style) NewLine(dst []byte, depth int) []byte {
	if st.Indent == "" || depth > maxLevels {
		return dst
	}
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, st.Indent...)
	}
	return dst
}
