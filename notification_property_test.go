package osprofiler_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// values draws values that NewInfo accepts, with at most the given nesting.
func values(levels int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Bool().AsAny(),
		rapid.Int64().AsAny(),
		rapid.Float64().AsAny(),
		rapid.String().AsAny(),
	}
	if levels == 0 {
		return rapid.OneOf(scalars...)
	}
	return rapid.OneOf(append(scalars,
		rapid.SliceOfN(values(levels-1), 0, 4).AsAny(),
		members(levels-1).AsAny(),
	)...)
}

func members(levels int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.String(), values(levels), 0, 4)
}

func infos() *rapid.Generator[osprofiler.Info] {
	return rapid.Custom(func(t *rapid.T) osprofiler.Info {
		info, err := osprofiler.NewInfo(members(3).Draw(t, "members"))
		if err != nil {
			t.Fatal(err)
		}
		return info
	})
}

// texts draws arbitrary texts, plain ones half of the time, and texts that look like JSON.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z0-9-]{0,12}`),
		rapid.SampledFrom([]string{"null", `"`, `\`, `a", "base_id": "b`, `x", "project": null`, "}", "\n", "é"}))
}

func notifications() *rapid.Generator[osprofiler.Notification] {
	return rapid.Custom(func(t *rapid.T) osprofiler.Notification {
		text := func(label string) string { return texts().Draw(t, label) }
		return osprofiler.Notification{
			Name: text("name"), BaseID: text("base id"), TraceID: text("trace id"), ParentID: text("parent id"),
			Timestamp: text("timestamp"), Info: infos().Draw(t, "info"), Project: text("project"), Service: text("service"),
		}
	})
}

func TestNotificationThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := notifications().Draw(t, "notification")
		again, err := osprofiler.ParseNotification(n.JSON())
		if err != nil {
			t.Fatal(err)
		}
		if fieldsOnly(again) != n || !again.Equal(n) || again.JSON() != n.JSON() || !again.Plain() || n.Validate() != nil {
			t.Fatalf("%s came back as %s", n.JSON(), again.JSON())
		}
	})
}

// A blank before the text gives it another layout, and the result of parsing is the same.
func TestLayoutsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := notifications().Draw(t, "notification").JSON()
		laidOut, err := osprofiler.ParseNotification(text)
		if err != nil {
			t.Fatal(err)
		}
		if other, err := osprofiler.ParseNotification(" " + text); err != nil || other != laidOut {
			t.Fatalf("%s is read as %+v, behind a blank as %+v (%v)", text, laidOut, other, err)
		}
	})
}

// Changing fields of a parsed notification has the same result as setting them in a
// notification that was made from fields.
func TestChangesThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := notifications().Draw(t, "a"), notifications().Draw(t, "b")
		changed, err := osprofiler.ParseNotification(a.JSON())
		if err != nil {
			t.Fatal(err)
		}
		set := func(to, from *string, also *string) {
			if rapid.Bool().Draw(t, "change") {
				*to, *also = *from, *from
			}
		}
		set(&changed.Name, &b.Name, &a.Name)
		set(&changed.BaseID, &b.BaseID, &a.BaseID)
		set(&changed.TraceID, &b.TraceID, &a.TraceID)
		set(&changed.ParentID, &b.ParentID, &a.ParentID)
		set(&changed.Timestamp, &b.Timestamp, &a.Timestamp)
		set(&changed.Project, &b.Project, &a.Project)
		set(&changed.Service, &b.Service, &a.Service)
		if rapid.Bool().Draw(t, "change info") {
			changed.Info, a.Info = b.Info, b.Info
		}
		if !changed.Equal(a) || changed.JSON() != a.JSON() {
			t.Fatalf("got  %s\nwant %s", changed.JSON(), a.JSON())
		}
	})
}

func TestInfoLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		info, key := infos().Draw(t, "info"), rapid.String().Draw(t, "key")
		value, err := pyjson.Append(nil, values(2).Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		raw := string(value)
		with := info.With(key, raw)
		if got, ok := with.Get(key); !ok || got != raw || with.Validate() != nil {
			t.Fatalf("%s with %q: %s holds %q", info, key, with, got)
		}
		if without := with.Without(key); without.Has(key) || !info.Has(key) && !pyjson.Equal(string(without), string(info)) {
			t.Fatalf("%s with and without %q is %s", info, key, without)
		}
		if had, ok := info.Get(key); ok && with.With(key, had) != info {
			t.Fatalf("%s, changed and changed back, is %s", info, with.With(key, had))
		}
		for k, v := range info.Members() {
			if got, ok := with.Get(k); k != key && (!ok || got != v) {
				t.Fatalf("%s with %q lost %q", info, key, k)
			}
		}
	})
}
