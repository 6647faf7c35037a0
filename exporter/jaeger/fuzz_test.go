package jaeger

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/uber/jaeger-client-go/thrift"
	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
)

// Open neither panics nor shows a password, whatever the connection string is.
func FuzzOpen(f *testing.F) {
	for _, text := range []string{
		"jaeger://127.0.0.1:6831", "jaeger+http://user:pass@h:14268/api/traces?osp_timeout=1s", "jaeger+https://h?osp_token=abc&osp_verify_certs=no",
		"jaeger://[::1", "jaeger+https://u:p%ZZ@h", "jaeger+http://h?osp_max_message_size=-1", "jaeger://h?service_name_prefix=%00", "://", "jaeger:",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "_file") {
			return // it may name any file of this machine
		}
		e, err := Open(text)
		if err != nil {
			return
		}
		if e.Name() == "" || !strings.HasPrefix(strings.ToLower(text), "jaeger") {
			t.Errorf("%q opens %q", text, e.Name())
		}
		if err := e.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A span of any shape fits into a datagram after trimSpan, and stays valid.
func FuzzTrim(f *testing.F) {
	f.Add("name", "key", "é", uint16(30_000), uint16(3), uint16(0))
	f.Add(strings.Repeat("n", 100), "k", "😀", uint16(60_000), uint16(1), uint16(2))
	f.Add("", "", "", uint16(0), uint16(60_000), uint16(60_000))
	f.Add("a", strings.Repeat("key", 100), "x", uint16(5), uint16(5_000), uint16(5_000))
	f.Fuzz(func(t *testing.T, name, key, part string, repeat, count, logs uint16) {
		if len(name)+len(key)+len(part) > 500 {
			return // many of them would only take time
		}
		name, key, part = valid(name), valid(key), valid(part)
		value := strings.Repeat(part, int(min(repeat, uint16(1+200_000/max(1, len(part))))))
		span := &jaeger.Span{OperationName: strings.Repeat(name, 1+int(repeat)/16)}
		for range count % 2048 {
			span.Tags = append(span.Tags, textTag(key, value[:0]+name))
		}
		span.Tags = append(span.Tags, textTag(key, value), textTag("own", "x"))
		for range logs % 2048 {
			span.Logs = append(span.Logs, &jaeger.Log{Fields: []*jaeger.Tag{textTag(key, name)}})
			span.References = append(span.References, &jaeger.SpanRef{SpanId: 1, TraceIdHigh: -1, TraceIdLow: -1})
		}
		for _, c := range []*cutter{
			{protocol: thrift.NewTCompactProtocolFactoryConf(nil), limit: maxDatagramSize, overhead: 64, trim: true},
			{protocol: thrift.NewTBinaryProtocolFactoryConf(nil), limit: leastMessageSize, overhead: 64, trim: true},
		} {
			process := &jaeger.Process{ServiceName: name + value, Tags: append([]*jaeger.Tag{}, span.Tags...)}
			copied := *span
			batches, err := c.batches([]*group{{process, []*jaeger.Span{&copied}, []int{0}}})
			if err != nil || len(batches) != 1 {
				t.Fatal(len(batches), err)
			}
			size, err := c.size(batches[0].thrift())
			if err != nil || size > c.limit {
				t.Fatalf("the message has %d bytes of %d (%v)", size, c.limit, err)
			}
			if !utf8.ValidString(copied.OperationName) || !utf8.ValidString(texts(copied.Tags)) || !utf8.ValidString(process.ServiceName) {
				t.Error("a text is no UTF-8 any more")
			}
		}
	})
}
