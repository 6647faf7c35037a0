package tlsconfig_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
)

// special returns devices and pipes.
func special(t *testing.T) map[string]bool {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]bool{"/dev/zero": true, pipe: true}
}

// Reading a directory of certificates does not wait for a pipe in it.
func TestDirectoryWithPipe(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "12345678.0"), 0o600); err != nil {
		t.Fatal(err)
	}
	authorities := tlsconfig.Authorities{Directory: connstr.Option{Name: "path", Value: dir}}
	err := within(t, func() error { _, err := authorities.Pool(); return err })
	if err == nil || !strings.Contains(err.Error(), `its file "12345678.0": it is no regular file`) {
		t.Errorf("got %v", err)
	}
}
