package relay

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
	"unicode/utf8"
)

// DeadLetters is a file of messages that could not be read, or that a target refused
// permanently. Each line is a JSON object with these members:
//
//	time      when the line was written (RFC 3339, UTC)
//	source    the name of the source
//	position  the position in the source, if there is one
//	reason    why the message is here
//	text      the body of the message, if it is valid UTF-8
//	base64    the body of the message, otherwise
//
// A file that would become larger than half of the bound is renamed: ".1" is appended to its
// name. An older file of that name is removed then, which is reported as a warning. So both
// files together are not larger than the bound, unless a single message is.
//
// The file is locked, so that two relays do not overwrite each other's lines. If another
// program removed, renamed or truncated the file, as logrotate does, a new one is begun.
type DeadLetters struct {
	path     string
	maxBytes int64

	mu   sync.Mutex
	file *os.File
	size int64 // of the part of the file that was written successfully
}

// DefaultDeadLetterBytes bounds the files of dead letters.
const DefaultDeadLetterBytes = 64 << 20

// olderSuffix is appended to the name of a file that is full.
const olderSuffix = ".1"

// OpenDeadLetters opens the file of dead letters, or creates it. The file gets the mode 0600.
// It refuses a file that has something other than dead letters, also under the name of the
// older file, and a file that another relay writes. A maxBytes that is not positive selects
// [DefaultDeadLetterBytes].
func OpenDeadLetters(path string, maxBytes int64) (*DeadLetters, error) {
	if maxBytes <= 0 {
		maxBytes = DefaultDeadLetterBytes
	}
	d := &DeadLetters{path: path, maxBytes: maxBytes}
	if err := d.open(nil); err != nil {
		return nil, fmt.Errorf("cannot open the file of dead letters: %w", err)
	}
	return d, nil
}

// Close closes the file.
func (d *DeadLetters) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return nil
	}
	return d.file.Close()
}

// A letter is the content of one line of the file.
type letter struct {
	Time     string   `json:"time"`
	Source   string   `json:"source"`
	Position Position `json:"position,omitempty"`
	Reason   string   `json:"reason"`
	Text     *string  `json:"text,omitempty"`
	Base64   *string  `json:"base64,omitempty"`
}

func newLetter(source string, p Position, reason string, body []byte) letter {
	l := letter{Time: time.Now().UTC().Format(time.RFC3339Nano), Source: source, Position: p, Reason: reason}
	if utf8.Valid(body) {
		text := string(body)
		l.Text = &text
	} else {
		text := base64.StdEncoding.EncodeToString(body)
		l.Base64 = &text
	}
	return l
}

// write writes letters, and returns when they are on the disk. It writes parts of at most
// half of the bound, unless a single letter is larger. It returns how many letters the file
// has: after an error, the number of letters in the parts that were written before.
func (d *DeadLetters) write(letters []letter, warning func(error)) (written int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var part []byte
	count := 0
	for _, l := range letters {
		line, err := json.Marshal(l)
		if err != nil {
			return written, err
		}
		if count > 0 && int64(len(part)+len(line)) >= d.maxBytes/2 {
			if err := d.writePart(part, warning); err != nil {
				return written, err
			}
			written, part, count = written+count, part[:0], 0
		}
		part = append(append(part, line...), '\n')
		count++
	}
	if err := d.writePart(part, warning); err != nil {
		return written, err
	}
	return written + count, nil
}

// writePart writes lines. After an error the file has none of these lines.
func (d *DeadLetters) writePart(text []byte, warning func(error)) error {
	err := d.follow(warning)
	if err == nil {
		err = d.makeRoom(int64(len(text)), warning)
	}
	if err != nil {
		return fmt.Errorf("cannot write to the file of dead letters: %w", err)
	}
	_, err = d.file.WriteAt(text, d.size)
	if err == nil {
		err = d.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("cannot write to the file of dead letters: %w", errors.Join(err, d.file.Truncate(d.size)))
	}
	d.size += int64(len(text))
	return nil
}

// makeRoom renames the file if it would become too large.
func (d *DeadLetters) makeRoom(more int64, warning func(error)) error {
	if d.size == 0 || d.size+more <= d.maxBytes/2 {
		return nil
	}
	older := d.path + olderSuffix
	if err := checkOlder(older); err != nil {
		return err
	}
	if _, err := os.Stat(older); err == nil {
		warning(fmt.Errorf("the dead letters in %q are removed, because the files are full (%d bytes)", older, d.maxBytes))
	}
	if err := os.Rename(d.path, older); err != nil && !errors.Is(err, fs.ErrNotExist) { // an earlier try may have renamed it
		return err
	}
	return d.reopen()
}

// reopen opens the file that has the name now, and makes the name durable on the disk.
func (d *DeadLetters) reopen() error {
	old := d.file
	if err := d.open(old); err != nil {
		return err
	}
	if old == d.file {
		return nil
	}
	return errors.Join(old.Close(), syncDir(filepath.Dir(d.path)))
}

// follow opens the file again if another program has removed, renamed or changed it, so that
// no letter is written to a file without a name, or behind a gap.
func (d *DeadLetters) follow(warning func(error)) error {
	named, err := os.Stat(d.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	own, ownErr := d.file.Stat()
	if ownErr != nil {
		return ownErr
	}
	if err == nil && os.SameFile(named, own) && own.Size() == d.size {
		return nil
	}
	size := d.size
	if err := d.reopen(); err != nil {
		return err
	}
	if size > 0 {
		warning(fmt.Errorf("another program has removed, renamed or changed the file of dead letters %q; the relay has opened the file again, which has %d bytes", d.path, d.size))
	}
	return nil
}
