package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// SyncFolder waits until the folder of a file is on the disk, so that the name of
// a new file survives a loss of power as its content does. SyncFolder does
// nothing where a folder cannot be synced: on Windows, on some network file
// systems, and where this process may not read the folder.
func SyncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder := folderOf(path)
	f, err := os.Open(folder)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err == nil {
		err = errors.Join(syncOf(f), f.Close())
	}
	if err != nil && !cannotSync(err) {
		return fmt.Errorf("the folder %q of the file %q may not be on the disk: %w", filepath.Clean(folder), path, Reason(err))
	}
	return nil
}

// syncOf is replaced by tests, which count and fail calls.
var syncOf = (*os.File).Sync
