package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/store"
)

// work is what the test binary does as another process.
func work(job string) int {
	job, path, _ := strings.Cut(job, ":")
	var err error
	switch job {
	case "append":
		err = appendMany(path)
	case "crash":
		err = appendUntilKilled(path)
	case "full":
		err = fillUp(path)
	case "files":
		err = tooManyFiles(path)
	default:
		err = fmt.Errorf("unknown job %q", job)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// start starts another process; the returned function waits for its end.
func start(t *testing.T, job, path string) (wait func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), "OSP_TEST_JOB="+job+":"+path)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		defer cancel()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", job, err, &output)
		}
	}
}

const batches, perBatch = 40, 25

// appendMany writes batches of which each line is long enough to show a mix-up.
func appendMany(path string) error {
	s, err := file.Open(path, file.WithSync(false))
	if err != nil {
		return err
	}
	info := osprofiler.Info(`{"host": "` + strings.Repeat("h", 2000) + `"}`)
	for b := range batches {
		batch := make([]osprofiler.Notification, perBatch)
		for i := range batch {
			batch[i] = osprofiler.Notification{Name: fmt.Sprintf("x-%d-start", b), BaseID: "B", TraceID: osprofiler.NewID(), Info: info}
		}
		if err := s.Write(context.Background(), batch); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	return s.Close()
}

func appendUntilKilled(path string) error {
	s, err := file.Open(path)
	for b := 0; err == nil; b++ {
		batch := make([]osprofiler.Notification, perBatch)
		for i := range batch {
			batch[i] = osprofiler.Notification{Name: fmt.Sprintf("x-%d-start", b), BaseID: "B", TraceID: osprofiler.NewID()}
		}
		if err = s.Write(context.Background(), batch); err == nil {
			fmt.Println("acknowledged")
		}
	}
	return err
}

// After a process was killed while it wrote, all batches that were acknowledged
// are there, and the next one is none the worse.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.jsonl")
	acknowledged := faults.Killed(t, "OSP_TEST_JOB=crash:"+path, 10)
	s, err := file.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Write(t.Context(), []osprofiler.Notification{{Name: "last-start", BaseID: "B"}}); err != nil {
		t.Fatal(err)
	}
	count, last := 0, ""
	for n, err := range s.Notifications(t.Context(), "B") {
		var damage *store.Damage
		if errors.As(err, &damage) {
			continue // half a line
		}
		if err != nil {
			t.Fatal(err)
		}
		count, last = count+1, n.Name
	}
	if count <= acknowledged*perBatch || last != "last-start" {
		t.Errorf("%d notifications are there, %s the last, want more than %d", count, last, acknowledged*perBatch)
	}
}

// Several processes append to one file: no line is lost or mixed up, and a
// reader meanwhile sees whole batches only.
func TestSeveralProcesses(t *testing.T) {
	s, path := openNew(t, "")
	const processes = 4
	var waits []func()
	for range processes {
		waits = append(waits, start(t, "append", path))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, wait := range waits {
			wait()
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(time.Millisecond):
		}
		count := 0
		for _, err := range s.Changes(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			count++
		}
		if count%perBatch != 0 {
			t.Fatalf("a reader saw %d notifications, which is no multiple of %d: a part of a batch", count, perBatch)
		}
		if !running && count != processes*batches*perBatch {
			t.Errorf("%d notifications are there, want %d", count, processes*batches*perBatch)
		}
	}
}

// When no more fits into the file, only what does not fit is missing.
func TestNoRoom(t *testing.T) { start(t, "full", filepath.Join(t.TempDir(), "store.jsonl"))() }
