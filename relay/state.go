package relay

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A State is a directory in which a [Follower] keeps what a restart needs:
//
//	lock                 is locked while a relay uses the directory
//	cursor-ID.json       how far a source was read
//	waiting-ID.journal   the halves of a sink that wait for their other half, and those
//	                     that were exported alone a short time ago
//	filter.journal       the notifications that the filter holds, and its decisions
//
// ID is made from the name of the source or of the target. A line of a journal that was
// cut by a crash is normal and removed. Lines that are damaged otherwise are set aside
// in a file with the suffix ".damaged", and reported as a warning.
type State struct {
	dir  string
	lock *os.File
}

// OpenState opens a state directory and locks it. It creates the directory, with the mode
// 0700, if there is none. If another relay has locked the directory, the error says so.
func OpenState(dir string) (*State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot create the state directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot use the state directory: %w", err)
	}
	err = lockFile(lock)
	if errors.Is(err, errLocked) {
		err = fmt.Errorf("the state directory %q is in use by another relay; give each relay a directory of its own", dir)
	} else if err != nil {
		err = fmt.Errorf("cannot lock the state directory %q: %w", dir, err)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &State{dir: dir, lock: lock}, nil
}

var errLocked = errors.New("the file is locked")

// Close unlocks the directory. It is called after the targets were closed.
func (s *State) Close() error { return s.lock.Close() }

// path returns the path of the file that belongs to a name.
func (s *State) path(kind, name, suffix string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(s.dir, kind+"-"+hex.EncodeToString(sum[:8])+suffix)
}

// waiting opens the journal of a sink.
func (s *State) waiting(target string, warning func(error)) (*journal, []entry, error) {
	return openJournal(s.path("waiting", target, ".journal"), target, warning)
}

// filter opens the journal of the filter.
func (s *State) filter(warning func(error)) (*journal, []entry, error) {
	return openJournal(filepath.Join(s.dir, "filter.journal"), "the filter", warning)
}

// ownerOf returns the name in the header of a journal. found is false if the journal has no
// line after the header.
func ownerOf(path string) (name string, found bool) {
	file, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer func() { _ = file.Close() }() // it was only read
	lines := bufio.NewReader(file)
	header, err := lines.ReadString('\n')
	if err == nil {
		_, err = lines.ReadString('\n')
	}
	if err != nil {
		return "", false
	}
	record, _ := recordOf(header)
	quoted, err := strconv.QuotedPrefix(strings.TrimPrefix(record, "h "))
	if err == nil {
		name, err = strconv.Unquote(quoted)
	}
	if err != nil || name == "" {
		name = "another target"
	}
	return name, true
}

// refuseHeld returns an error if an earlier relay with a filter has left notifications that a
// relay without a filter would ignore.
func (s *State) refuseHeld(warning func(error)) error {
	path := filepath.Join(s.dir, "filter.journal")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	j, entries, err := s.filter(warning)
	if err != nil {
		return err
	}
	held := 0
	for _, e := range entries {
		if e.kind == heldEntry {
			held++
		}
	}
	if err := j.close(); err != nil || held == 0 {
		return err
	}
	return fmt.Errorf("the state directory holds %d notifications that the filter of an earlier relay has not decided on: start with that filter again, or remove %q to drop them", held, path)
}

// A savedCursor is the content of a cursor file.
type savedCursor struct {
	Source   string   `json:"source"`
	Position Position `json:"position"`
}

// position returns how far a source was read, or the empty Position.
func (s *State) position(source string) (Position, error) {
	path := s.path("cursor", source, ".json")
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var c savedCursor
	if err == nil {
		err = json.Unmarshal(content, &c)
	}
	if err != nil {
		return "", fmt.Errorf("cannot read from %q how far %s was read (remove the file to begin at its beginning): %w", path, source, err)
	}
	return c.Position, nil
}

// save saves how far a source was read. Whatever happens meanwhile, the file has either the
// old position or the new one.
func (s *State) save(source string, p Position) error {
	content, err := json.Marshal(savedCursor{source, p})
	if err != nil {
		return err
	}
	path := s.path("cursor", source, ".json")
	if err := replaceFile(path, append(content, '\n')); err != nil {
		return fmt.Errorf("cannot keep in the state directory how far %s was read: %w", source, err)
	}
	return nil
}

// replaceFile replaces the content of a file as a whole and durably.
func replaceFile(path string, content []byte) error {
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		_ = os.Remove(path + ".new")
		return err
	}
	return syncDir(filepath.Dir(path))
}

// warnOfOthers warns of journals that belong to none of the sinks.
func (s *State) warnOfOthers(sinks []string, warning func(error)) {
	paths, err := filepath.Glob(filepath.Join(s.dir, "waiting-*.journal"))
	if err != nil {
		return
	}
	own := map[string]bool{}
	for _, name := range sinks {
		own[s.path("waiting", name, ".journal")] = true
	}
	for _, path := range paths {
		if name, found := ownerOf(path); found && !own[path] {
			warning(fmt.Errorf("halves of operations wait in %q for %s, which is not a target now; they stay there until it is one again", path, name))
		}
	}
}
