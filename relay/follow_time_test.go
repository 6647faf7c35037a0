package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/relay"
)

var errTooLarge = errors.New("the message is too large")

// runBegins runs a Follower in a synctest bubble. end stops it and returns its error.
func runBegins(t *testing.T, from []relay.Source, to []relay.Target, opts ...relay.FollowOption) (f *relay.Follower, end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f = relay.NewFollower(from, to, opts...)
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	return f, func() error {
		cancel()
		err := <-ended
		for _, target := range to {
			if err := target.Close(); err != nil {
				t.Error(err)
			}
		}
		return err
	}
}

// wait lets time pass.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestAHalfThatWaitsTooLongIsRepairedByTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, stop := operation(1, 1)
		from := newListSource(start)
		sink := &spanSink{t: t}
		f, end := runBegins(t, []relay.Source{from}, []relay.Target{relay.ToExporter(sink, relay.WithPairing(time.Minute, 0, 0))})
		wait(50 * time.Second)
		if sink.count() != 0 || from.acknowledged() != 0 {
			t.Errorf("before its time the sink has %d spans, and the source hears of %d", sink.count(), from.acknowledged())
		}
		wait(20 * time.Second)
		if sink.incompletes() != 1 || from.acknowledged() != 1 {
			t.Errorf("after its time the sink has %d incomplete spans, and the source hears of %d", sink.incompletes(), from.acknowledged())
		}
		from.add(stop)
		wait(time.Second)
		if sink.count() != 2 || sink.incompletes() != 0 {
			t.Errorf("after the other half the sink has %d spans, and %d operations are incomplete", sink.count(), sink.incompletes())
		}
		from.add(stop, start)
		wait(2 * time.Minute)
		stats := f.Stats().Targets[0]
		if sink.count() != 2 || stats.Duplicates != 2 || stats.Repaired != 1 || stats.Incomplete != 1 {
			t.Errorf("after repetitions the sink has %d spans: %+v", sink.count(), stats)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestWithoutStateASourceHearsOfNothingThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start1, stop1 := operation(1, 1)
		start2, stop2 := operation(1, 2)
		from := newListSource(start1)
		sink := &spanSink{t: t}
		_, end := runBegins(t, []relay.Source{from}, []relay.Target{relay.ToExporter(sink)})
		wait(time.Second)
		from.add(start2, stop2)
		wait(time.Second)
		if sink.count() != 1 || from.acknowledged() != 0 {
			t.Errorf("the sink has %d spans, and the source hears of %d", sink.count(), from.acknowledged())
		}
		from.add(stop1)
		wait(time.Second)
		if sink.count() != 2 || from.acknowledged() != 4 {
			t.Errorf("the sink has %d spans, and the source hears of %d", sink.count(), from.acknowledged())
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheFilterSelectsWholeTraces(t *testing.T) {
	for name, withState := range map[string]bool{"without state": false, "with state": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) { testFilter(t, dir, withState) })
		})
	}
}

func testFilter(t *testing.T, dir string, withState bool) {
	good := operations(1, 3)
	bad := operations(2, 3)
	late, _ := operation(1, 7)
	lateOfBad, _ := operation(2, 7)
	bad[5].Info = `{"host": "h1", "etype": "ValueError", "message": "no"}`
	opts := []relay.FollowOption{relay.WithFilter(relay.Filter{FailedOnly: true, Services: []string{"a*"}, Settle: 10 * time.Second})}
	if withState {
		state, err := relay.OpenState(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer state.Close()
		opts = append(opts, relay.WithState(state))
	}
	from := newListSource(append(good, bad[:5]...)...)
	to := &listTarget{}
	f, end := runBegins(t, []relay.Source{from}, []relay.Target{to}, opts...)
	wait(5 * time.Second)
	held := 0
	if withState {
		held = 11
	}
	if to.count() != 0 || f.Stats().Held != 11 || from.acknowledged() != held {
		t.Errorf("at first the target has %d, %+v, acknowledged %d", to.count(), f.Stats(), from.acknowledged())
	}
	from.add(bad[5])
	wait(time.Second)
	if to.count() != 6 || f.Stats().Held != 6 {
		t.Errorf("after the failure the target has %d, %+v", to.count(), f.Stats())
	}
	wait(6 * time.Second)
	if f.Stats().Held != 0 || f.Stats().Filtered != 6 || from.acknowledged() != 12 {
		t.Errorf("after the time Settle %+v, acknowledged %d", f.Stats(), from.acknowledged())
	}
	from.add(late, lateOfBad)
	wait(time.Second)
	if to.count() != 7 || f.Stats().Filtered != 7 || from.acknowledged() != 14 {
		t.Errorf("after late ones the target has %d, %+v, acknowledged %d", to.count(), f.Stats(), from.acknowledged())
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

// A client that gets no answer sends the same notification again. The repetition does not
// count as something new of the trace.
func TestTheFilterHoldsARepetitionOnce(t *testing.T) {
	for name, withState := range map[string]bool{"without state": false, "with state": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) { testRepetition(t, dir, withState) })
		})
	}
}

func testRepetition(t *testing.T, dir string, withState bool) {
	opts := []relay.FollowOption{relay.WithFilter(relay.Filter{FailedOnly: true, Settle: 12 * time.Second})}
	if withState {
		state, err := relay.OpenState(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer state.Close()
		opts = append(opts, relay.WithState(state))
	}
	good, bad := operations(1, 1), operations(2, 1)
	bad[1].Info = `{"host": "h1", "etype": "ValueError", "message": "no"}`
	from, to := newListSource(good[0], bad[0]), &listTarget{}
	f, end := runBegins(t, []relay.Source{from}, []relay.Target{to}, opts...)
	for range 2 {
		wait(5 * time.Second)
		from.add(good[0], bad[0], good[0])
	}
	wait(time.Second)
	acknowledged := 0
	if withState {
		acknowledged = 8
	}
	if f.Stats().Held != 2 || from.acknowledged() != acknowledged {
		t.Errorf("after repetitions %+v, acknowledged %d", f.Stats(), from.acknowledged())
	}
	from.add(bad[0], bad[1])
	wait(4 * time.Second)
	if f.Stats().Held != 0 || f.Stats().Filtered != 1 || to.count() != 2 || from.acknowledged() != 10 {
		t.Errorf("after the time Settle the target has %d, %+v, acknowledged %d", to.count(), f.Stats(), from.acknowledged())
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

func TestTheFilterRemembersWhatItHeld(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		all := operations(1, 2)
		all[3].Info = `{"host": "h1", "etype": "ValueError", "message": "no"}`
		late, _ := operation(1, 9)
		to := &listTarget{}
		run := func(from *listSource) {
			state, err := relay.OpenState(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer state.Close()
			_, end := runBegins(t, []relay.Source{from}, []relay.Target{to}, relay.WithState(state),
				relay.WithFilter(relay.Filter{FailedOnly: true, Settle: time.Minute}))
			wait(time.Second)
			if err := end(); err != nil {
				t.Error(err)
			}
			if from.acknowledged() != len(from.all) {
				t.Errorf("the source hears of %d of %d", from.acknowledged(), len(from.all))
			}
		}
		run(newListSource(all[:3]...))
		if to.count() != 0 {
			t.Errorf("the target has %d of an undecided trace", to.count())
		}
		run(newListSource(all[3]))
		if to.count() != 4 {
			t.Errorf("the target has %d of 4", to.count())
		}
		run(newListSource(late))
		if to.count() != 5 {
			t.Errorf("the target has %d, not the late one", to.count())
		}
	})
}

// A trace is selected while the target is down, and the relay ends before the target has it.
// The next relay delivers the whole trace.
func TestTheFilterRemembersWhatItSelected(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		all := operations(1, 2)
		all[3].Info = `{"host": "h1", "etype": "ValueError", "message": "no"}`
		to := &listTarget{}
		run := func(from *listSource, opts ...relay.FollowOption) error {
			state, err := relay.OpenState(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer state.Close()
			_, end := runBegins(t, []relay.Source{from}, []relay.Target{to}, append(opts, relay.WithState(state), relay.WithGrace(time.Second))...)
			wait(time.Minute)
			return end()
		}
		filter := relay.WithFilter(relay.Filter{FailedOnly: true, Settle: time.Hour})
		if err := run(newListSource(all[:3]...), filter); err != nil {
			t.Error(err)
		}
		if err := run(newListSource()); err == nil || !strings.Contains(err.Error(), "holds 3 notifications that the filter of an earlier relay has not decided on") {
			t.Errorf("without the filter: %v", err)
		}
		to.fail = errors.New("the target is down")
		if err := run(newListSource(all[3]), filter); err == nil {
			t.Error("nothing is said of what the target lacks")
		}
		to.fail = nil
		if err := run(newListSource(all[3]), filter); err != nil {
			t.Error(err)
		}
		if to.count() < 4 {
			t.Errorf("the target has %d of 4", to.count())
		}
	})
}

func TestOneSourceThatFailsDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := operations(1, 2)
		good, bad := newListSource(all[:2]...), newListSource(all[2])
		to := &listTarget{}
		f, end := runBegins(t, []relay.Source{bad, good}, []relay.Target{to})
		wait(time.Second)
		bad.failing(errors.New("the broker is gone"))
		bad.add()
		wait(time.Second)
		good.add(all[3])
		wait(time.Minute)
		stats := f.Stats().Sources
		if to.count() != 4 || stats[0].Err == nil || stats[0].Retried < 3 || stats[1].Err != nil {
			t.Errorf("the target has %d: %+v", to.count(), stats)
		}
		bad.failing(nil)
		bad.add(all[0])
		wait(time.Minute)
		if stats := f.Stats().Sources[0]; stats.Err != nil || stats.Unacknowledged != 0 {
			t.Errorf("after its failure the source is %+v", stats)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestASourceThatNeverWorksEndsFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad := newListSource(operations(1, 2)...), newListSource()
		bad.failing(errors.New("wrong password"))
		to := &listTarget{}
		_, err := relay.Follow(t.Context(), []relay.Source{good, bad}, []relay.Target{to})
		if err == nil || !strings.Contains(err.Error(), "wrong password") {
			t.Errorf("Follow ends with %v", err)
		}
		if to.count() != good.acknowledged() {
			t.Errorf("the target has %d, and the other source hears of %d", to.count(), good.acknowledged())
		}
	})
}

func TestAfterTheGraceNothingIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := newListSource(operations(1, 2)...)
		to := &listTarget{fail: errors.New("the target is down")}
		_, end := runBegins(t, []relay.Source{from}, []relay.Target{to}, relay.WithGrace(5*time.Second))
		wait(time.Minute)
		began := time.Now()
		err := end()
		if err == nil || !strings.Contains(err.Error(), "4 notifications of the list were not acknowledged") {
			t.Errorf("Run ends with %v", err)
		}
		if took := time.Since(began); took > 6*time.Second || from.acknowledged() != 0 {
			t.Errorf("Run took %s, acknowledged %d", took, from.acknowledged())
		}
	})
}

func TestWhatATargetRefusesIsLeftOrBecomesADeadLetter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	synctest.Test(t, func(t *testing.T) {
		all := operations(1, 2)
		letters, err := relay.OpenDeadLetters(path, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer letters.Close()
		from := newListSource(all...)
		to := &listTarget{refuse: func(n osprofiler.Notification) bool { return n.TraceID == all[1].TraceID }}
		var warned []string
		f, end := runBegins(t, []relay.Source{from}, []relay.Target{to}, relay.WithDeadLetters(letters),
			relay.WithWarning(func(err error) { warned = append(warned, err.Error()) }))
		wait(time.Second)
		if err := end(); err != nil {
			t.Error(err)
		}
		if to.count() != 2 || from.acknowledged() != 4 || f.Stats().Targets[0].Refused != 2 || f.Stats().Sources[0].DeadLetters != 2 {
			t.Errorf("the target has %d, acknowledged %d: %+v", to.count(), from.acknowledged(), f.Stats())
		}
		if len(from.left) != 2 || !strings.Contains(from.left[2], "too large") || len(warned) != 1 || !strings.Contains(warned[0], "refuses 2 notifications") {
			t.Errorf("the source left %v, warnings %q", from.left, warned)
		}
	})
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		var l struct{ Time, Source, Position, Reason, Text string }
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Source != "the list" || l.Position == "" || !strings.Contains(l.Reason, "too large") {
			t.Errorf("a dead letter is %s: %v", line, err)
		}
		if _, err := osprofiler.ParseNotification(l.Text); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

func TestATargetSaysWhenToTryAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := newListSource(operations(1, 2)...)
		to := &listTarget{fail: fmt.Errorf("busy: %w", backoff.RetryAfter(60))}
		f, end := runBegins(t, []relay.Source{from}, []relay.Target{to})
		wait(50 * time.Second)
		if retried := f.Stats().Targets[0].Retried; retried != 1 {
			t.Errorf("the target was tried again %d times", retried)
		}
		to.mu.Lock()
		to.fail = nil
		to.mu.Unlock()
		wait(20 * time.Second)
		if to.count() != 4 {
			t.Errorf("the target has %d", to.count())
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestAStopFindsAStartThatComesLaterByAnotherRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := openStore(t, "file://"+filepath.Join(t.TempDir(), "shared.jsonl"))
		start, stop := operation(1, 1)
		sink := &spanSink{t: t}
		f, end := runBegins(t, []relay.Source{newListSource(stop)},
			[]relay.Target{relay.ToStore(shared), relay.ToExporter(sink, relay.WithPairing(time.Hour, 0, 0))})
		wait(50 * time.Second)
		write(t, shared, start) // as written by the other relay, which was behind
		wait(50 * time.Second)
		if s := f.Stats().Targets[1]; sink.count() != 1 || sink.incompletes() != 0 || s.Waiting != 0 {
			t.Errorf("the sink has %d spans, %d of them incomplete: %+v", sink.count(), sink.incompletes(), s)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}
