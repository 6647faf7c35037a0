package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/store"
)

const fileLimit = 100_000

// fillUp limits the size of the files of the process. The kernel would end the
// process with a signal if it wrote beyond the limit.
func fillUp(path string) error {
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: fileLimit, Max: fileLimit}); err != nil {
		return err
	}
	s, err := file.Open("file://" + path)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	return errors.Join(refuseOne(s, path), noRoom(s, path))
}

func named(names ...string) (batch []osprofiler.Notification) {
	for _, name := range names {
		batch = append(batch, osprofiler.Notification{Name: name, BaseID: "B", TraceID: osprofiler.NewID()})
	}
	return batch
}

func missingOf(e *store.WriteError) []int {
	if e == nil {
		return nil
	}
	return e.Missing
}

// refuseOne writes a batch in which one notification is larger than any file may be.
func refuseOne(s *store.Store, path string) error {
	batch := named("a-start", "big-start", "b-start")
	batch[1].Info = osprofiler.Info(`{"text": "` + strings.Repeat("a", fileLimit) + `"}`)
	err := s.Write(context.Background(), batch)
	var failed *store.WriteError
	if !errors.As(err, &failed) || !slices.Equal(failed.Missing, []int{1}) || !slices.Equal(failed.Refused, []int{1}) || failed.Transient || !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("one that is too large is the error %w (missing %v)", err, missingOf(failed))
	}
	if text := err.Error(); !strings.HasPrefix(text, `the notification "big-start" of base_id "B" `) || !strings.Contains(text, fmt.Sprintf("a line of the file %q may have %d bytes", path, fileLimit-2)) {
		return fmt.Errorf("the error does not name the notification and the limit: %w", err)
	}
	if got := summary(s.Notifications(context.Background(), "B")); got != "a-start, b-start" {
		return fmt.Errorf("got %s", got)
	}
	return nil
}

// noRoom writes more than there is room for, and then rotates the file.
func noRoom(s *store.Store, path string) error {
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("n%d-start", i))
	}
	batch := named(names...)
	err := s.Write(context.Background(), batch)
	var failed *store.WriteError
	if !errors.As(err, &failed) || len(failed.Refused) > 0 || !failed.Transient || len(failed.Missing) == 0 || len(failed.Missing) > 900 {
		return fmt.Errorf("a file without room is the error %w (missing %v)", err, missingOf(failed))
	}
	if info, err := os.Stat(path); err != nil || info.Size() > fileLimit {
		return fmt.Errorf("the file has more than %d bytes: %v (%w)", fileLimit, info, err)
	}
	there := strings.Count(summary(s.Notifications(context.Background(), "B")), ",") + 1
	if want := 2 + len(batch) - len(failed.Missing); there != want {
		return fmt.Errorf("%d are there, want %d", there, want)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		return err
	}
	var rest []osprofiler.Notification
	for _, i := range failed.Missing {
		rest = append(rest, batch[i])
	}
	if err := s.Write(context.Background(), rest); err != nil {
		return fmt.Errorf("after the file was rotated: %w", err)
	}
	if there := strings.Count(summary(s.Notifications(context.Background(), "B")), ",") + 1; there != len(rest) {
		return fmt.Errorf("%d are in the new file, want %d", there, len(rest))
	}
	return nil
}
