package relay

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A journal is a file of entries that a restart needs. A line of the file is a CRC-32 in
// eight hexadecimal digits, a blank, and a record. The records are:
//
//	h NAME [NOTE] whose journal it is, and a note of the owner; the first line. A later
//	              one takes its place
//	+ID KIND TEXT an entry
//	-ID           the entry is removed
//	~ID           the entry is marked
//
// Entries and removals are collected in memory and written by sync, which returns when
// the file has them. A journal is for one goroutine.
type journal struct {
	path string
	name string
	note string
	file *os.File
	size int64  // of the part of the file that was written successfully
	buf  []byte // records that are not in the file yet
	next uint64 // the id of the next entry
	live map[uint64]extent
	used int64 // sum of the lengths in live
}

// An extent is the part of the file where the line of an entry is.
type extent struct {
	offset int64
	length int32
	marked bool
}

// An entry has the arguments of a call of add.
type entry struct {
	id     uint64
	kind   byte
	marked bool
	text   string
}

// compactAt is the size below which a journal is not rewritten, because that is not worth it.
const compactAt = 1 << 20

// openJournal opens a journal or creates it, and returns its entries in the order in which
// they were added. An incomplete last line is removed. Other lines that cannot be read are
// set aside, into a file with the suffix ".damaged", and reported as a warning.
func openJournal(path, name string, warning func(error)) (*journal, []entry, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the journal of %s in the state directory: %w", name, err)
	}
	j := &journal{path: path, name: name, file: file, next: 1, live: map[uint64]extent{}}
	entries, err := j.load(warning)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("cannot read the journal %q: %w", path, err), file.Close())
	}
	return j, entries, nil
}

// add adds an entry. The text must not contain a line end.
func (j *journal) add(kind byte, text string) (id uint64) {
	id = j.next
	j.next++
	at := j.size + int64(len(j.buf))
	length := j.append(func(b []byte) []byte {
		b = append(b, '+')
		b = strconv.AppendUint(b, id, 10)
		b = append(b, ' ', kind, ' ')
		return append(b, text...)
	})
	j.live[id] = extent{offset: at, length: int32(length)}
	j.used += int64(length)
	return id
}

// remove removes an entry.
func (j *journal) remove(id uint64) {
	e, ok := j.live[id]
	if !ok {
		return
	}
	delete(j.live, id)
	j.used -= int64(e.length)
	j.append(func(b []byte) []byte { return strconv.AppendUint(append(b, '-'), id, 10) })
}

// mark marks an entry.
func (j *journal) mark(id uint64) {
	e, ok := j.live[id]
	if !ok || e.marked {
		return
	}
	e.marked = true
	j.live[id] = e
	j.append(func(b []byte) []byte { return strconv.AppendUint(append(b, '~'), id, 10) })
}

const crcDigits = 8

func (j *journal) append(record func([]byte) []byte) (length int) {
	begin := len(j.buf)
	j.buf = appendLine(j.buf, record)
	return len(j.buf) - begin
}

// appendLine appends the line of a record.
func appendLine(b []byte, record func([]byte) []byte) []byte {
	begin := len(b)
	b = record(append(b, "00000000 "...))
	sum := crc32.ChecksumIEEE(b[begin+crcDigits+1:])
	copy(b[begin:], fmt.Sprintf("%08x", sum))
	return append(b, '\n')
}

// sync writes the additions and removals, and returns when they are on the disk. After an
// error nothing is lost, because the next sync writes them again.
func (j *journal) sync() error {
	if len(j.buf) == 0 {
		return nil
	}
	if err := j.findName(); err != nil {
		return err
	}
	if len(j.live) == 0 && j.size > compactAt { // this makes room on a full disk
		return j.empty()
	}
	if _, err := j.file.WriteAt(j.buf, j.size); err != nil {
		return errors.Join(err, j.file.Truncate(j.size))
	}
	if err := j.file.Sync(); err != nil {
		return errors.Join(err, j.file.Truncate(j.size))
	}
	j.size += int64(len(j.buf))
	j.buf = j.buf[:0]
	if j.size > compactAt && j.size > 4*j.used {
		return j.compact()
	}
	return nil
}

// findName gives the file of the journal its name again if another program has removed it. A
// restart would not find entries that are written to a file without a name.
func (j *journal) findName() error {
	if _, err := os.Stat(j.path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	file, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = io.Copy(file, io.NewSectionReader(j.file, 0, j.size)); err == nil {
		err = file.Sync()
	}
	if err != nil {
		return errors.Join(err, os.Remove(j.path), file.Close())
	}
	old := j.file
	j.file = file
	_ = old.Close()
	return syncDir(filepath.Dir(j.path))
}

// empty removes everything from a journal without entries.
func (j *journal) empty() error {
	if err := j.file.Truncate(0); err != nil {
		return err
	}
	j.size, j.buf = 0, j.buf[:0]
	j.header()
	return j.sync()
}

func (j *journal) header() {
	j.append(func(b []byte) []byte {
		b = strconv.AppendQuote(append(b, "h "...), j.name)
		if j.note != "" {
			b = strconv.AppendQuote(append(b, ' '), j.note)
		}
		return b
	})
}

// setNote changes the note.
func (j *journal) setNote(note string) {
	j.note = note
	j.header()
}

// compact writes the entries to a new file, which replaces the old one. If there is no room
// for the new file, the old file stays.
func (j *journal) compact() error {
	path := j.path + ".new"
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil //nolint:nilerr // the old file is complete
	}
	live, size, err := j.copyTo(file)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(path, j.path)
	}
	if err != nil {
		_, _ = file.Close(), os.Remove(path)
		return nil //nolint:nilerr // likewise
	}
	old := j.file
	j.file, j.live, j.size, j.used = file, live, size, size
	_ = old.Close()
	return syncDir(filepath.Dir(j.path))
}

// copyTo copies the entries to a file.
func (j *journal) copyTo(file *os.File) (live map[uint64]extent, size int64, err error) {
	w := &journal{name: j.name, note: j.note, live: make(map[uint64]extent, len(j.live))}
	w.header()
	for _, id := range j.ids() {
		e := j.live[id]
		line := make([]byte, e.length)
		if _, err := j.file.ReadAt(line, e.offset); err != nil {
			return nil, 0, err
		}
		w.live[id] = extent{offset: size + int64(len(w.buf)), length: e.length}
		w.buf = append(w.buf, line...)
		if e.marked {
			w.mark(id)
		}
		if len(w.buf) > compactAt {
			if _, err := file.Write(w.buf); err != nil {
				return nil, 0, err
			}
			size += int64(len(w.buf))
			w.buf = w.buf[:0]
		}
	}
	_, err = file.Write(w.buf)
	return w.live, size + int64(len(w.buf)), err
}

func (j *journal) close() error { return j.file.Close() }

// syncDir makes the names of files in a directory durable on the disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// oneLine returns a JSON text without line ends, which JSON allows between its tokens.
func oneLine(json string) string {
	if strings.ContainsAny(json, "\n\r") {
		return strings.NewReplacer("\n", " ", "\r", " ").Replace(json)
	}
	return json
}
