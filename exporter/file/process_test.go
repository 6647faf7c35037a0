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
)

// work carries out a job in the test binary when it runs as another process.
func work(job string) int {
	job, path, _ := strings.Cut(job, ":")
	var err error
	switch job {
	case "append":
		err = appendMany(path)
	case "crash":
		err = appendUntilKilled(path)
	case "delete":
		err = deleteUntilKilled(path)
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

// appendMany writes batches whose lines are long enough to show if lines are
// mixed up.
func appendMany(path string) error {
	s, err := file.Open("file://"+path, file.WithSync(false))
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
	s, err := file.Open("file://" + path)
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

// deleteUntilKilled writes batches of one trace, and deletes another trace
// before each batch is acknowledged.
func deleteUntilKilled(path string) error {
	s, err := file.Open("file://" + path)
	for b := 0; err == nil; b++ {
		batch := make([]osprofiler.Notification, perBatch)
		for i := range batch {
			batch[i] = osprofiler.Notification{Name: fmt.Sprintf("x-%d-start", b), BaseID: "B", TraceID: osprofiler.NewID()}
		}
		err = s.Write(context.Background(), append(batch, osprofiler.Notification{Name: "y-start", BaseID: "C"}))
		if err == nil {
			_, err = s.Delete(context.Background(), "C")
		}
		if err == nil {
			fmt.Println("acknowledged")
		}
	}
	return err
}

// Several processes append to one file. No line is lost or mixed up, and a
// reader sees only whole batches meanwhile.
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
		feed := follow(t, s, "")
		for _, err := range feed.Poll(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			count++
		}
		if err := feed.Close(); err != nil {
			t.Fatal(err)
		}
		if count%perBatch != 0 {
			t.Fatalf("a reader saw %d notifications, which is no multiple of %d: a part of a batch", count, perBatch)
		}
		if !running && count != processes*batches*perBatch {
			t.Errorf("%d notifications are there, want %d", count, processes*batches*perBatch)
		}
	}
}

// When the file has no room left, only the notifications that do not fit are
// missing.
func TestNoRoom(t *testing.T) { start(t, "full", filepath.Join(t.TempDir(), "store.jsonl"))() }
