package relay_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

func TestCopyGivesSpansToASink(t *testing.T) {
	from := openStore(t, "sqlite:///"+filepath.Join(t.TempDir(), "from.db"))
	start, _ := operation(9, 1)
	write(t, from, append(operations(1, 2000), start)...)
	sink := &spanSink{t: t}
	target := relay.ToExporter(sink)
	defer target.Close()
	var cursors []store.Cursor
	counts, err := relay.Copy(t.Context(), relay.FromFeed(from, "", checkpointTo(&cursors)), []relay.Target{target})
	if err != nil {
		t.Fatal(err)
	}
	if len(sink.byID()) != 2001 || sink.count() != 2001 || sink.incompletes() != 1 {
		t.Errorf("the sink has %d spans, %d incomplete", sink.count(), sink.incompletes())
	}
	if c := counts.Targets[0]; counts.Read != 4001 || c.Written != 4001 || c.Refused != 0 {
		t.Errorf("the counts are %+v", counts)
	}
	if len(cursors) == 0 {
		t.Error("the source heard of nothing")
	}
}

func TestCopyTellsNothingThatWaitsInASink(t *testing.T) {
	from := openStore(t, "sqlite:///"+filepath.Join(t.TempDir(), "from.db"))
	start, _ := operation(9, 1)
	write(t, from, start)
	sink := &spanSink{t: t, fail: errors.New("the target is down")}
	target := relay.ToExporter(sink, relay.WithTargetName("sink"))
	defer target.Close()
	var cursors []store.Cursor
	_, err := relay.Copy(t.Context(), relay.FromFeed(from, "", checkpointTo(&cursors)), []relay.Target{target})
	if err == nil || !strings.Contains(err.Error(), "the target is down") || len(cursors) != 0 {
		t.Errorf("Copy ends with %v, the source hears of %q", err, cursors)
	}
}

func TestCopyCountsWhatASinkRefuses(t *testing.T) {
	from := openStore(t, "sqlite:///"+filepath.Join(t.TempDir(), "from.db"))
	write(t, from, operations(1, 3)...)
	sink := &spanSink{t: t, fail: &exporter.SinkError{Missing: []int{1}, Refused: []int{1}, Err: errTooLarge}}
	target := relay.ToExporter(sink)
	defer target.Close()
	var warned []string
	counts, err := relay.Copy(t.Context(), relay.FromFeed(from, "", nil), []relay.Target{target},
		relay.WithWarning(func(err error) { warned = append(warned, err.Error()) }))
	if err != nil {
		t.Fatal(err)
	}
	if c := counts.Targets[0]; c.Refused != 2 || c.Written != 4 || len(warned) != 1 || !strings.Contains(warned[0], "too large") {
		t.Errorf("the counts are %+v, the warnings %q", c, warned)
	}
}

// A sink gets a repeated notification once, even if it is repeated long after the first time.
func TestCopyCountsWhatCameTwiceForASink(t *testing.T) {
	all := operations(1, 3000)
	from := newListSource(append(all, all...)...)
	sink, stored := &spanSink{t: t}, &listTarget{}
	for _, others := range [][]relay.Target{nil, {stored}} {
		target := relay.ToExporter(sink)
		counts, err := relay.Copy(t.Context(), from, append([]relay.Target{target}, others...))
		if err != nil {
			t.Fatal(err)
		}
		if c := counts.Targets[0]; c != (relay.TargetCounts{Written: 6000, Present: 6000}) || target.Close() != nil {
			t.Errorf("with %d other targets, the counts are %+v", len(others), c)
		}
		if n := len(sink.byID()); n != 3000 || sink.incompletes() != 0 {
			t.Errorf("%d spans, %d of them incomplete", n, sink.incompletes())
		}
		from, sink = newListSource(append(all, all...)...), &spanSink{t: t}
	}
}

func TestCopyMovesFromABusToASink(t *testing.T) {
	all := operations(1, 1500) // more than a bus delivers ahead
	q := &queue{waiting: all, window: 2000}
	sink := &spanSink{t: t}
	target := relay.ToExporter(sink)
	defer target.Close()
	counts, err := relay.Copy(t.Context(), relay.FromConsumer(store.New(q)), []relay.Target{target})
	if err != nil {
		t.Fatal(err)
	}
	if counts.Read != 3000 || sink.incompletes() != 0 || len(sink.byID()) != 1500 || q.unacked != 0 || len(q.waiting) != 0 {
		t.Errorf("read %d, %d spans, %d incomplete, %d unacknowledged, %d on the bus", counts.Read, len(sink.byID()), sink.incompletes(), q.unacked, len(q.waiting))
	}
}

func TestARedactedRelay(t *testing.T) {
	n, stop := operation(1, 1)
	n.Info = `{"host": "h1", "db": {"statement": "SELECT 1", "params": {"password": "secret"}}}`
	from := newListSource(n, stop)
	to := &listTarget{}
	f := relay.NewFollower([]relay.Source{from}, []relay.Target{to}, relay.WithRedaction(tags.Redaction{DBParams: true}))
	end := following(t, f)
	eventually(t, "the target has it", func() bool { return to.count() == 2 })
	if err := end(); err != nil {
		t.Error(err)
	}
	if text := to.all[0].JSON(); strings.Contains(text, "secret") || !strings.Contains(text, "***") {
		t.Errorf("the target has %s", text)
	}
}

// checkpointTo returns a checkpoint that appends its cursors to a list.
func checkpointTo(cursors *[]store.Cursor) relay.Checkpoint {
	return func(_ context.Context, c store.Cursor) error {
		*cursors = append(*cursors, c)
		return nil
	}
}
