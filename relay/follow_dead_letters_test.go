package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// mixedBus is the driver of a bus with messages that are not notifications.
type mixedBus struct {
	messages []message
	before   func(next int) // called before each message; may be nil

	mu       sync.Mutex
	next     int
	acked    int
	disposed []string
}

type message struct {
	notification osprofiler.Notification
	body         string
	foreign      bool
}

func (b *mixedBus) Name() string                                           { return "the bus" }
func (b *mixedBus) Ping(context.Context) error                             { return nil }
func (b *mixedBus) Close() error                                           { return nil }
func (b *mixedBus) Consume(context.Context) (driver.Consumption, error)    { return mixedTaking{b}, nil }
func (b *mixedBus) Write(context.Context, []osprofiler.Notification) error { return nil }

type mixedTaking struct{ *mixedBus }

func (b mixedTaking) Take(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for b.next < len(b.messages) {
			m := b.messages[b.next]
			if b.before != nil {
				b.before(b.next)
			}
			b.mu.Lock()
			b.next++
			b.mu.Unlock()
			var err error
			if m.body != "" {
				err = &store.DamageError{Entry: "a message", Foreign: m.foreign, Kind: "no JSON", Body: []byte(m.body), Reason: errors.New("it is no JSON; it stays there")}
			}
			if !yield(m.notification, err) {
				return
			}
		}
	}
}

func (b mixedTaking) Position() string { b.mu.Lock(); defer b.mu.Unlock(); return strconv.Itoa(b.next) }
func (b mixedTaking) Leave(string)     {}
func (b mixedTaking) Dispose(position string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.disposed = append(b.disposed, position)
}

func (b mixedTaking) Acknowledge(_ context.Context, position string) (err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked, err = strconv.Atoi(position)
	return err
}

func TestMessagesThatCannotBeReadBecomeDeadLetters(t *testing.T) {
	start, stop := operation(1, 1)
	bus := &mixedBus{messages: []message{{notification: start}, {body: "{"}, {body: "other", foreign: true}, {notification: stop}, {body: "\xff\x00"}}}
	s := store.New(bus)
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	letters, err := relay.OpenDeadLetters(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	to := &listTarget{}
	var warned []string
	f := relay.NewFollower([]relay.Source{relay.FromConsumer(s)}, []relay.Target{to}, relay.WithDeadLetters(letters), relay.WithPollInterval(time.Millisecond),
		relay.WithWarning(func(err error) { warned = append(warned, err.Error()) }))
	stopped := following(t, f)
	eventually(t, "all is acknowledged", func() bool { bus.mu.Lock(); defer bus.mu.Unlock(); return bus.acked == 5 })
	if err := stopped(); err != nil {
		t.Error(err)
	}
	letters.Close()
	if s := f.Stats().Sources[0]; to.count() != 2 || s.DeadLetters != 2 || s.Foreign != 1 || s.Skipped != 2 {
		t.Errorf("the target has %d: %+v", to.count(), s)
	}
	if want := "a message of the bus cannot be read: no JSON; it goes to the dead letters"; !slices.Equal(warned, []string{want}) { // once for each reason
		t.Errorf("the warnings are %q", warned)
	}
	if !slices.Equal(bus.disposed, []string{"2", "5"}) {
		t.Errorf("the messages %q were let go", bus.disposed)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSpace(string(content)), "\n")
	var first, second struct{ Time, Source, Position, Reason, Text, Base64 string }
	if len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &first) != nil || json.Unmarshal([]byte(lines[1]), &second) != nil {
		t.Fatalf("the dead letters are %q", lines)
	}
	if first.Text != "{" || first.Source != "the bus" || first.Position != "2" || !strings.Contains(first.Reason, "no JSON") || second.Base64 != "/wA=" || second.Text != "" {
		t.Errorf("the dead letters are %+v and %+v", first, second)
	}
}

func TestWithoutDeadLettersMessagesStay(t *testing.T) {
	start, stop := operation(1, 1)
	bus := &mixedBus{messages: []message{{notification: start}, {body: "{"}, {notification: stop}}}
	var warned []string
	f := relay.NewFollower([]relay.Source{relay.FromConsumer(store.New(bus))}, []relay.Target{&listTarget{}},
		relay.WithPollInterval(time.Millisecond), relay.WithWarning(func(err error) { warned = append(warned, err.Error()) }))
	stopped := following(t, f)
	eventually(t, "all is acknowledged", func() bool { bus.mu.Lock(); defer bus.mu.Unlock(); return bus.acked == 3 })
	if err := stopped(); err != nil {
		t.Error(err)
	}
	if len(bus.disposed) != 0 || len(warned) != 1 || !strings.Contains(warned[0], "skipped a message: it is no JSON") {
		t.Errorf("the messages %q were let go; warnings %q", bus.disposed, warned)
	}
}

// Large messages that cannot be read do not all stay in memory until the bus has no more.
func TestLargeDeadLettersAreWrittenSoon(t *testing.T) {
	const count = 24
	bus := &mixedBus{}
	for range count {
		bus.messages = append(bus.messages, message{body: strings.Repeat("x", 1<<20)})
	}
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	letters, err := relay.OpenDeadLetters(path, 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	written := int64(0) // before the last message
	bus.before = func(next int) {
		if info, err := os.Stat(path); err == nil && next == count-1 {
			written = info.Size()
		}
	}
	f := relay.NewFollower([]relay.Source{relay.FromConsumer(store.New(bus))}, []relay.Target{&listTarget{}}, relay.WithDeadLetters(letters), relay.WithPollInterval(time.Hour))
	stopped := following(t, f)
	eventually(t, "all is acknowledged", func() bool { bus.mu.Lock(); defer bus.mu.Unlock(); return bus.acked == count })
	if err := stopped(); err != nil {
		t.Error(err)
	}
	letters.Close()
	if written < 8<<20 {
		t.Errorf("%d bytes were written before the last message of 1 MiB", written)
	}
}

func TestDeadLettersAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	if err := os.WriteFile(path, []byte("{\"time\": \"cut by a cra"), 0o600); err != nil {
		t.Fatal(err)
	}
	letters, err := relay.OpenDeadLetters(path, 4000)
	if err != nil {
		t.Fatal(err)
	}
	var warned []string
	for i := range 50 {
		bus := &mixedBus{messages: []message{{body: strings.Repeat("x", 300+i)}}}
		f := relay.NewFollower([]relay.Source{relay.FromConsumer(store.New(bus))}, nil, relay.WithDeadLetters(letters),
			relay.WithPollInterval(time.Millisecond), relay.WithWarning(func(err error) { warned = append(warned, err.Error()) }))
		stopped := following(t, f)
		eventually(t, "it is acknowledged", func() bool { bus.mu.Lock(); defer bus.mu.Unlock(); return bus.acked == 1 })
		if err := stopped(); err != nil {
			t.Fatal(err)
		}
	}
	letters.Close()
	for _, name := range []string{path, path + ".1"} {
		content, err := os.ReadFile(name)
		if err != nil || len(content) == 0 || len(content) > 2000 {
			t.Errorf("%s has %d bytes, %v", name, len(content), err)
		}
		for line := range strings.Lines(string(content)) {
			if !json.Valid([]byte(line)) {
				t.Errorf("a line is %q", line)
			}
		}
	}
	removed := func(text string) bool { return strings.Contains(text, "are removed, because the files are full") }
	unreadable := func(text string) bool {
		return strings.Contains(text, "cannot be read: no JSON; it goes to the dead letters")
	}
	if !slices.ContainsFunc(warned, removed) || len(slices.DeleteFunc(slices.Clone(warned), func(s string) bool { return !unreadable(s) })) != 50 {
		t.Errorf("the warnings are %q", warned)
	}
}

func TestDeadLettersOnAFullDisk(t *testing.T) {
	disk := testenv.NewDisk(t, "32k")
	letters, err := relay.OpenDeadLetters(filepath.Join(disk.Dir, "dead.jsonl"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer letters.Close()
	ballast := filepath.Join(disk.Dir, "ballast")
	for size := 32 << 10; size > 0; size -= 1 << 10 {
		if os.WriteFile(ballast, make([]byte, size), 0o600) == nil {
			break
		}
	}
	bus := &mixedBus{messages: []message{{body: strings.Repeat("x", 3000)}}}
	var warned []string
	f := relay.NewFollower([]relay.Source{relay.FromConsumer(store.New(bus))}, nil, relay.WithDeadLetters(letters),
		relay.WithPollInterval(time.Millisecond), relay.WithWarning(func(err error) { warned = append(warned, err.Error()) }))
	stop := following(t, f)
	eventually(t, "the source waits", func() bool { return f.Stats().Sources[0].Err != nil })
	bus.mu.Lock()
	if bus.acked != 0 || len(bus.disposed) != 0 {
		t.Errorf("acknowledged %d, disposed %q", bus.acked, bus.disposed)
	}
	bus.mu.Unlock()
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is acknowledged", func() bool { bus.mu.Lock(); defer bus.mu.Unlock(); return bus.acked == 1 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if len(warned) != 2 || !strings.Contains(warned[0], "cannot be read") || !strings.Contains(warned[1], "no space left on device") || strings.Contains(warned[1], "\n") {
		t.Errorf("the warnings are %q", warned)
	}
}
