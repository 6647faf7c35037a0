package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// mostCopied is the size of the largest database that is copied for recovery.
const mostCopied = 1 << 30

// A recovered is a private copy of a database, recovered from the journal or
// write-ahead log beside it.
type recovered struct {
	folder string
	states map[string]state // the states of the copied files, by path
}

// A state identifies the content of a file at one moment.
type state struct {
	info    os.FileInfo // nil: there is no file
	size    int64
	changed time.Time
}

func stateOf(path string) state {
	info, err := os.Stat(path)
	if err != nil {
		return state{}
	}
	return state{info: info, size: info.Size(), changed: info.ModTime()}
}

func (s state) same(t state) bool {
	if s.info == nil || t.info == nil {
		return s.info == nil && t.info == nil
	}
	return os.SameFile(s.info, t.info) && s.size == t.size && s.changed.Equal(t.changed)
}

// current reports whether the files are unchanged since they were copied.
func (r *recovered) current() bool {
	for path, was := range r.states {
		if !was.same(stateOf(path)) {
			return false
		}
	}
	return true
}

func (r *recovered) remove() error { return os.RemoveAll(r.folder) }

// connectToCopy opens a connection to a private copy of the database, in which
// SQLite has recovered the committed data. errReplaced means that the files
// changed meanwhile, so that the copy may be useless.
func (k *connector) connectToCopy(ctx context.Context) (*conn, error) {
	folder, err := os.MkdirTemp("", "osp-sqlite-") // only this account may use the folder
	if err != nil {
		return nil, fmt.Errorf("cannot make a copy of the database %q to recover it: %w", k.path, err)
	}
	r := &recovered{folder: folder, states: map[string]state{}}
	c, err := k.recoverCopy(ctx, r)
	if err != nil {
		return nil, errors.Join(err, r.remove())
	}
	c.of = r
	return c, nil
}

func (k *connector) recoverCopy(ctx context.Context, r *recovered) (*conn, error) {
	source, target := behindLinks(k.absolute), filepath.Join(r.folder, "copy.db")
	if err := k.copyInto(r, source, target); err != nil {
		return nil, err
	}
	info, err := os.Stat(k.absolute)
	if err != nil || !os.SameFile(info, r.states[source].info) {
		return nil, errReplaced
	}
	opened, err := connect(ctx, dataSource(target, "rw", pragmas("off")))
	if err != nil {
		return nil, err
	}
	k.note(info)
	c := &conn{sqliteConn: opened, connector: k, age: k.age.Load(), file: info}
	err = c.try(ctx)
	for _, statement := range []string{"PRAGMA journal_mode = DELETE", "PRAGMA query_only = ON"} {
		if err == nil {
			_, err = c.ExecContext(ctx, statement, nil)
		}
	}
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	_ = r.remove() // on systems where open files can be removed, nothing is left behind even if this process is killed
	return c, nil
}

// copyInto copies the journal or log first and then the database. If the
// journal or log has not changed meanwhile, it belongs to the copied database,
// because a journal is removed when it has been rolled back, and a log grows
// with each commit.
func (k *connector) copyInto(r *recovered, source, target string) error {
	for _, suffix := range []string{"", "-journal", "-wal"} {
		r.states[source+suffix] = stateOf(source + suffix)
	}
	if size := r.states[source].size; size > mostCopied {
		return fmt.Errorf("the SQLite database %q was left in the middle of a transaction by a process that ended; its %d MB are too large for a private copy: run the command once as an account that owns the file", k.path, size>>20)
	}
	sums := map[string]uint64{}
	for _, suffix := range []string{"-journal", "-wal", ""} {
		sum, err := copyFile(source+suffix, target+suffix)
		if errors.Is(err, fs.ErrNotExist) && suffix != "" {
			continue
		}
		if err != nil && suffix == "" {
			return fmt.Errorf("cannot read the file %q: %w", k.path, files.Reason(err))
		}
		if err != nil {
			return fmt.Errorf("cannot copy %q to recover the database %q: %w", source+suffix, k.path, files.Reason(err))
		}
		sums[suffix] = sum
	}
	if names, err := namesOthers(target + "-journal"); err != nil || names {
		return errors.Join(err, fmt.Errorf("the journal of the SQLite database %q names other databases: only an account that owns the file can recover it", k.path))
	}
	for suffix, was := range sums {
		if suffix == "" { // the database's size and time are compared below
			continue
		}
		if sum, err := sumOf(source + suffix); err != nil || sum != was {
			return errReplaced
		}
	}
	if !r.current() {
		return errReplaced
	}
	return nil
}

var seed = maphash.MakeSeed()

// copyFile copies a file and returns a checksum of its content.
func copyFile(from, to string) (sum uint64, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	var h maphash.Hash
	h.SetSeed(seed)
	_, err = io.Copy(io.MultiWriter(out, &h), in)
	return h.Sum64(), errors.Join(err, out.Close())
}

func sumOf(path string) (uint64, error) {
	in, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }()
	var h maphash.Hash
	h.SetSeed(seed)
	_, err = io.Copy(&h, in)
	return h.Sum64(), err
}

// journalMagic is the end of a journal that names another journal, and the
// beginning of every journal.
var journalMagic = []byte{0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7}

// namesOthers reports whether a journal belongs to a transaction over several
// databases. To roll such a journal back, SQLite removes a file that the
// journal names.
func namesOthers(journal string) (bool, error) {
	f, err := os.Open(journal)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || info.Size() < 16 {
		return false, err
	}
	last := make([]byte, len(journalMagic))
	_, err = f.ReadAt(last, info.Size()-int64(len(last)))
	return bytes.Equal(last, journalMagic), err
}
