package tlsconfig_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
)

// unreadable returns paths at which there is no file that could be read to its
// end: a device without an end, a directory, and a file that is too large.
func unreadable(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	large := filepath.Join(dir, "large.pem")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 1<<20+1); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{dir: "regular file", large: "more than 1048576 bytes", filepath.Join(dir, "none"): "no such file"}
	for path := range special(t) {
		paths[path] = "no regular file"
	}
	return paths
}

// within fails the test if f does not return.
func within(t *testing.T, f func() error) error {
	t.Helper()
	result := make(chan error, 1)
	go func() { result <- f() }()
	select {
	case err := <-result:
		return err
	case <-time.After(time.Minute):
		t.Fatal("it did not return")
		return nil
	}
}

// Reading a file that a connection string names neither goes on without end nor blocks.
func TestFilesAreBounded(t *testing.T) {
	for path, want := range unreadable(t) {
		for name, read := range map[string]func() error{
			"file":        func() error { _, err := files.ReadSmall(path); return err },
			"certificate": func() error { _, err := tlsconfig.KeyPair(path, "", ""); return err },
		} {
			t.Run(name, func(t *testing.T) {
				err := within(t, read)
				var named *fs.PathError
				if !errors.As(err, &named) || named.Path != path || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want an error with %q", path, err, want)
				}
			})
		}
		authorities := tlsconfig.Authorities{File: connstr.Option{Name: "ca", Value: path}}
		err := within(t, func() error { _, err := authorities.Pool(); return err })
		if begin := "cannot read the authorities of option ca=" + strconv.Quote(path) + ": "; err == nil || !strings.HasPrefix(err.Error(), begin) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s…%s", err, begin, want)
		}
	}
}
