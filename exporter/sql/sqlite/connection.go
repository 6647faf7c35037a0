package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

func openConnectionString(_ context.Context, connectionString string, o store.Options) (*store.Store, error) {
	opts := []Option{}
	if o.ReadOnly {
		opts = append(opts, WithReadOnly())
	}
	return Open(connectionString, opts...)
}

// parse reads the path and the options, which change c. filter_error_trace has no
// effect, because the database finds failed traces in the notifications.
func parse(connectionString string, c config) (path string, _ config, err error) {
	rest, options := connstr.Cut(connectionString)
	options.Bool("osp_sync", &c.sync)
	options.Duration("timeout", &c.busyTimeout) // the option of Python's sqlite3, in seconds
	options.Ignore("check_same_thread", "isolation_level", "detect_types", "cached_statements", "autocommit", "plugin")
	options.Duration("osp_busy_timeout", &c.busyTimeout)
	options.Bool("osp_read_only", &c.readOnly)
	options.Bool("osp_allow_shared", &c.allowShared)
	options.Bool("filter_error_trace", new(bool))
	if err := options.Done(); err != nil {
		return "", c, err
	}
	path, err = pathOf(rest)
	return path, c, err
}

// pathOf returns the path in a connection string. It counts slashes as SQLAlchemy
// does: the path is the text behind the third slash, without escapes.
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
