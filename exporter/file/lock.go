package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// lockKind says whom a lock keeps out.
type lockKind bool

const (
	exclusive lockKind = true  // for writing: everybody
	shared    lockKind = false // for looking: writers
)

// lockOf is replaced by tests.
var lockOf = tryLock

// errBusy is what tryLock returns while somebody else holds the lock.
var errBusy = errors.New("locked by another process")

// lock waits for the advisory lock of the file, until the context is done or
// the store is closed. Where the file system has no locks at all, lock goes on without:
// one append is one write there too. A lock service that cannot be
// reached is an error: on NFS, appends without locks overwrite each other.
func (s *Store) lock(ctx context.Context, f *os.File, kind lockKind) error {
	wait := 200 * time.Microsecond
	for {
		err := lockOf(f, kind)
		if err == nil || errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
		if !errors.Is(err, errBusy) {
			return fmt.Errorf("cannot lock the file %q: %w", s.path, err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-s.done:
			timer.Stop()
			return store.ErrClosed
		}
		wait = min(2*wait, 10*time.Millisecond)
	}
}
