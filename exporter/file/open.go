package file

import (
	"errors"
	"fmt"
	"os"

	"github.com/osprofiler-otel/osprofiler/internal/backend"
)

// mode is for the owner and its group: notifications hold SQL parameters.
const mode = 0o640

const should = "a file of one notification a line"

// openForWriting opens the file, and creates it if it is not there. Before
// anything is acknowledged, the disk has the file's name too.
func (s *Store) openForWriting() (*os.File, error) {
	if err := backend.CheckFile(s.path, false, should); err != nil {
		return nil, err
	}
	if !s.allowShared {
		if err := backend.CheckShared(s.path); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_APPEND|os.O_CREATE|s.noFollow(), mode)
	if err != nil {
		return nil, fmt.Errorf("cannot open the file %q for writing (osp_read_only opens it for reading): %w", s.path, backend.Reason(err))
	}
	if err := s.checkOpened(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if s.sync {
		if err := syncFolder(s.path); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// syncFolder is replaced by tests.
var syncFolder = backend.SyncFolder

// noFollow keeps the system from following a link that somebody makes between
// the check and the opening, where everybody may make links.
func (s *Store) noFollow() int {
	if s.allowShared {
		return 0
	}
	return backend.NoFollow(s.path)
}

// checkOpened looks at the file that was opened, which may be another one than
// the one that was checked.
func (s *Store) checkOpened(f *os.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return fmt.Errorf("cannot read the file %q: %w", s.path, backend.Reason(err))
	case !info.Mode().IsRegular():
		return backend.NotOrdinary(s.path, should)
	case s.allowShared || s.readOnly:
		return nil
	}
	return backend.CheckSharedFile(s.path, info)
}

func (s *Store) openForReading() (*os.File, error) {
	if err := backend.CheckFile(s.path, true, should); err != nil {
		return nil, err
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the file %q: %w", s.path, backend.Reason(err))
	}
	return f, nil
}
