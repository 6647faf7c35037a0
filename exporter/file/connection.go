package file

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// parse reads the path and the options of a connection string. The options
// change a copy of the configuration.
func parse(connectionString string, defaults config) (path string, c config, err error) {
	rest, options := connstr.Cut(connectionString)
	c = defaults
	var filterErrorTrace bool // an option of the Python library, without effect here
	options.Bool("osp_sync", &c.sync)
	options.Bool("osp_allow_shared", &c.allowShared)
	options.Bool("osp_read_only", &c.readOnly)
	options.Bool("filter_error_trace", &filterErrorTrace)
	if err := options.Done(); err != nil {
		return "", config{}, err
	}
	path, err = pathOf(rest)
	return path, c, err
}

// pathOf returns the path that a file URL names: the text behind file://, with
// its percent escapes decoded. The path may be relative to the current folder.
// The host localhost stands for this machine, as in every file URL.
func pathOf(fileURL string) (string, error) {
	scheme, rest, ok := strings.Cut(fileURL, "://")
	if !ok || !strings.EqualFold(strings.TrimSpace(scheme), "file") {
		return "", errors.New("the connection string of a file should read like file:///path/to/traces.jsonl")
	}
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
