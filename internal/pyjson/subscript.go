package pyjson

import "fmt"

// TypeName returns the name of the Python type that json.loads returns for a raw value.
func TypeName(raw string) string {
	switch KindOf(raw) {
	case String:
		return "str"
	case Bool:
		return "bool"
	case Array:
		return "list"
	case Object:
		return "dict"
	case Number:
		if isFloat(raw) {
			return "float"
		}
		return "int"
	default:
		return "NoneType"
	}
}

// Subscript returns the result of Python's value[key] for a raw value. If
// Python raises an exception, Subscript returns it as Python 3.11 prints it:
// type, colon, message.
func Subscript(raw, key string) (value, exception string) {
	switch KindOf(raw) {
	case Object:
		if value, ok := Get(raw, key); ok {
			return value, ""
		}
		return "", "KeyError: '" + key + "'"
	case String:
		return "", "TypeError: string indices must be integers, not 'str'"
	case Array:
		return "", "TypeError: list indices must be integers or slices, not str"
	default:
		return "", fmt.Sprintf("TypeError: '%s' object is not subscriptable", TypeName(raw))
	}
}
