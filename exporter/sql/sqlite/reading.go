package sqlite

import (
	"context"
	"errors"
	"fmt"

	code "modernc.org/sqlite/lib"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// connectForReading opens a connection for reading only. A writer that was
// killed may have left a journal (a hot journal), which has to be rolled back before
// anybody can read. Rolling it back restores what was committed. So, in this order,
//
//   - the database is opened for reading only, which is nearly always enough,
//   - the journal is rolled back where it lies, if this account owns the
//     database and may write it,
//   - the journal is rolled back in a private copy.
func (k *connector) connectForReading(ctx context.Context) (*conn, error) {
	for range 3 {
		c, err := k.tried(ctx, "ro")
		if !mustRecover(err) {
			return c, err
		}
		if err := k.recoverInPlace(ctx); err == nil {
			continue
		}
		c, err = k.connectToCopy(ctx)
		if !errors.Is(err, errReplaced) {
			return c, err
		}
	}
	return nil, fmt.Errorf("cannot read the database %q: its journal changes all the time", k.path)
}

// tried opens a connection and makes SQLite read the database. Errors that do
// not concern a journal are left to the first query.
func (k *connector) tried(ctx context.Context, mode string, pragmas ...string) (*conn, error) {
	c, err := k.open(ctx, mode, pragmas...)
	if err != nil {
		return nil, err
	}
	if err := c.try(ctx); mustRecover(err) {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// mustRecover reports whether the database cannot be read before somebody with
// the right to write it has recovered it.
func mustRecover(err error) bool {
	switch resultCode(err) {
	case code.SQLITE_READONLY_ROLLBACK, code.SQLITE_READONLY_RECOVERY, code.SQLITE_READONLY_CANTINIT,
		code.SQLITE_READONLY_CANTLOCK, code.SQLITE_READONLY_DIRECTORY, code.SQLITE_CANTOPEN, code.SQLITE_IOERR_DELETE:
		return true
	}
	return false
}

// recoverInPlace makes SQLite roll the journal back in place. It does so only
// for files of this account, because a journal of another account could make
// this account remove files.
func (k *connector) recoverInPlace(ctx context.Context) error {
	if err := k.checkShared(); err != nil {
		return err
	}
	if err := files.Check(k.absolute, true, "a SQLite database"); err != nil {
		return err
	}
	c, err := k.tried(ctx, "rw", "query_only(1)")
	if err != nil {
		return err
	}
	return c.Close()
}
