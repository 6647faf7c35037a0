package hostile

import (
	"fmt"
	"strings"
)

// keys are the keys that many documents have, each time with a value of another
// kind. They include the keys that Python's driver writes.
var keys = []string{
	"a", "b", "c", "conflict", "when", "size", "flag", "items", "details", "host", "etype", "message", "db", "statement", "params", "request", "path", "method",
	"function", "args", "kwargs", "name", "timestamp", "base_id", "info", "_id", "_source", "_type", "osp_original", "osp_chunks", "$set", "$date", "$oid", "$numberLong", "$",
	"", " ", ".", "..", "a.b", "x.", ".y", "a.b.c", "info.host", "host.name", "etype.x", "*", "a b", "\x00", "a\x00b", "\n", "\x1f", "\u2028", "ключ", "😀", "0", "1", "-1", "__proto__",
}

// info returns the JSON of an info.
func (g *generator) info() string {
	m := []member{{"host", quote(fmt.Sprint("host-", g.IntN(20)))}}
	if g.one(10) {
		m = append(m, member{"etype", `"ValueError"`}, member{"message", quote(fmt.Sprint("no ", g.made))})
	}
	switch {
	case g.one(3): // as a service writes it
		return object(append(m, member{"db", object([]member{{"statement", quote(fmt.Sprint("SELECT ", g.made))}, {"params", g.value(1)}})}))
	case g.one(400):
		return object(append(m, member{"deep", g.nested(g.depth())}))
	case g.one(500):
		return object(append(m, member{"wide", g.wide()}))
	case g.one(2000):
		return object(append(m, member{"text", g.long()}))
	}
	for range g.IntN(5) {
		m = append(m, member{g.key(), g.value(3)})
	}
	if g.one(20) { // the last of equal keys counts
		m = append(m, member{m[g.IntN(len(m))].key, g.value(1)})
	}
	if g.one(10) {
		g.Shuffle(len(m), func(i, j int) { m[i], m[j] = m[j], m[i] })
	}
	return object(m)
}

// key returns a key. In one of four calls the key is one of thousands.
func (g *generator) key() string {
	if g.one(4) {
		return fmt.Sprintf("key%d", g.IntN(20_000))
	}
	if g.one(500) {
		return strings.Repeat("k", 40_000)
	}
	return keys[g.IntN(len(keys))]
}

// value returns the JSON of a value of any kind.
func (g *generator) value(depth int) string {
	switch g.IntN(8) {
	case 0:
		return g.number()
	case 1, 2:
		return g.text()
	case 3:
		return g.oneOf("null", "true", "false")
	case 4:
		return g.oneOf("[]", "{}", "[null]", "[[1, [2, []]], [{}]]", `[{"a": 1}, {"a": "b"}]`, `[1, "a", null, true, 1.5, {"a": []}]`)
	case 5:
		if depth > 0 {
			return "[" + g.value(depth-1) + ", " + g.value(depth-1) + "]"
		}
	case 6, 7:
		if depth > 0 {
			return object([]member{{g.key(), g.value(depth - 1)}, {g.key(), g.value(depth - 1)}})
		}
	}
	return fmt.Sprint(g.IntN(1000))
}

// number returns a number, or one of the words that Python writes for NaN and infinities.
func (g *generator) number() string {
	if g.one(50) {
		return g.oneOf(strings.Repeat("9", 1500), "0."+strings.Repeat("3", 1500))
	}
	return g.oneOf("0", "-0", "1", "-1", "2147483648", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
		"18446744073709551616", "123456789012345678901234567890", "0.0", "-0.0", "1.0", "1.50", "0.1", "1E5", "1e5", "1e+16", "1e-05", "1e400", "-1e400", "5e-324", "1e-400",
		"1.7976931348623157e+308", "NaN", "Infinity", "-Infinity")
}

// text returns the JSON of a text, which may look like a value of another kind.
func (g *generator) text() string {
	if g.one(300) {
		return quote(strings.Repeat("x", 40_000))
	}
	return g.oneOf(`""`, `"text"`, `"2024-05-06"`, `"2024-05-06T07:08:09.123456"`, `"2024-02-31"`, `"2024-13-45T99:99:99"`, `"no date"`, `"1"`, `"1.5"`, `"true"`, `"null"`, `"10.0.0.1"`, `"::1"`,
		`"\ud800"`, `"a\udfffb"`, `"\ud83d\ude00"`, `"😀"`, `"\u0000"`, `"a\u0000b"`, `"\u0001\u001f\u007f\u0085"`, `"\n\r\t\u2028"`, `"\\u0000"`, `"<>&'\/"`, `"\u202eabc"`, `"е́"`, `"\ufeff\uffff"`,
		`"{\"a\": 1}"`, `"$a"`, `"NaN"`, `"507f1f77bcf86cd799439011"`)
}

// long returns the JSON of a text of 40 KB to 1 MB.
func (g *generator) long() string {
	return quote(strings.Repeat(g.oneOf("long text ", "😀 unicode"), 4_000+g.IntN(96_000)))
}

// depth returns a depth around the limits of JSON and BSON parsers.
func (g *generator) depth() int {
	depths := []int{19, 21, 64, 98, 99, 100, 101, 199, 201, 256, 512, 998, 1001, 2000}
	return depths[g.IntN(len(depths))]
}

// nested returns the JSON of objects or arrays in each other.
func (g *generator) nested(depth int) string {
	switch g.IntN(3) {
	case 0:
		return strings.Repeat("[", depth) + "1" + strings.Repeat("]", depth)
	case 1:
		return strings.Repeat(`{"a": `, depth) + "1" + strings.Repeat("}", depth)
	}
	return strings.Repeat(`[{"k": `, depth/2) + `"x"` + strings.Repeat("}]", depth/2)
}

// wide returns the JSON of an object with more keys than an index accepts.
func (g *generator) wide() string {
	m := make([]member, 1100)
	for i := range m {
		m[i] = member{fmt.Sprintf("w%d", g.IntN(100_000)), g.value(0)}
	}
	return object(m)
}
