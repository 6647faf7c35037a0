package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// checkInputs checks both numbers of a Notifier.
func checkInputs(t interface {
	Helper()
	Errorf(string, ...any)
}, n *bridge.Notifier, what string, finished, last uint64) {
	t.Helper()
	if f, l := n.FinishedInput(), n.LastInput(); f != finished || l != last {
		t.Errorf("%s: input %d of %d is finished, want %d of %d", what, f, l, finished, last)
	}
}

func mustNotify(t testing.TB, n *bridge.Notifier, notifications ...osprofiler.Notification) {
	t.Helper()
	if err := n.Notify(context.Background(), notifications...); err != nil {
		t.Fatal(err)
	}
}

// An input is finished when all of its notifications have left, in whatever way, and all
// earlier inputs are finished.
func TestFinishedInput(t *testing.T) {
	n, exporter := newNotifier(t, bridge.WithMaxWaiting(4))
	start1, stop1 := operation(1)
	start2, stop2 := operation(2)
	checkInputs(t, n, "before all", 0, 0)
	mustNotify(t, n)
	checkInputs(t, n, "an empty call is no input", 0, 0)
	mustNotify(t, n, start1)
	checkInputs(t, n, "a half waits", 0, 1)
	mustNotify(t, n, start2, stop2)
	checkInputs(t, n, "a complete operation behind it", 0, 2)
	mustNotify(t, n, start1)
	checkInputs(t, n, "an equal half", 0, 3)

	exporter.failing(errStore)
	if err := n.Notify(t.Context(), stop1); !errors.Is(err, errStore) {
		t.Error(err)
	}
	checkInputs(t, n, "a failed export, after which the half waits again", 0, 4)
	exporter.working()
	mustNotify(t, n, stop1)
	checkInputs(t, n, "the second half", 5, 5)
	mustNotify(t, n, stop1)
	checkInputs(t, n, "a duplicate of an exported one", 6, 6)

	if err := n.Notify(t.Context(), osprofiler.Notification{Name: "x-start", Info: "no JSON"}); err == nil {
		t.Error("an invalid notification should be refused")
	}
	checkInputs(t, n, "an invalid notification", 7, 7)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Notify(canceled, start1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	checkInputs(t, n, "a refused call is no input", 7, 7)

	for i := 10; i < 15; i++ {
		start, _ := operation(i)
		mustNotify(t, n, start)
	}
	checkInputs(t, n, "the oldest had to make room", 8, 12)
	if err := n.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	checkInputs(t, n, "Flush", 12, 12)
	start20, _ := operation(20)
	mustNotify(t, n, start20)
	if err := n.Shutdown(canceled); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	checkInputs(t, n, "Shutdown without time", 12, 13)
	if err := n.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	checkInputs(t, n, "Shutdown", 13, 13)
}

// A half that has waited too long leaves the Notifier, unless its export fails.
func TestFinishedInputAfterExpiry(t *testing.T) {
	_ = handled(t)
	synctest.Test(t, func(t *testing.T) {
		exporter := &collector{}
		exporter.failing(errStore)
		n := bridge.NewNotifier(exporter, bridge.WithMaxAge(time.Minute))
		start, _ := operation(1)
		mustNotify(t, n, start)
		time.Sleep(90 * time.Second)
		checkInputs(t, n, "the export failed", 0, 1)
		exporter.working()
		time.Sleep(2 * time.Minute)
		checkInputs(t, n, "the export succeeded", 1, 1)
		if err := n.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// The input of a call that panics with its exporter is finished. The half that had waited
// waits again.
func TestFinishedInputAfterPanic(t *testing.T) {
	exporter := &collector{fail: func(int) error { panic(errStore) }}
	n := bridge.NewNotifier(exporter)
	start, stop := operation(1)
	mustNotify(t, n, start)
	func() {
		defer func() { _ = recover() }()
		_ = n.Notify(t.Context(), stop)
	}()
	checkInputs(t, n, "after the panic", 0, 2)
	exporter.working()
	if err := n.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	checkInputs(t, n, "after Shutdown", 2, 2)
}

// While a call exports, its input is unfinished. An equal half of an older input keeps that
// older input unfinished, although the newer input brought its half first.
func TestFinishedInputOfEqualHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperationsInExport(3)
		o.wait(t, 0)  // input 1
		o.begin(t, 0) // input 2 exports operation 0
		start0, _ := operation(0)
		start1, _ := operation(1)
		older := make(chan error, 1)
		go func() { older <- o.Notify(t.Context(), start0, start1) }() // input 3 waits for the outcome and gives start 1
		synctest.Wait()
		checkInputs(t, o.Notifier, "an export is under way", 0, 3)
		o.end(0, nil)
		if err := <-older; err != nil {
			t.Error(err)
		}
		checkInputs(t, o.Notifier, "start 1 waits", 2, 3)
		o.wait(t, 1) // input 4 has the same half
		o.begin(t, 1)
		checkInputs(t, o.Notifier, "operation 1 is being exported", 2, 5)
		o.end(1, errStore)
		checkInputs(t, o.Notifier, "its export failed", 2, 5)
		o.begin(t, 1)
		o.end(1, nil)
		checkInputs(t, o.Notifier, "it was exported", 6, 6)
		if err := o.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A half belongs to the oldest input that has it. This is so even if that input's call brings
// the half later, because the call had to make room before.
func TestFinishedInputOfTheOlderCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperationsInExport(4, bridge.WithMaxWaiting(2))
		o.wait(t, 0) // input 1
		o.wait(t, 1) // input 2
		start2, _ := operation(2)
		start3, _ := operation(3)
		older, newer := make(chan error, 1), make(chan error, 1)
		go func() { older <- o.Notify(t.Context(), start2, start3) }() // input 3 exports start 0 to make room for start 2
		synctest.Wait()
		go func() { newer <- o.Notify(t.Context(), start3) }() // input 4 exports start 1 to make room for start 3
		synctest.Wait()
		o.end(1, nil)
		checkInputs(t, o.Notifier, "start 3 waits, start 2 not yet", 0, 4)
		o.end(0, nil)
		if err := errors.Join(<-older, <-newer); err != nil {
			t.Error(err)
		}
		o.begin(t, 2)
		o.end(2, nil)
		checkInputs(t, o.Notifier, "start 3 of inputs 3 and 4 waits", 2, 5)
		o.begin(t, 3)
		o.end(3, nil)
		checkInputs(t, o.Notifier, "all was exported", 6, 6)
		if err := o.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// givenInput has the notifications of one call of Notify.
type givenInput struct {
	notifications []osprofiler.Notification
	failed        bool // the call returned an error
}

// checkFinished checks that FinishedInput is exact. All notifications of the inputs up to it
// were exported, except those of failed calls. At least one notification of the next input was
// not exported.
func checkFinished(t interface{ Fatalf(string, ...any) }, n *bridge.Notifier, inputs []givenInput, exported []osprofiler.Notification) {
	texts := map[string]bool{}
	for i := range exported {
		texts[exported[i].JSON()] = true
	}
	isExported := func(one osprofiler.Notification) bool {
		return texts[one.JSON()] || slices.ContainsFunc(exported, one.Equal)
	}
	finished := int(n.FinishedInput())
	if last := n.LastInput(); last != uint64(len(inputs)) || finished > len(inputs) {
		t.Fatalf("input %d of %d is finished, %d were given", finished, last, len(inputs))
	}
	for i, in := range inputs[:finished] {
		if !in.failed && !all(in.notifications, isExported) {
			t.Fatalf("input %d is finished, but a notification of it was not exported", i+1)
		}
	}
	if finished < len(inputs) && all(inputs[finished].notifications, isExported) {
		t.Fatalf("input %d should be finished, as all of it was exported", finished+1)
	}
}

func all(notifications []osprofiler.Notification, is func(osprofiler.Notification) bool) bool {
	return !slices.ContainsFunc(notifications, func(one osprofiler.Notification) bool { return !is(one) })
}

// FinishedInput is exact after each call, whatever fails and whichever notifications come
// twice.
func TestFinishedInputIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &collector{}
		n := bridge.NewNotifier(c, bridge.WithMaxWaiting(rapid.IntRange(1, 40).Draw(t, "most")))
		defer func() {
			c.working()
			if err := n.Shutdown(context.Background()); err != nil {
				t.Fatal(err)
			}
		}()
		c.fail = func(int) error {
			if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
				return errStore
			}
			return nil
		}
		var inputs []givenInput
		for stream, _ := drawStream(t); len(stream) > 0; {
			batch := stream[:rapid.IntRange(1, len(stream)).Draw(t, "size")]
			stream = stream[len(batch):]
			for failed := true; failed; { // all of it again, as a caller does
				failed = n.Notify(context.Background(), batch...) != nil
				inputs = append(inputs, givenInput{batch, failed})
				checkFinished(t, n, inputs, c.notifications())
			}
			if rapid.IntRange(0, 5).Draw(t, "flush") == 0 {
				_ = n.Flush(context.Background())
				checkFinished(t, n, inputs, c.notifications())
			}
		}
		for n.Flush(context.Background()) != nil {
			continue
		}
		checkInputs(t, n, "after Flush", n.LastInput(), n.LastInput())
	})
}

// A cursorStore has the cursor that survives a crash.
type cursorStore struct{ cursor int }

// readSource reads a source from the stored cursor on, in batches, until crashed
// returns true or the source ends. It stores each cursor as soon as it is safe.
func readSource(t *rapid.T, source []osprofiler.Notification, stored *cursorStore, c *collector, crashed func() bool) {
	n := bridge.NewNotifier(c)
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	defer func() { _ = n.Shutdown(canceled) }() // without time to export anything
	type checkpoint struct {
		cursor int
		input  uint64
	}
	var checkpoints []checkpoint
	for cursor := stored.cursor; cursor < len(source); {
		if crashed() {
			return
		}
		next := min(len(source), cursor+rapid.IntRange(1, 5).Draw(t, "size"))
		if n.Notify(context.Background(), source[cursor:next]...) != nil {
			continue
		}
		cursor = next
		checkpoints = append(checkpoints, checkpoint{cursor, n.LastInput()})
		for len(checkpoints) > 0 && checkpoints[0].input <= n.FinishedInput() {
			stored.cursor, checkpoints = checkpoints[0].cursor, checkpoints[1:]
		}
	}
	for n.Shutdown(context.Background()) != nil {
		continue
	}
}

// A program that repeatedly crashes and resumes from the stored cursor loses nothing.
// Everything before the cursor was exported.
func TestRestartLosesNoHalf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &collector{}
		c.fail = func(int) error {
			if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
				return errStore
			}
			return nil
		}
		source, _ := drawStream(t)
		var stored cursorStore
		for range rapid.IntRange(0, 4).Draw(t, "crashes") {
			readSource(t, source, &stored, c, func() bool { return rapid.IntRange(0, 3).Draw(t, "crash") == 0 })
			exported := c.notifications()
			for _, one := range source[:stored.cursor] {
				if !slices.ContainsFunc(exported, one.Equal) {
					t.Fatalf("the cursor is behind %s, which was not exported", one.JSON())
				}
			}
		}
		readSource(t, source, &stored, c, func() bool { return false })
		exported := c.notifications()
		for _, one := range source {
			if !slices.ContainsFunc(exported, one.Equal) {
				t.Fatalf("%s is lost", one.JSON())
			}
		}
	})
}

// With many callers and failing exports, FinishedInput is right at any moment, and never
// decreases.
func TestFinishedInputConcurrently(t *testing.T) {
	const callers, operations = 8, 400
	var exports atomic.Int64
	exporter := &collector{fail: func(int) error {
		if exports.Add(1)%7 == 0 {
			return errStore
		}
		return nil
	}}
	n := bridge.NewNotifier(exporter, bridge.WithMaxWaiting(300))
	var group sync.WaitGroup
	for g := range callers {
		group.Go(func() { notifyAndCheck(t, n, exporter, g, callers, operations) })
	}
	group.Wait()
	exporter.working()
	if err := n.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if finished, last := n.FinishedInput(), n.LastInput(); finished != last || last < callers*operations/8 {
		t.Errorf("input %d of %d is finished", finished, last)
	}
	checkStats(t, n.Stats())
}

// notifyAndCheck notifies operations in batches, some of which other callers also have, and
// checks FinishedInput for its own batches.
func notifyAndCheck(t *testing.T, n *bridge.Notifier, exporter *collector, caller, callers, operations int) {
	var mine []osprofiler.Notification
	for i := range operations {
		start, stop := operation(i*callers + caller)
		mine = append(mine, start, stop)
		if i%10 == 0 { // also notified by the next caller
			start, _ := operation(i*callers + (caller+1)%callers)
			mine = append(mine, start)
		}
	}
	mine = shuffled(mine, uint64(caller))
	type checkpoint struct {
		batch []osprofiler.Notification
		input uint64
	}
	var checkpoints []checkpoint
	before := uint64(0)
	for len(mine) > 0 {
		size := min(len(mine), 7)
		if n.Notify(t.Context(), mine[:size]...) != nil {
			runtime.Gosched()
			continue
		}
		checkpoints = append(checkpoints, checkpoint{mine[:size], n.LastInput()})
		mine = mine[size:]
		finished := n.FinishedInput()
		if finished < before {
			t.Errorf("FinishedInput was %d and is %d", before, finished)
		}
		before = finished
		if len(checkpoints)%40 != 0 || checkpoints[0].input > finished {
			continue
		}
		exported := map[string]bool{}
		for _, one := range exporter.notifications() {
			exported[one.JSON()] = true
		}
		for len(checkpoints) > 0 && checkpoints[0].input <= finished {
			for _, one := range checkpoints[0].batch {
				if !exported[one.JSON()] {
					t.Errorf("input %d is finished without %s", checkpoints[0].input, one.JSON())
				}
			}
			checkpoints = checkpoints[1:]
		}
	}
}

// A program copies a file of notifications. It is killed while an operation is in progress,
// and started again. The cursor that it stored is before the start of that operation, so the
// operation is complete in the end.
func ExampleNotifier_FinishedInput() {
	ctx := context.Background()
	line := func(name, id string, second int) string {
		return fmt.Sprintf(`{"name": "%s", "base_id": "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", "trace_id": "c1f8a52b-6c3e-4f5f-9c0a-3c9c6d2e1a0%s", "parent_id": "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", "timestamp": "2024-05-06T07:08:%02d.000000", "info": {"host": "host-1"}, "project": "nova", "service": "api"}`, name, id, second)
	}
	file := []string{line("db-start", "1", 0), line("db-stop", "1", 1), line("boot-start", "2", 2), line("db-start", "3", 3), line("db-stop", "3", 4), line("boot-stop", "2", 9)}

	spans := &collector{} // any SpanExporter
	stored := 0           // the cursor, in a file or a database
	copyLines := func(lines []string) *bridge.Notifier {
		notifier := bridge.NewNotifier(spans)
		type checkpoint struct {
			cursor int
			input  uint64
		}
		var checkpoints []checkpoint
		for cursor := stored; cursor < len(lines); cursor++ {
			notification, err := osprofiler.ParseNotification(lines[cursor])
			if err == nil {
				err = notifier.Notify(ctx, notification)
			}
			if err != nil {
				panic(err)
			}
			checkpoints = append(checkpoints, checkpoint{cursor + 1, notifier.LastInput()})
			for len(checkpoints) > 0 && checkpoints[0].input <= notifier.FinishedInput() {
				stored, checkpoints = checkpoints[0].cursor, checkpoints[1:]
			}
		}
		return notifier
	}

	killed, kill := context.WithCancel(ctx)
	notifier := copyLines(file[:5])
	kill()
	_ = notifier.Shutdown(killed) // exports nothing
	fmt.Println("killed after line 5 with the cursor behind line", stored)

	notifier = copyLines(file)
	fmt.Println("at the end the cursor is behind line", stored)
	if err := notifier.Shutdown(ctx); err != nil {
		panic(err)
	}
	for _, s := range spans.all() {
		fmt.Println(s.Name(), s.EndTime().Sub(s.StartTime()))
	}
	// Output:
	// killed after line 5 with the cursor behind line 2
	// at the end the cursor is behind line 6
	// db 1s
	// db 1s
	// db 1s
	// boot 7s
}
