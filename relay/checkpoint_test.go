package relay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A checkpoint is called only when every target has everything before it. A run from the last
// checkpoint copies the rest, also after a target failed.
func TestCheckpoint(t *testing.T) {
	all := notifications(120_000, 10)
	from := open(t, &memory{rows: all})
	a, b := &memory{}, &memory{}
	b.onWrite = func(batch []osprofiler.Notification) error {
		if slices.Contains(batch, all[70_000]) {
			return errors.New("the disk is full")
		}
		return nil
	}
	var last store.Cursor
	told := 0
	checkpoint := func(_ context.Context, c store.Cursor) error {
		row, err := strconv.Atoi(string(c))
		if err != nil {
			return err
		}
		for _, m := range []*memory{a, b} {
			if len(m.rows) < row || !slices.Equal(m.rows[:row], all[:row]) {
				t.Errorf("checkpoint %d of %d", row, len(m.rows))
			}
		}
		last, told = c, told+1
		return nil
	}
	to := func() []relay.Target { return []relay.Target{relay.ToStore(open(t, a)), relay.ToStore(open(t, b))} }
	if _, err := copyAll(t, relay.FromFeed(from, "", checkpoint), to()); err == nil || told == 0 || told > 1 {
		t.Fatalf("%d checkpoints, error %v; want one checkpoint", told, err)
	}
	b.onWrite = nil
	source := relay.FromFeed(from, last, checkpoint)
	counts, err := copyAll(t, source, to())
	if err != nil || counts.Read != len(all)-50_000 || string(last) != strconv.Itoa(len(all)) {
		t.Errorf("%+v, %v; the last checkpoint is %s", counts, err, last)
	}
	checkRows(t, a, all)
	checkRows(t, b, all)
}

// If a checkpoint cannot save its cursor, the copying stops.
func TestCheckpointFails(t *testing.T) {
	m := &memory{}
	refused := errors.New("the file of the checkpoint cannot be written")
	source := relay.FromFeed(open(t, &memory{rows: notifications(10, 1)}), "", func(context.Context, store.Cursor) error { return refused })
	if _, err := copyAll(t, source, []relay.Target{relay.ToStore(open(t, m))}); !errors.Is(err, refused) || len(m.rows) != 10 {
		t.Errorf("%v; the target has %d", err, len(m.rows))
	}
}

// A source may be read again: it then yields what was written since.
func TestCopyAgainFromTheSameSource(t *testing.T) {
	all := notifications(40, 1)
	from, m := &memory{rows: all[:20:20]}, &memory{}
	source, target := relay.FromStore(open(t, from)), relay.ToStore(open(t, m))
	defer source.Close()
	defer target.Close()
	for i, want := range []int{20, 0, 20} {
		if i == 2 {
			from.rows = all
		}
		if counts, err := relay.Copy(t.Context(), source, []relay.Target{target}); err != nil || counts.Read != want || counts.Targets[0].Written != want {
			t.Errorf("%+v, %v, want %d", counts, err, want)
		}
	}
	checkRows(t, m, all)
}

// Ids that do not exist are reported as an error at the end. An id in another form is found
// by its canonical form, unless there is a trace with the id as it is given.
func TestFromBaseIDs(t *testing.T) {
	all := notifications(30, 10)
	m := &memory{}
	ids := []string{"nosuch", "00000000000040008000000000000001", fmt.Sprintf("{%s}", traceID(9)), traceID(0), traceID(0)}
	counts, err := copyAll(t, relay.FromBaseIDs(open(t, &memory{rows: all}), ids), []relay.Target{relay.ToStore(open(t, m))})
	if want := fmt.Sprintf(`no such trace: "nosuch", %q`, ids[2]); !errors.Is(err, store.ErrNotFound) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if counts.Targets[0] != (relay.TargetCounts{Written: 20, Present: 10}) {
		t.Errorf("%+v", counts)
	}
	checkRows(t, m, slices.Concat(all[10:20], all[:10]))
}
