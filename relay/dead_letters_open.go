package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxFirst bounds how much of the first line of a file is read. The members that are checked
// come first in a letter.
const maxFirst = 1 << 20

// open opens the file for writing behind its last complete line, and locks it. It refuses a
// file that does not have dead letters, and does not change that file. If the name still
// belongs to the file before, which may be nil, open uses that file.
func (d *DeadLetters) open(before *os.File) error {
	if err := checkOlder(d.path + olderSuffix); err != nil {
		return err
	}
	if err := checkRegular(os.Stat(d.path)); err != nil { // opening a pipe may block
		return fmt.Errorf("%q: %w", d.path, err)
	}
	file, err := os.OpenFile(d.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if isSame(file, before) { // it is locked already
		_ = file.Close() // nothing was written to it
		file = before
	} else if err = lockFile(file); errors.Is(err, errLocked) {
		err = errSharedLetters
	}
	var size int64
	if err == nil {
		size, err = prepared(file)
	}
	if err != nil {
		err = fmt.Errorf("%q: %w", d.path, err)
		if file != d.file {
			err = errors.Join(err, file.Close())
		}
		return err
	}
	d.file, d.size = file, size
	return nil
}

var errSharedLetters = errors.New("another relay writes this file; give each relay a file of its own")

func isSame(a, b *os.File) bool {
	if b == nil {
		return false
	}
	infoA, errA := a.Stat()
	infoB, errB := b.Stat()
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// prepared checks a file of dead letters, removes the permissions of other users, cuts an
// incomplete last line, and returns the size.
func prepared(file *os.File) (size int64, err error) {
	if err := checkLetters(file); err != nil {
		return 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if info.Mode().Perm() != 0o600 {
		if err := file.Chmod(0o600); err != nil {
			return 0, err
		}
	}
	if size, err = endOfLines(file); err != nil || size == info.Size() {
		return size, err
	}
	return size, file.Truncate(size)
}

// checkOlder refuses a file under the older name that has no dead letters, because it would
// be replaced.
func checkOlder(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := checkRegular(info, err); err != nil {
		return fmt.Errorf("%q, the file for older dead letters, cannot be used: %w", path, err)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := checkLetters(file); err != nil {
		return fmt.Errorf("%q, the file for older dead letters, cannot be used: %w", path, err)
	}
	return nil
}

func checkRegular(info fs.FileInfo, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !info.Mode().IsRegular():
		return errors.New("it should be a regular file")
	}
	return err
}

var errNoLetters = errors.New("the file has something other than dead letters, and would be damaged; name a new file")

// checkLetters accepts an empty file, a file whose first line is a letter, and a file that
// consists of an incomplete first letter.
func checkLetters(file *os.File) error {
	if err := checkRegular(file.Stat()); err != nil {
		return err
	}
	head, err := io.ReadAll(io.NewSectionReader(file, 0, maxFirst))
	if err != nil {
		return err
	}
	line, _, whole := bytes.Cut(head, []byte("\n"))
	switch {
	case len(head) == 0 || isLetter(line):
		return nil
	case !whole && len(head) < maxFirst && !json.Valid(line) && isTorn(line):
		return nil
	}
	return errNoLetters
}

// isLetter reports whether a line begins as a JSON object with a time, a source and a
// reason.
func isLetter(line []byte) bool {
	in := json.NewDecoder(bytes.NewReader(line))
	if begin, err := in.Token(); err != nil || begin != json.Delim('{') {
		return false
	}
	missing := map[string]bool{"time": true, "source": true, "reason": true}
	for len(missing) > 0 {
		key, err := in.Token()
		if err != nil {
			return false
		}
		name, _ := key.(string)
		value, err := in.Token()
		if _, text := value.(string); err != nil || !text {
			return false
		}
		delete(missing, name)
	}
	return true
}

// isTorn reports whether a text is the beginning of a letter.
func isTorn(text []byte) bool {
	begin := []byte(`{"time":`)
	return bytes.HasPrefix(text, begin) || bytes.HasPrefix(begin, text)
}

// endOfLines returns the offset behind the last line end of a file.
func endOfLines(file *os.File) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	end := info.Size()
	block := make([]byte, 1<<16)
	for end > 0 {
		part := block[:min(end, int64(len(block)))]
		if _, err := file.ReadAt(part, end-int64(len(part))); err != nil {
			return 0, err
		}
		for i := len(part) - 1; i >= 0; i-- {
			if part[i] == '\n' {
				return end - int64(len(part)-1-i), nil
			}
		}
		end -= int64(len(part))
	}
	return 0, nil
}
