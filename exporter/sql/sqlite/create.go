package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// creating keeps other goroutines from opening a file while create still has it
// open, because closing a file releases all locks that the process has on it.
var creating sync.Mutex

// create makes an empty file, which is an empty database. Only the owner and
// its group may use the file, because notifications hold SQL parameters. SQLite
// syncs the folder with the first journal that it makes there, before anything
// is acknowledged. If the path is a symbolic link to a file that does not
// exist, create makes that file.
func (k *connector) create() error {
	creating.Lock()
	defer creating.Unlock()
	path := k.absolute
	for range 10 {
		if err := k.checkLinks(path); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
		if err == nil {
			return f.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return nil // opening the file gives a better error
		}
		if to, err := os.Readlink(path); err == nil {
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(path), to)
			}
			path = to
		} // otherwise the file was removed just now
	}
	return fmt.Errorf("%q goes through too many symbolic links: %w", path, fs.ErrInvalid)
}

// checkLinks refuses links that others planted.
func (k *connector) checkLinks(path string) error {
	if k.allowShared {
		return nil
	}
	return files.CheckShared(path)
}
