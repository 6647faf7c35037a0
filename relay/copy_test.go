package relay_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// targets wrap a memory in drivers of all kinds.
var targets = map[string]func(*memory) driver.Driver{
	"scanned":      func(m *memory) driver.Driver { return m },
	"indexed":      func(m *memory) driver.Driver { m.indexed = true; return m },
	"without feed": func(m *memory) driver.Driver { return withoutFeed{m, m, m} },
	"only feed":    func(m *memory) driver.Driver { return onlyFeed{m, m} },
}

// copyAll copies, and closes the source and the targets.
func copyAll(t *testing.T, from relay.Source, to []relay.Target, opts ...relay.Option) (relay.Counts, error) {
	t.Helper()
	counts, err := relay.Copy(t.Context(), from, to, opts...)
	for _, c := range append([]interface{ Close() error }{from}, closers(to)...) {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	return counts, err
}

func closers(targets []relay.Target) (all []interface{ Close() error }) {
	for _, t := range targets {
		all = append(all, t)
	}
	return all
}

// A target that has a part gets the rest, in the order of the source, and duplicates once. A
// notification with its keys in another order is a duplicate. A second run writes nothing.
func TestCopyWritesWhatIsMissing(t *testing.T) {
	all := notifications(3000, 10)
	source := &memory{rows: slices.Concat(all, all[:100])}
	for name, target := range targets {
		for _, has := range []int{0, 100, 1500} {
			m := &memory{}
			var want []osprofiler.Notification
			for i := range all {
				if i%3 == 0 && i < 3*has {
					m.rows = append(m.rows, reversed(t, all[i]))
				}
			}
			want = slices.Clone(m.rows)
			for i := range all {
				if i%3 != 0 || i >= 3*has {
					want = append(want, all[i])
				}
			}
			to := open(t, target(m))
			for _, written := range []int{len(want) - len(m.rows), 0} {
				counts, err := copyAll(t, relay.FromStore(open(t, source)), []relay.Target{relay.ToStore(to)})
				got := relay.TargetCounts{Written: written, Present: len(source.rows) - written}
				if err != nil || counts.Read != len(source.rows) || counts.Targets[0] != got {
					t.Errorf("%s that has %d: %+v, %v; want %+v", name, has, counts, err, got)
				}
				checkRows(t, m, want)
			}
		}
	}
}

// A target that cannot be read gets all notifications.
func TestCopyToWriteOnly(t *testing.T) {
	all := notifications(3000, 10)
	m := &memory{}
	counts, err := copyAll(t, relay.FromStore(open(t, &memory{rows: all})), []relay.Target{relay.ToStore(open(t, writeOnly{m}))})
	if err != nil || counts.Targets[0].Written != len(all) {
		t.Errorf("%+v, %v", counts, err)
	}
	checkRows(t, m, all)
}

// A source without a feed is copied trace by trace.
func TestCopyFromStoreWithoutFeed(t *testing.T) {
	all := notifications(3000, 10)
	from, m := &memory{rows: all}, &memory{}
	counts, err := copyAll(t, relay.FromStore(open(t, withoutFeed{from, from, from})), []relay.Target{relay.ToStore(open(t, m))})
	if err != nil || counts.Read != len(all) {
		t.Errorf("%+v, %v", counts, err)
	}
	checkRows(t, m, all)
}

// A dry run writes nothing, acknowledges nothing, and counts what would be written.
func TestCopyDryRun(t *testing.T) {
	all := notifications(3000, 10)
	for name, target := range targets {
		m := &memory{rows: slices.Clone(all[:1000])}
		told := false
		source := relay.FromFeed(open(t, &memory{rows: all}), "", func(context.Context, store.Cursor) error { told = true; return nil })
		counts, err := copyAll(t, source, []relay.Target{relay.ToStore(open(t, target(m)))}, relay.WithDryRun())
		if err != nil || counts.Targets[0] != (relay.TargetCounts{Written: 2000, Present: 1000}) || m.writes > 0 || told {
			t.Errorf("%s: %+v, %v, %d writes, checkpoint %t", name, counts, err, m.writes, told)
		}
	}
}

// If a target refuses notifications, the others are written, and Copy returns no error.
func TestCopyRefused(t *testing.T) {
	all := notifications(2500, 10)
	m := &memory{}
	m.onWrite = func(batch []osprofiler.Notification) error {
		if i := slices.Index(batch, all[1200]); i >= 0 {
			m.rows = slices.Concat(m.rows, batch[:i], batch[i+1:])
			return &store.WriteError{Missing: []int{i}, Refused: []int{i}, Err: errors.New("it is too large")}
		}
		return nil
	}
	var warnings []string
	counts, err := copyAll(t, relay.FromStore(open(t, &memory{rows: all})), []relay.Target{relay.ToStore(open(t, m))},
		relay.WithWarning(func(err error) { warnings = append(warnings, err.Error()) }))
	if err != nil || counts.Targets[0] != (relay.TargetCounts{Written: 2499, Refused: 1}) {
		t.Errorf("%+v, %v", counts, err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "it is too large") {
		t.Errorf("warnings %q", warnings)
	}
	checkRows(t, m, slices.Concat(all[:1200], all[1201:]))
}

// Entries that cannot be read are skipped, and each is reported once.
func TestCopySkips(t *testing.T) {
	all := notifications(100, 1)
	damage := func(entry string) error { return &store.DamageError{Entry: entry, Reason: errors.New("half a line")} }
	from := &damaged{&memory{rows: all}, []error{damage("line 1"), damage("line 2")}}
	to := &damaged{&memory{rows: slices.Clone(all[:50])}, []error{damage("line 1")}}
	var warnings []string
	counts, err := copyAll(t, relay.FromStore(open(t, from)), []relay.Target{relay.ToStore(open(t, to))},
		relay.WithWarning(func(err error) { warnings = append(warnings, err.Error()) }))
	if err != nil || counts.Skipped != 2 || counts.Targets[0].Written != 50 {
		t.Errorf("%+v, %v", counts, err)
	}
	want := []string{"skipped line 1: half a line", "skipped line 2: half a line", "in the target: skipped line 1: half a line"}
	if !slices.Equal(warnings, want) {
		t.Errorf("warnings %q, want %q", warnings, want)
	}
}

// Progress is reported while Copy copies, and at its end.
func TestCopyProgress(t *testing.T) {
	var told []int
	counts, err := copyAll(t, relay.FromStore(open(t, &memory{rows: notifications(1000, 10)})), []relay.Target{relay.ToStore(open(t, &memory{}))},
		relay.WithProgress(func(c relay.Counts) { told = append(told, c.Read) }))
	if err != nil || len(told) < 4 || told[0] != 256 || told[len(told)-1] != counts.Read || !slices.IsSorted(told) {
		t.Errorf("%v, %v", told, err)
	}
}
