package testenv

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// The server's files from a template belong to the server's account, also if the template
// was copied without the owners of its files.
func TestTemplateWithoutOwners(t *testing.T) {
	if os.Getuid() != 0 {
		Missing(t, "this test needs root, to give files away")
	}
	c, err := credential("nobody")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	template, err := templateOf(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(template) })
	for _, installs := range []bool{true, false} {
		p := &process{dir: t.TempDir()}
		p.account = "nobody"
		if err := os.Mkdir(p.data(), 0o700); err != nil {
			t.Fatal(err)
		}
		file, installed := filepath.Join(p.data(), "folder", "file"), false
		if err := p.prepareData(program, func() error {
			installed = true
			if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
				return err
			}
			return os.WriteFile(file, []byte("text"), 0o600) // its owner is root
		}); err != nil || installed != installs {
			t.Fatalf("installed %v, want %v: %v", installed, installs, err)
		}
		var stat syscall.Stat_t
		if err := syscall.Stat(file, &stat); err != nil || !installs && stat.Uid != c.Uid {
			t.Errorf("the owner is %d, want %d: %v", stat.Uid, c.Uid, err)
		}
	}
}
