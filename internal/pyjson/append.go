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
// read back as f, always with a decimal point or an exponent.
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

// TimeLayout is the layout in which OSProfiler's notifications hold a time, as
// Python's isoformat writes it: always six digits of a second, and no zone.
const TimeLayout = "2006-01-02T15:04:05.000000"

// Append appends v as json.dumps writes it, with the keys of maps sorted.
//
// It handles nil, booleans, numbers, strings, bytes (as text), times (as
// isoformat, in UTC), errors (as their text), and maps and slices of these.
// encoding/json marshals any other type, and Append then writes the result in
// Python's style. Values nested deeper than 1000 levels are an error, and so are
// values that contain themselves.
func Append(dst []byte, v any) ([]byte, error) { return appendValue(dst, v, maxLevels) }

// maxLevels is the default recursion limit of Python, at which json.dumps fails.
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
		return dst, fmt.Errorf("cannot write a value of type %T as JSON: %w", v, err)
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

var errTooDeep = fmt.Errorf("cannot write a value as JSON: it is nested deeper than %d levels, or contains itself", maxLevels)

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

// A Style is a layout of JSON, like the arguments separators and indent of
// json.dumps.
type Style struct {
	Comma  string // between members and elements
	Colon  string // between a key and its value
	Indent string // for each level; "" writes everything on one line
}

var (
	// Compact is the default style of json.dumps, which Python's drivers store.
	Compact = Style{Comma: ", ", Colon: ": "}
	// Indented is the style of `osprofiler trace show --json`.
	Indented = Style{Comma: ",", Colon: ": ", Indent: "  "}
)

// Append appends a valid raw value in the style. It quotes strings as json.dumps
// does and copies the digits of numbers. It does not recurse, so that deeply
// nested values cannot exhaust the stack.
func (st Style) Append(dst []byte, raw string) []byte { return st.AppendAt(dst, raw, 0) }

// AppendAt is Append for a value whose first line has the given indentation depth.
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

// NewLine starts a line at the given depth if the style has an indent. Below
// 1000 levels, the limit of Python, it starts no line, because the size of the
// indents would grow with the square of the depth.
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
