package convert_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// withoutJSON returns a notification with the same fields that was neither converted nor
// parsed. Such a notification is checked and encoded from its fields.
func withoutJSON(n osprofiler.Notification) osprofiler.Notification {
	return osprofiler.Notification{
		Name: n.Name, BaseID: n.BaseID, TraceID: n.TraceID, ParentID: n.ParentID, Timestamp: n.Timestamp,
		Info: n.Info, Project: n.Project, Service: n.Service,
	}
}

// oddTexts are texts that JSON escapes, and texts that are null in some fields.
var oddTexts = []string{"", `a "quoted" name`, `back\slash`, `a\nb`, "zażółć 😀", "\x00\n", "\xff", "x", `", "base_id": "x`}

// The JSON that a converted notification carries equals the encoding of its fields, and can be
// read back.
func TestConvertedNotificationsCarryTheirJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stub := tracetest.SpanStubFromReadOnlySpan(genSpan.Draw(t, "span"))
		stub.Name = rapid.SampledFrom(oddTexts).Draw(t, "name")
		c := convert.New(
			convert.WithProject(rapid.SampledFrom(oddTexts).Draw(t, "project")),
			convert.WithService(rapid.SampledFrom(oddTexts).Draw(t, "service")),
			convert.WithHost(rapid.SampledFrom(oddTexts).Draw(t, "host")))
		for _, n := range c.Append(nil, convert.Both, stub.Snapshot()) {
			plain := withoutJSON(n)
			if err := plain.Validate(); err != nil {
				t.Fatalf("%v: %s", err, n.JSON())
			}
			if n.Validate() != nil || n.JSON() != plain.JSON() || string(n.AppendJSON(nil)) != plain.JSON() {
				t.Fatalf("the JSON is\n%s\nand should be\n%s", n.JSON(), plain.JSON())
			}
			if back, err := osprofiler.ParseNotification(n.JSON()); err != nil || back != n {
				t.Fatalf("%v: %s became %s", err, n.JSON(), back.JSON())
			}
		}
	})
}

// A field that is changed after the conversion is written and checked.
func TestChangesOfConvertedNotifications(t *testing.T) {
	stubs := []tracetest.SpanStub{tracetest.SpanStubFromReadOnlySpan(typical()), {}, tracetest.SpanStubFromReadOnlySpan(typical())}
	stubs[1].Resource = resource.Empty() // neither project nor service, no parent
	stubs[2].Name, stubs[2].Attributes = `a "quoted" nämé`, nil
	for _, stub := range stubs {
		for _, n := range convert.New().Append(nil, convert.Both, stub.Snapshot()) {
			own := n.JSON()
			texts := append(slices.Clone(oddTexts), "null", `{"host": "other"}`, own[len(`{"name": "`):len(own)/2], own[:len(own)/2], n.Name+n.BaseID)
			for _, text := range texts {
				for i, change := range []func(n *osprofiler.Notification){
					func(n *osprofiler.Notification) { n.Name = text },
					func(n *osprofiler.Notification) { n.BaseID = text },
					func(n *osprofiler.Notification) { n.TraceID = text },
					func(n *osprofiler.Notification) { n.ParentID = text },
					func(n *osprofiler.Notification) { n.Timestamp = text },
					func(n *osprofiler.Notification) { n.Project = text },
					func(n *osprofiler.Notification) { n.Service = text },
					func(n *osprofiler.Notification) { n.Info = osprofiler.Info(text) },
				} {
					changed, plain := n, withoutJSON(n)
					change(&changed)
					change(&plain)
					if got, want := changed.Validate(), plain.Validate(); (got == nil) != (want == nil) {
						t.Fatalf("field %d changed to %q: Validate says %v and should say %v", i, text, got, want)
					}
					if got, want := changed.JSON(), plain.JSON(); got != want {
						t.Fatalf("field %d changed to %q: the JSON is\n%s\nand should be\n%s", i, text, got, want)
					}
					if got := string(changed.AppendJSON(nil)); got != plain.JSON() {
						t.Fatalf("field %d changed to %q: AppendJSON wrote %s", i, text, got)
					}
				}
			}
		}
	}
}

// Neither Validate nor JSON reads the info of an unchanged notification: both are much faster
// than reading it. The names have escapes or none.
func TestUnchangedInfoIsNotRead(t *testing.T) {
	const times = 200
	for _, name := range []string{"GET /", `a "quoted" nämé`} {
		stub := tracetest.SpanStubFromReadOnlySpan(typical())
		stub.Attributes, stub.Name, stub.Status.Description = nil, name, strings.Repeat("x", 4<<20)
		n := convert.New().Append(nil, convert.Stops, stub.Snapshot())[0]
		// A busy machine may slow down some of the runs, but not all.
		unread := fastest(func() {
			for range times {
				if n.Validate() != nil || len(n.JSON()) < len(n.Info) {
					t.Fatal("an unchanged notification should be valid and have its JSON")
				}
			}
		})
		read := fastest(func() {
			for range times / 10 {
				if _, err := osprofiler.ParseNotification(n.JSON()); err != nil {
					t.Fatal(err)
				}
			}
		})
		if unread > read {
			t.Errorf("%q: to check %d times takes %v, longer than to read %d times, %v", name, times, unread, times/10, read)
		}
	}
}

// fastest returns the time of the fastest of three runs.
func fastest(f func()) time.Duration {
	least := time.Duration(math.MaxInt64)
	for range 3 {
		began := time.Now()
		f()
		least = min(least, time.Since(began))
	}
	return least
}
