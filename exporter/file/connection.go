package file

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// openConnectionString opens file:///absolute.jsonl and its relatives.
func openConnectionString(_ context.Context, connectionString string, o store.Options) (store.Store, error) {
	path, opts, err := parse(connectionString, o)
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	return Open(path, opts...)
}

// parse reads the path and the options. filter_error_trace changes nothing:
// failed traces are found in the notifications themselves.
func parse(connectionString string, o store.Options) (path string, opts []Option, err error) {
	rest, options := connstr.Cut(connectionString)
	c := newConfig(nil)
	options.Bool("osp_sync", &c.sync)
	options.Bool("osp_allow_shared", &c.allowShared)
	options.Bool("osp_read_only", &o.ReadOnly)
	options.Bool("filter_error_trace", &o.FilterErrorTrace)
	if err := options.Done(); err != nil {
		return "", nil, err
	}
	opts = append(opts, WithSync(c.sync))
	if c.allowShared {
		opts = append(opts, WithSharedFile())
	}
	if o.ReadOnly {
		opts = append(opts, WithReadOnly())
	}
	path, err = pathOf(rest)
	return path, opts, err
}

// pathOf returns the path that a file URL names: what stands behind file://,
// with its percent escapes decoded. It may be relative to the current folder;
// the host localhost stands for this one, as in any file URL.
func pathOf(fileURL string) (string, error) {
	_, rest, _ := strings.Cut(fileURL, "://")
	if local, ok := strings.CutPrefix(rest, "localhost/"); ok {
		rest = "/" + local
	}
	if server, _, _ := strings.Cut(rest, "/"); strings.Contains(server, ":") && strings.Contains(rest, "@") {
		return "", errors.New("a connection string of a file names no user and no server; it should read like file:///path/to/traces.jsonl")
	}
	path, err := url.PathUnescape(rest)
	if err != nil {
		return "", fmt.Errorf("the path %q of the connection string holds a percent sign that is no escape; it should be written %%25", rest)
	}
	if strings.ContainsRune(path, 0) {
		return "", fmt.Errorf("the path %q of the connection string holds a NUL, which no path can", path)
	}
	if len(path) >= 3 && path[0] == '/' && path[2] == ':' && filepath.VolumeName(path[1:]) != "" {
		path = path[1:] // file:///C:/x, on systems that have drives
	}
	if path == "" || strings.HasSuffix(path, "/") {
		return "", fmt.Errorf("the connection string %q names no file; it should read like file:///path/to/traces.jsonl", fileURL)
	}
	return filepath.FromSlash(path), nil
}
