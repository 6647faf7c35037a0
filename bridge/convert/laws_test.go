package convert_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// Law 1: converting a span to notifications and back returns an equal span, as OTLP.
func TestSpanSurvivesNotifications(t *testing.T) {
	c := convert.New()
	rapid.Check(t, func(t *rapid.T) {
		span := genSpan.Draw(t, "span")
		notifications := c.Append(nil, convert.Both, span)
		if len(notifications) != 2 {
			t.Fatalf("a span is two notifications, not %d", len(notifications))
		}
		start, stop := stored(t, notifications[0]), stored(t, notifications[1])
		back := c.SpanOf(&start, &stop)
		if want, got := otlpOf(t, span), otlpOf(t, back); !proto.Equal(want, got) {
			t.Fatalf("the span changed\nfrom %v\nto   %v\nby   %s\n     %s", want, got, start.JSON(), stop.JSON())
		}
		if span.ChildSpanCount() != back.ChildSpanCount() || span.Parent().HasSpanID() && !span.Parent().Equal(back.Parent()) {
			t.Fatalf("what OTLP lacks changed: %v %v", span.Parent(), back.Parent())
		}
		again := c.Append(nil, convert.Both, back)
		for i := range again {
			if !again[i].Equal(notifications[i]) {
				t.Fatalf("the second time the notification is another\n%s\n%s", notifications[i].JSON(), again[i].JSON())
			}
		}
	})
}

// stored returns a notification as a store returns it.
func stored(t interface{ Fatal(...any) }, n osprofiler.Notification) osprofiler.Notification {
	if err := n.Validate(); err != nil {
		t.Fatal(err)
	}
	back, err := osprofiler.ParseNotification(n.JSON())
	if err != nil {
		t.Fatal(err, n.JSON())
	}
	return back
}

// Law 2: converting notifications to a span and back returns equal notifications, with any
// conventions, for whole operations and halves.
func TestNotificationsSurviveSpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pair := genPair.Draw(t, "pair")
		checkPair(t, pair)
	})
}

func TestRealNotificationsSurviveSpan(t *testing.T) {
	for name, notifications := range realTraces(t) {
		t.Run(name, func(t *testing.T) {
			byID := map[string][]osprofiler.Notification{}
			for _, n := range notifications {
				byID[n.TraceID] = append(byID[n.TraceID], n)
			}
			for _, pair := range byID {
				checkPair(t, pair)
				checkPair(t, pair[:1])
			}
		})
	}
}

// checkPair checks Law 2 for a start and a stop, or for one of them, in any order.
func checkPair(t interface {
	Fatalf(string, ...any)
	Helper()
}, pair []osprofiler.Notification) {
	t.Helper()
	var start, stop *osprofiler.Notification
	for i := range pair {
		if pair[i].Half() == osprofiler.Stop {
			stop = &pair[i]
		} else {
			start = &pair[i]
		}
	}
	for _, conventions := range []tags.Conventions{tags.Stable, tags.Old, tags.Both} {
		span := convert.New(convert.WithConventions(conventions)).SpanOf(start, stop)
		got := convert.New().Append(nil, convert.Both, span)
		want := slices.DeleteFunc([]*osprofiler.Notification{start, stop}, func(n *osprofiler.Notification) bool { return n == nil })
		if len(got) != len(want) {
			t.Fatalf("%d notifications became %d: %v", len(want), len(got), span.Attributes())
		}
		for i, n := range want {
			if !n.Equal(got[i]) {
				t.Fatalf("conventions %v: the notification changed\nfrom %s\nto   %s\nby   %v %v", conventions, n.JSON(), got[i].JSON(), span.SpanKind(), span.Attributes())
			}
		}
	}
}

func realTraces(t testing.TB) map[string][]osprofiler.Notification {
	files, err := filepath.Glob("../../reader/testdata/openstack/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no real traces:", err)
	}
	traces := map[string][]osprofiler.Notification{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			n, err := osprofiler.ParseNotification(lines.Text())
			if err != nil {
				t.Fatal(err)
			}
			traces[filepath.Base(file)] = append(traces[filepath.Base(file)], n)
		}
		_ = f.Close()
	}
	return traces
}

var genID = rapid.OneOf(
	rapid.Just("bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01"),
	rapid.SampledFrom([]string{"BD1F8A52-6C3E-4F5F-9C0A-3C9C6D2E1A01", "not-a-uuid", "", "00000000-0000-0000-0000-000000000000", "{bd1f8a526c3e4f5f9c0a3c9c6d2e1a01}"}),
	rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) string { return osprofiler.UUID(b).String() }),
)

// genInfo generates infos like Python's, and unusual ones.
var genInfo = rapid.Custom(func(t *rapid.T) osprofiler.Info {
	values := map[string]any{}
	add := func(key string, value any) {
		if rapid.Bool().Draw(t, key) {
			values[key] = value
		}
	}
	text := func(label string) string { return genText.Draw(t, label) }
	add("request", map[string]any{"path": text("path"), "query": text("query"), "method": text("method"), "scheme": text("scheme")})
	add("requests", rapid.SampledFrom([]any{
		map[string]any{"method": "GET", "query": "q=1", "path": "/p", "hostname": "127.0.0.1", "port": 80, "scheme": "http"},
		map[string]any{"status_code": 204}, map[string]any{"port": nil}, "x",
	}).Draw(t, "requests"))
	add("db", rapid.SampledFrom([]any{
		map[string]any{"statement": "SELECT 1", "params": map[string]any{"a": 1, "b": "ü"}},
		map[string]any{"statement": "SELECT ?", "params": []any{1, "x", nil}},
		map[string]any{"original_exception": "x", "chained_exception": ""},
		map[string]any{"statement": "SELECT 1"}, map[string]any{"result": "r"}, 7,
	}).Draw(t, "db"))
	add("function", rapid.SampledFrom([]any{
		map[string]any{"name": "a.b", "args": "(1,)", "kwargs": "{}"}, map[string]any{"name": "a.b"},
		map[string]any{"result": "6"}, map[string]any{"result": nil}, []any{},
	}).Draw(t, "function"))
	add("openstack", rapid.SampledFrom([]any{
		map[string]any{"request_id": "req-1", "user_id": "ü"}, map[string]any{"request_id": nil}, map[string]any{"x": "y"}, map[string]any{}, "req-1",
	}).Draw(t, "openstack"))
	add("messaging", rapid.SampledFrom([]any{
		map[string]any{"system": "rabbitmq", "destination": "cinder-volume"}, map[string]any{"message_id": 5}, []any{"x"},
	}).Draw(t, "messaging"))
	add("etype", rapid.SampledFrom([]any{"ValueError", "", nil, 5}).Draw(t, "etype"))
	add("message", rapid.SampledFrom([]any{"böom", nil, 2, []any{"x"}, map[string]any{"a": 1}}).Draw(t, "message"))
	add("host", rapid.SampledFrom([]any{"host-1", "host-1", "host-2", "", nil}).Draw(t, "host"))
	add(text("key"), rapid.SampledFrom([]any{1.0, int64(1 << 60), true, nil, "x", []any{map[string]any{}}}).Draw(t, "value"))
	info, err := osprofiler.NewInfo(values)
	if err != nil {
		t.Fatal(err)
	}
	return info
})

// genPair generates the notifications of one operation, sometimes an unusual one.
var genPair = rapid.Custom(func(t *rapid.T) []osprofiler.Notification {
	name := rapid.SampledFrom([]string{"wsgi", "db", "rpc", "http", "neutron.db", "x-y", "", "zażółć"}).Draw(t, "name")
	n := osprofiler.Notification{
		BaseID: genID.Draw(t, "base"), TraceID: genID.Draw(t, "trace"), ParentID: genID.Draw(t, "parent"),
		Project: rapid.SampledFrom([]string{"nova", "", "ü"}).Draw(t, "project"),
		Service: rapid.SampledFrom([]string{"api", ""}).Draw(t, "service"),
	}
	if rapid.Bool().Draw(t, "root") {
		n.ParentID = n.BaseID
	}
	var pair []osprofiler.Notification
	for _, half := range []string{"-start", "-stop"} {
		h := n
		h.Name = name + half
		h.Timestamp = osprofiler.FormatTime(genTime.Draw(t, "time"))
		h.Info = genInfo.Draw(t, "info")
		if rapid.IntRange(0, 5).Draw(t, "odd") == 0 {
			h = odd(t, h)
		}
		if rapid.IntRange(0, 2).Draw(t, "compact") == 0 {
			h = compact(t, h)
		}
		pair = append(pair, h)
	}
	return pair[rapid.IntRange(0, 1).Draw(t, "from"):]
})

// compact writes a notification in the layout of tools other than Python.
func compact(t *rapid.T, n osprofiler.Notification) osprofiler.Notification {
	style := pyjson.Style{Comma: ",", Colon: ":"}
	back, err := osprofiler.ParseNotification(string(style.Append(nil, n.JSON())))
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// odd generates a notification that Python would not write, but a store may hold.
func odd(t *rapid.T, n osprofiler.Notification) osprofiler.Notification {
	text := n.JSON()
	quoted := func(s string) string { return string(pyjson.AppendString(nil, s)) }
	switch rapid.IntRange(0, 5).Draw(t, "oddity") {
	case 0:
		text = strings.TrimSuffix(text, "}") + `, "extra": [1, {"a": NaN}]}`
	case 1:
		text = strings.Replace(text, `"timestamp": `+quoted(n.Timestamp), `"timestamp": "2024-01-01"`, 1)
	case 2:
		text = strings.Replace(text, `"parent_id": `+quoted(n.ParentID), `"parent_id": null`, 1)
	case 3:
		text = strings.Replace(text, `, "info": `+string(n.Info), "", 1)
	case 4:
		n.Service += "2"
		text = n.JSON()
	case 5:
		text = strings.Replace(text, `"name": `, `"host": "h", "name": `, 1)
	}
	back, err := osprofiler.ParseNotification(text)
	if err != nil {
		t.Fatal(fmt.Sprint(err, text))
	}
	return back
}

// If somebody has added to a span that was made from notifications, the whole span is carried.
func TestEnrichedSpanIsCarried(t *testing.T) {
	start := osprofiler.Notification{
		Name: "wsgi-start", BaseID: osprofiler.NewID(), TraceID: osprofiler.NewID(), Timestamp: "2024-01-02T03:04:05.000006",
		Info: `{"request": {"path": "/", "query": "", "method": "GET", "scheme": "http"}, "host": "h"}`, Project: "p", Service: "s",
	}
	start.ParentID = start.BaseID
	stop := start
	stop.Name, stop.Info = "wsgi-stop", `{"host": "h"}`
	enriched := withAttribute{convert.SpanOf(&start, &stop)}
	c := convert.New()
	got := c.Append(nil, convert.Both, enriched)
	if !got[0].Equal(start) || got[1].Equal(stop) || !got[1].Info.Has("otel") {
		t.Fatalf("%s\n%s", got[0].JSON(), got[1].JSON())
	}
	if back := c.SpanOf(&got[0], &got[1]); !proto.Equal(otlpOf(t, back), otlpOf(t, enriched)) {
		t.Fatal("the added attribute was lost")
	}
}

type withAttribute struct{ sdktrace.ReadOnlySpan }

func (s withAttribute) ChildSpanCount() int { return 3 }

func (s withAttribute) DroppedAttributes() int { return 2 }
