package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// A lockKind says which other processes a lock keeps out.
type lockKind bool

const (
	exclusive lockKind = true  // for writing: keeps out everybody
	shared    lockKind = false // for reading: keeps out writers
)

// lockOf is replaced by tests.
var lockOf = tryLock

// errBusy is the error of tryLock while another process holds the lock.
var errBusy = errors.New("locked by another process")

// lock waits for the advisory lock of the file, until the context is done. On a
// file system without locks, lock succeeds, because one append is one write
// there too. A lock service that cannot be reached is an error, because on NFS
// appends without locks overwrite each other.
func (d *fileDriver) lock(ctx context.Context, f *os.File, kind lockKind) error {
	if err := d.lockStrictly(ctx, f, kind); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// lockStrictly does the same as lock, except that a file system without locks is
// an error that wraps errors.ErrUnsupported.
func (d *fileDriver) lockStrictly(ctx context.Context, f *os.File, kind lockKind) error {
	for wait := 200 * time.Microsecond; ; wait = min(2*wait, 10*time.Millisecond) {
		err := lockOf(f, kind)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errBusy) {
			return fmt.Errorf("cannot lock the file %q: %w", d.path, err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
