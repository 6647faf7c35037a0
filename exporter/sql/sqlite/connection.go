package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// openConnectionString opens sqlite:///relative.db and sqlite:////absolute.db.
func openConnectionString(ctx context.Context, connectionString string, o store.Options) (store.Store, error) {
	path, opts, err := parse(connectionString, o)
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	return Open(ctx, path, opts...)
}

// parse reads the path and the options. filter_error_trace changes nothing:
// the database finds failed traces in the notifications themselves.
func parse(connectionString string, o store.Options) (path string, opts []Option, err error) {
	rest, options := connstr.Cut(connectionString)
	c := newConfig(nil)
	options.Bool("osp_sync", &c.sync)
	options.Duration("osp_busy_timeout", &c.busyTimeout)
	options.Bool("osp_read_only", &o.ReadOnly)
	options.Bool("osp_allow_shared", &c.allowShared)
	options.Bool("filter_error_trace", &o.FilterErrorTrace)
	if err := options.Done(); err != nil {
		return "", nil, err
	}
	opts = []Option{WithSync(c.sync), WithBusyTimeout(c.busyTimeout)}
	if o.ReadOnly {
		opts = append(opts, WithReadOnly())
	}
	if c.allowShared {
		opts = append(opts, WithSharedFile())
	}
	path, err = pathOf(rest)
	return path, opts, err
}

// pathOf counts slashes as SQLAlchemy does: what stands behind the third is
// the path, as it is.
func pathOf(connectionString string) (string, error) {
	_, rest, _ := strings.Cut(connectionString, "://")
	path, ok := strings.CutPrefix(rest, "/")
	switch {
	case !ok && strings.Contains(rest, "@"):
		return "", errors.New("a connection string of SQLite names no user and no server; it should read like sqlite:///relative.db or sqlite:////absolute.db")
	case path == "" || path == ":memory:":
		return "", fmt.Errorf("the connection string %q names no file; it should read like sqlite:///relative.db or sqlite:////absolute.db", connectionString)
	case !ok:
		return "", errors.New("the connection string should have three slashes before a relative path, as in sqlite:///relative.db, and four before an absolute one")
	case strings.ContainsRune(path, 0):
		return "", fmt.Errorf("the path %q of the connection string holds a NUL, which no path can", path)
	}
	return path, nil
}
