package loginsight_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/hostile"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Any notification is read back unchanged, and is listed correctly.
func TestHostile(t *testing.T) {
	count := 1000
	if testenv.Soak() {
		count = 3000
	}
	s := open(t, loginsightserver.New(t).URL())
	all := hostile.Notifications(1, count)
	hostile.Write(t, s, all)
	hostile.Check(t, s, all)
}

// Notifications that are too large for a field are read back, whatever they contain, and the
// listing has their first notification.
func TestLarge(t *testing.T) {
	s := open(t, loginsightserver.New(t).URL())
	long := strings.Repeat("ż\x00 \ud7ff", 4000)
	var batch []osprofiler.Notification
	for _, text := range []string{
		`{"name": "?", "base_id": "I", "trace_id": "?", "parent_id": "?", "timestamp": "?", "info": {"host": "?", "etype": "?"}, "project": "?", "service": "?"}`,
		`{"name": {"?": 1}, "base_id": "I", "trace_id": ["?"], "info": {"etype": {"?": 2}, "host": ["?"]}, "x": "?"}`,
		`{"name": "a-start", "base_id": "I", "trace_id": "T", "timestamp": "2024-05-06T07:08:09.000001", "info": {"?": null}}`,
		`{"name": "a-stop", "base_id": "I", "trace_id": "T", "timestamp": "2024-05-06T07:08:09.000003", "osp_original": {"sha256": "?"}}`,
		`{"name": "a-stop", "base_id": "I", "trace_id": "T", "timestamp": "2024-05-06T07:08:09.000002", "osp_original": "short"}`,
		`{"name": "a-stop", "base_id": "?", "trace_id": "T", "timestamp": "2024-05-06T07:08:09.000002", "info": {"etype": "E"}}`,
	} {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "?", strings.ReplaceAll(long, "\x00", `\u0000`)), `"I"`, `"`+otherID+`"`)
		n, err := osprofiler.ParseNotification(text)
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, n)
	}
	hostile.Write(t, s, batch)
	hostile.Write(t, s, batch[:2]) // again
	for _, id := range []string{otherID, batch[5].BaseID} {
		got := read(t, s, id)
		for _, n := range batch {
			found := 0
			for i := range got {
				if got[i].Equal(n) {
					found++
				}
			}
			if want := map[bool]int{true: 1}[n.BaseID == id]; found != want {
				t.Errorf("%.100s… was read %d times of %d", n.JSON(), found, len(got))
			}
		}
	}
	for summary, err := range s.Traces(t.Context(), store.Query{First: true, Failed: true}) {
		if err != nil {
			t.Fatal(err)
		}
		want := batch[2]
		if summary.BaseID != otherID {
			want = batch[5]
		}
		if summary.First == nil || !summary.First.Equal(want) {
			t.Errorf("the first notification of %.60s is %.100v", summary.BaseID, summary.First)
		}
	}
}

// event returns an event with these fields: name, content, …
func event(text string, fields ...string) loginsightserver.Event {
	e := loginsightserver.Event{Text: text, Timestamp: time.Now().UnixMilli()}
	for i := 0; i < len(fields); i += 2 {
		e.Fields = append(e.Fields, loginsightserver.Field{Name: fields[i], Content: &fields[i+1]})
	}
	return e
}

// Events of other programs are skipped. OSProfiler events that cannot be read are
// reported, and the other OSProfiler events are read.
func TestForeignEvents(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL())
	good := note(otherID, 1)
	if err := s.Write(t.Context(), []osprofiler.Notification{good}); err != nil {
		t.Fatal(err)
	}
	const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	short := func(original string) string {
		return strings.TrimSuffix(good.JSON(), "}") + `, "osp_original": ` + original + `}`
	}
	server.Add(
		loginsightserver.Event{Text: "OSProfiler trace", Timestamp: time.Now().UnixMilli()},
		loginsightserver.Event{Text: "OSProfiler trace", Timestamp: time.Now().UnixMilli(), Fields: []loginsightserver.Field{{Name: "base_id"}, {Name: "trace"}}},
		event("something about an OSProfiler trace"),
		event("OSProfiler trace", "base_id", otherID),
		event("another program", "base_id", otherID, "level", "warn"),
		event("another program", "trace", "stack"),
		event("OSProfiler trace", "base_id", otherID, "trace", `{"base_id": "`+otherID+`"`),
		event("OSProfiler trace", "base_id", otherID, "trace", `5`),
		event("OSProfiler trace", "base_id", otherID, "trace", short(`{}`)),
		event("OSProfiler trace", "base_id", otherID, "trace", short(`{"sha256": "`+digest+`", "bytes": 99999999999999999}`)),
		event("OSProfiler trace", "base_id", otherID, "trace", short(`{"sha256": "`+digest+`", "bytes": 30000}`)),
		event("OSProfiler original", "osp_part", digest, "osp_number", "0", "osp_content", "AAAA"),
		event("OSProfiler original", "osp_part", digest, "osp_number", "-1", "osp_content", "AAAA"),
		event("OSProfiler original", "osp_part", digest, "osp_number", "1000000000", "osp_content", "AAAA"),
		event("OSProfiler original", "osp_part", digest, "osp_number", "1", "osp_content", "no base64"),
		event("OSProfiler original", "osp_part", digest, "osp_number", "x"),
		event("OSProfiler original", "osp_part", digest),
	)
	var damaged []string
	got := 0
	for n, err := range s.Notifications(t.Context(), otherID) {
		var damage *store.DamageError
		switch {
		case errors.As(err, &damage):
			damaged = append(damaged, fmt.Sprint(damage.InTrace, " ", damage.BaseID == otherID, " ", err))
		case err != nil:
			t.Fatal(err)
		case !n.Equal(good):
			t.Errorf("read %s", n.JSON())
		default:
			got++
		}
	}
	want := []string{
		"3 of the 3 parts of its original are not there, or not yet", "does not say where the original is", "does not say where the original is", "", "",
	}
	if len(damaged) != len(want) || got != 1 {
		t.Fatalf("%d notifications; damaged:\n%s", got, strings.Join(damaged, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(damaged[i], "true true skipped an event of Log Insight: ") || !strings.Contains(damaged[i], want[i]) {
			t.Errorf("%s, want %s", damaged[i], want[i])
		}
	}
	damages, listed := 0, 0
	for summary, err := range s.Traces(t.Context(), store.Query{}) {
		switch {
		case err == nil && summary.BaseID == otherID:
			listed++
		case store.Ends(err):
			t.Fatal(err)
		case err != nil:
			damages++
		}
	}
	if damages != 5 || listed != 1 {
		t.Errorf("%d traces listed, %d damaged", listed, damages)
	}
}
