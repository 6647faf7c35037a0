package relay_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

const oneLetter = `{"time":"2026-11-22T07:15:30Z","source":"the bus","position":"1","reason":"no JSON","text":"{"}` + "\n"

// A file that does not contain dead letters stays unchanged.
func TestDeadLettersRefuseAnotherFile(t *testing.T) {
	for _, text := range []string{
		"connection = mysql://\nlast line", "\n", "\n" + oneLetter, "{}", `{"time":"now"}`, "\x00\x01", "[", `{"time":1,"source":"a","reason":"b"}` + "\n",
		`{"name": "wsgi-start", "base_id": "2130e762-6fff-43b5-a1a2-be4dbd944bd2"}` + "\n", strings.Repeat("x", 2<<20),
	} {
		for _, name := range []string{"dead.jsonl", "dead.jsonl.1"} {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := relay.OpenDeadLetters(filepath.Join(dir, "dead.jsonl"), 0)
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "something other than dead letters") {
				t.Errorf("%.50q in %s: %v", text, name, err)
			}
			got, readErr := os.ReadFile(path)
			info, statErr := os.Stat(path)
			if readErr != nil || statErr != nil || string(got) != text || info.Mode().Perm() != 0o644 {
				t.Errorf("%.50q in %s: it is %.50q now, %v, %v", text, name, got, info.Mode(), readErr)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("%d files, %v", len(entries), err)
			}
		}
	}
	for _, name := range []string{"dead", "dead.1"} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := relay.OpenDeadLetters(filepath.Join(dir, "dead"), 0); err == nil || !strings.Contains(err.Error(), "it should be a regular file") {
			t.Errorf("a folder %s: %v", name, err)
		}
	}
}

// A file of dead letters gets the mode 0600, and loses only an incomplete last line.
func TestDeadLettersGoOn(t *testing.T) {
	for text, want := range map[string]string{
		"": "", oneLetter: oneLetter, oneLetter + `{"time":"20`: oneLetter,
		`{"ti`: "", oneLetter[:60]: "", strings.TrimSpace(oneLetter): "",
		oneLetter[:len(oneLetter)-3] + strings.Repeat("x", 2<<20) + "\"}\n": oneLetter[:len(oneLetter)-3] + strings.Repeat("x", 2<<20) + "\"}\n",
	} {
		path := filepath.Join(t.TempDir(), "dead.jsonl")
		for _, name := range []string{path, path + ".1"} {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		letters, err := relay.OpenDeadLetters(path, 0)
		if err != nil {
			t.Fatalf("%.50q: %v", text, err)
		}
		if err := letters.Close(); err != nil {
			t.Error(err)
		}
		got, err := os.ReadFile(path)
		info, statErr := os.Stat(path)
		if err != nil || statErr != nil || string(got) != want || info.Mode().Perm() != 0o600 {
			t.Errorf("%.50q became %.50q, %v, %v", text, got, info.Mode(), err)
		}
	}
}

// Letters of one delivery that are larger than the bound are written in parts.
func TestDeadLettersInParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	letters, err := relay.OpenDeadLetters(path, 4000)
	if err != nil {
		t.Fatal(err)
	}
	bus := &mixedBus{}
	for range 50 {
		bus.messages = append(bus.messages, message{body: strings.Repeat("x", 300)})
	}
	f := relay.NewFollower([]relay.Source{relay.FromConsumer(store.New(bus))}, nil, relay.WithDeadLetters(letters),
		relay.WithPollInterval(time.Millisecond), relay.WithWarning(func(error) {}))
	stop := following(t, f)
	eventually(t, "it is acknowledged", func() bool { bus.mu.Lock(); defer bus.mu.Unlock(); return bus.acked == 50 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	letters.Close()
	for _, name := range []string{path, path + ".1"} {
		content, err := os.ReadFile(name)
		if err != nil || len(content) == 0 || len(content) > 2000 || !strings.HasSuffix(string(content), "}\n") {
			t.Errorf("%s has %d bytes, %v", name, len(content), err)
		}
	}
	if dead := f.Stats().Sources[0].DeadLetters; dead != 50 {
		t.Errorf("%d dead letters", dead)
	}
}
