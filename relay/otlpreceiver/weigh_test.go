//go:build !race

package otlpreceiver

import (
	"bytes"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// field writes a field of a message.
func field(number protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), bytes.Join(parts, nil))
}

// ofSpans is a body of one resource and many equal spans.
func ofSpans(resource []byte, n int, members ...[]byte) []byte {
	span := field(2, append([][]byte{
		field(1, []byte("0123456789abcdef")), field(2, []byte("01234567")),
		protowire.AppendFixed64(protowire.AppendTag(nil, 8, protowire.Fixed64Type), 2),
	}, members...)...)
	return field(1, resource, field(2, bytes.Repeat(span, n)))
}

func attribute(key, value string) []byte {
	return field(9, field(1, []byte(key)), field(2, field(1, []byte(value))))
}

func named(key, value string) []byte {
	return field(1, field(1, field(1, []byte(key)), field(2, field(1, []byte(value)))))
}

// The memory that is reserved for a body before it is parsed is at least the memory of
// everything that is made from the body, and not many times more.
func TestReservedMemory(t *testing.T) {
	long := strings.Repeat("x", 1<<18)
	for name, body := range map[string][]byte{
		"spans":          ofSpans(nil, 3000),
		"attributes":     ofSpans(nil, 500, bytes.Repeat(attribute("http.url", "http://h:9292/v2/images?limit=20"), 8)),
		"resource":       ofSpans(bytes.Repeat(named("k8s.pod.name", "nova-api-7c9e6679-7425"), 10), 500, attribute("k", "v")),
		"long host":      ofSpans(named("host.name", long), 20),
		"long service":   ofSpans(named("service.name", long), 20),
		"long resource":  ofSpans(named("x", long), 20),
		"text":           ofSpans(nil, 1, attribute("k", strings.Repeat(long, 8))),
		"statement":      ofSpans(nil, 1, attribute("db.system", "x"), attribute("db.statement", strings.Repeat(long, 8))),
		"control":        ofSpans(nil, 1, attribute("k", strings.Repeat("\x01", 1<<20))),
		"umlauts":        ofSpans(nil, 1, attribute("k", strings.Repeat("ä", 1<<19))),
		"name":           ofSpans(nil, 1, field(5, []byte(strings.Repeat(long, 4)))),
		"empty spans":    field(1, field(2, bytes.Repeat([]byte{0x12, 0}, 10_000))),
		"empty attrs":    ofSpans(nil, 1, bytes.Repeat([]byte{0x4a, 0}, 10_000)),
		"empty events":   ofSpans(nil, 1, bytes.Repeat([]byte{0x5a, 0}, 10_000)),
		"empty links":    ofSpans(nil, 1, bytes.Repeat([]byte{0x6a, 0}, 10_000)),
		"empty values":   ofSpans(nil, 1, field(9, field(1, []byte("k")), field(2, field(5, bytes.Repeat([]byte{0x0a, 0}, 10_000))))),
		"empty maps":     ofSpans(nil, 1, field(9, field(1, []byte("k")), field(2, field(6, bytes.Repeat([]byte{0x0a, 0}, 10_000))))),
		"empty scopes":   field(1, bytes.Repeat([]byte{0x12, 0}, 10_000)),
		"resource attrs": field(1, field(1, bytes.Repeat([]byte{0x0a, 0}, 10_000))),
		"entities":       field(1, field(1, field(3, bytes.Repeat([]byte{0x1a, 0}, 10_000)))),
		"resources":      bytes.Repeat([]byte{0x0a, 0}, 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			reserved, used := otlppb.Weigh(body), usedBy(t, body)
			t.Logf("%d bytes: reserved %d, used %d, %.1f", len(body), reserved, used, float64(reserved)/float64(used))
			if reserved < used || reserved > 8*used {
				t.Errorf("a body of %d bytes takes %d bytes, and %d are reserved", len(body), used, reserved)
			}
		})
	}
}

// usedBy returns the memory of everything that is made from a body.
func usedBy(t *testing.T, body []byte) int64 {
	before := heap()
	messages, refused, err := otlppb.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	spans, more := (&otlppb.Decoder{}).Spans(messages)
	converter := convert.New()
	r := newRequest(converter, spans, append(refused, more...))
	used := heap() - before
	runtime.KeepAlive(messages)
	runtime.KeepAlive(spans)
	runtime.KeepAlive(more)
	runtime.KeepAlive(r)
	runtime.KeepAlive(body)
	return used
}

// A small request of very many empty messages is refused before it uses memory.
func TestManyEmptyMessages(t *testing.T) {
	r, err := Open("otlp+http://127.0.0.1:0", WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const most = 4 << 20
	many := func(empty []byte) []byte { return bytes.Repeat(empty, (most-64)/len(empty)) }
	for name, c := range map[string]struct {
		body []byte
		in   format
	}{
		"spans":                       {field(1, field(2, many([]byte{0x12, 0}))), protobufFormat},
		"attributes":                  {ofSpans(nil, 1, many([]byte{0x4a, 0})), protobufFormat},
		"resources":                   {many([]byte{0x0a, 0}), protobufFormat},
		"JSON spans":                  {[]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[` + string(many([]byte("{},"))) + `{}]}]}]}`), jsonFormat},
		"JSON attributes":             {[]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[` + string(many([]byte("{},"))) + `{}]}]}]}]}`), jsonFormat},
		"one resource for many spans": {ofSpans(named("x", strings.Repeat("x", most/2)), 1000), protobufFormat},
	} {
		t.Run(name, func(t *testing.T) {
			before := allocated()
			_, f := r.convert(t.Context(), &admission{receiver: r}, c.body, c.in)
			if f == nil || f.http != 413 || !strings.Contains(f.text, "bytes of memory") {
				t.Errorf("the answer is %v", f)
			}
			if used := allocated() - before; used > 32<<20 {
				t.Errorf("the request took %d bytes", used)
			}
		})
	}
}

func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}
