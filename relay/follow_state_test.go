package relay_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay"
)

// relayOnce runs a relay with a state directory until everything of the source is
// acknowledged.
func relayOnce(t *testing.T, dir string, from *listSource, to []relay.Target, opts ...relay.FollowOption) relay.Stats {
	t.Helper()
	state, err := relay.OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	f, end := runBegins(t, []relay.Source{from}, to, append(opts, relay.WithState(state))...)
	wait(time.Second)
	if err := end(); err != nil {
		t.Error(err)
	}
	if from.acknowledged() != len(from.all) {
		t.Errorf("the source hears of %d of %d", from.acknowledged(), len(from.all))
	}
	return f.Stats()
}

func journals(t *testing.T, dir string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "waiting-*.journal"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("the journals are %q, %v", paths, err)
	}
	return paths[0]
}

func TestAJournalIsRepaired(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		all := operations(1, 4) // starts 0 to 3, then the stops of 3 to 0
		sink := &spanSink{t: t}
		relayOnce(t, dir, newListSource(all[:4]...), []relay.Target{relay.ToExporter(sink)})
		path := journals(t, dir)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(content), "\n")
		lines[2] = strings.Replace(lines[2], "work-start", "work-stort", 1) // the second start
		cut := strings.Join(lines, "") + "0123abcd +9 w {\"na"
		if err := os.WriteFile(path, []byte(cut), 0o600); err != nil {
			t.Fatal(err)
		}
		var warned []string
		stats := relayOnce(t, dir, newListSource(all[4:]...), []relay.Target{relay.ToExporter(sink)},
			relay.WithWarning(func(err error) { warned = append(warned, err.Error()) }))
		if stats.Targets[0].Paired != 3 || stats.Targets[0].Waiting != 1 {
			t.Errorf("the target is %+v", stats.Targets[0])
		}
		if len(warned) != 1 || !strings.Contains(warned[0], "1 lines of the journal") {
			t.Errorf("the warnings are %q", warned)
		}
		if aside, err := os.ReadFile(path + ".damaged"); err != nil || string(aside) != lines[2] {
			t.Errorf("set aside is %q, %v", aside, err)
		}
	})
}

// A relay that is killed between writing the journal and the acknowledgement gets the stop
// again, but not the start, which was acknowledged before.
func TestAStopThatComesAgainAfterACrashIsNotIncomplete(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		start, stop := operation(1, 1)
		sink := &spanSink{t: t}
		relayOnce(t, dir, newListSource(start), []relay.Target{relay.ToExporter(sink)})
		state, err := relay.OpenState(dir)
		if err != nil {
			t.Fatal(err)
		}
		crashing := &crashingSource{listSource: newListSource(stop)}
		_, end := runBegins(t, []relay.Source{crashing}, []relay.Target{relay.ToExporter(sink)}, relay.WithState(state))
		wait(time.Second)
		_ = end() // nothing was acknowledged
		state.Close()
		relayOnce(t, dir, newListSource(stop), []relay.Target{relay.ToExporter(sink, relay.WithPairing(100*time.Millisecond, 0, 0))})
		if sink.count() < 1 || sink.incompletes() != 0 {
			t.Errorf("of %d spans %d are incomplete", sink.count(), sink.incompletes())
		}
	})
}

// crashingSource is a source that cannot be acknowledged.
type crashingSource struct{ *listSource }

func (crashingSource) Acknowledge(context.Context, relay.Position) error {
	return errors.New("the relay is dead")
}

func TestAFullDiskStopsTheAcknowledgements(t *testing.T) {
	disk := testenv.NewDisk(t, "64k")
	ballast := filepath.Join(disk.Dir, "ballast")
	state, err := relay.OpenState(filepath.Join(disk.Dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	var warned []string
	from := newListSource()
	target := relay.ToExporter(&spanSink{t: t})
	f := relay.NewFollower([]relay.Source{from}, []relay.Target{target}, relay.WithState(state),
		relay.WithWarning(func(err error) { warned = append(warned, err.Error()) }))
	stop := following(t, f)
	eventually(t, "the journal was made", func() bool {
		paths, _ := filepath.Glob(filepath.Join(disk.Dir, "state", "waiting-*"))
		return len(paths) == 1
	})
	for size := 64 << 10; size > 0; size -= 1 << 10 { // as much as fits
		if os.WriteFile(ballast, make([]byte, size), 0o600) == nil {
			break
		}
	}
	from.add(operations(1, 100)[:100]...)
	eventually(t, "the target fails", func() bool { return f.Stats().Targets[0].Err != nil })
	if from.acknowledged() != 0 {
		t.Errorf("the source hears of %d", from.acknowledged())
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the source hears of it", func() bool { return from.acknowledged() == 100 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := target.Close(); err != nil {
		t.Error(err)
	}
	if len(warned) != 1 || !strings.Contains(warned[0], "no space left on device") || strings.Contains(warned[0], "\n") {
		t.Errorf("the warnings are %q", warned)
	}
}

func TestACursorIsKeptWhenThereIsRoomAgain(t *testing.T) {
	disk := testenv.NewDisk(t, "32k")
	state, err := relay.OpenState(filepath.Join(disk.Dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	ballast := filepath.Join(disk.Dir, "ballast")
	for size := 32 << 10; size > 0; size -= 1 << 10 {
		if os.WriteFile(ballast, make([]byte, size), 0o600) == nil {
			break
		}
	}
	from := openStore(t, "file://"+filepath.Join(t.TempDir(), "from.jsonl"))
	write(t, from, operations(1, 10)...)
	to := &listTarget{}
	var warned []string
	f := relay.NewFollower([]relay.Source{relay.FromFeed(from, "", nil)}, []relay.Target{to}, relay.WithState(state),
		relay.WithPollInterval(10*time.Millisecond), relay.WithWarning(func(err error) { warned = append(warned, err.Error()) }))
	stop := following(t, f)
	eventually(t, "the target has all, and the source waits", func() bool {
		s := f.Stats().Sources[0]
		return s.Err != nil && s.Unacknowledged == 20 && to.count() == 20
	})
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the source goes on", func() bool { return f.Stats().Sources[0].Unacknowledged == 0 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if len(warned) != 1 || !strings.Contains(warned[0], "cannot keep in the state directory how far") {
		t.Errorf("the warnings are %q", warned)
	}
}

func TestTwoRelaysExportAnOperationOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { testTwoRelays(t, dir) })
}

func testTwoRelays(t *testing.T, dir string) {
	shared := openStore(t, "file://"+filepath.Join(dir, "shared.jsonl"))
	start, stop := operation(1, 1)
	alone, _ := operation(1, 2)
	var sinks [2]*spanSink
	var sources [2]*listSource
	var followers [2]*relay.Follower
	var ends [2]func() error
	for i, n := range [2][]osprofiler.Notification{{start, alone}, {stop}} {
		sinks[i], sources[i] = &spanSink{t: t}, newListSource(n...)
		followers[i], ends[i] = runBegins(t, []relay.Source{sources[i]},
			[]relay.Target{relay.ToStore(shared), relay.ToExporter(sinks[i], relay.WithPairing(8*time.Second, 0, 0))})
	}
	wait(time.Minute) // after this both relays have exported or dropped all halves
	if sources[0].acknowledged() != 2 || sources[1].acknowledged() != 1 {
		t.Errorf("the sources hear of %d and %d", sources[0].acknowledged(), sources[1].acknowledged())
	}
	one, two := followers[0].Stats().Targets[1], followers[1].Stats().Targets[1]
	if sinks[0].count() != 1 || sinks[0].incompletes() != 1 || one.Elsewhere != 1 || one.Incomplete != 1 {
		t.Errorf("the relay with the start has exported %d spans: %+v", sinks[0].count(), one)
	}
	if sinks[1].count() != 1 || sinks[1].incompletes() != 0 || two.Paired != 1 {
		t.Errorf("the relay with the stop has exported %d spans: %+v", sinks[1].count(), two)
	}
	for _, end := range ends {
		if err := end(); err != nil {
			t.Error(err)
		}
	}
}
