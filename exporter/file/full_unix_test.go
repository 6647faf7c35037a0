//go:build unix

package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
)

// fillUp limits the size of the process's files, so that a write stops in its midst.
func fillUp(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	const limit = 100_000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		return err
	}
	s, err := file.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	small := []osprofiler.Notification{{Name: "small-start", BaseID: "B"}}
	if err := s.Write(context.Background(), small); err != nil {
		return err
	}
	before, err := os.Stat(path)
	if err != nil {
		return err
	}
	big := make([]osprofiler.Notification, 1000)
	for i := range big {
		big[i] = osprofiler.Notification{Name: "big-start", BaseID: "B", TraceID: osprofiler.NewID()}
	}
	err = s.Write(context.Background(), big)
	if want := fmt.Sprintf("cannot append to the file %q: file too large", path); err == nil || err.Error() != want || !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("want the error %q, not: %w", want, err)
	}
	after, err := os.Stat(path)
	if err != nil {
		return err
	}
	if after.Size() != before.Size() {
		return fmt.Errorf("the file had %d bytes and has %d", before.Size(), after.Size())
	}
	small[0].Name = "again-start"
	if err := s.Write(context.Background(), small); err != nil {
		return fmt.Errorf("writing what fits: %w", err)
	}
	if got := summary(s.Notifications(context.Background(), "B")); got != "small-start, again-start" {
		return fmt.Errorf("got %s", strings.TrimSpace(got))
	}
	return nil
}
