package relay

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
)

// keysInMemory is how many keys a keySet holds in memory. They take about 40 MB.
const keysInMemory = 1 << 20

// A keySet is a set of keys. When it has more than limit keys in memory, it moves them,
// sorted, to a temporary file. The file takes 16 bytes for each key. One in 256 keys
// stays in memory to find the others. The zero keySet is empty.
type keySet struct {
	limit  int // of the length of recent; 0 stands for keysInMemory
	recent map[key]struct{}
	runs   []*keyRun
	file   *os.File
	size   int64 // of the file
}

// add adds a key.
func (s *keySet) add(k key) error {
	if s.recent == nil {
		s.recent = map[key]struct{}{}
	}
	s.recent[k] = struct{}{}
	limit := s.limit
	if limit == 0 {
		limit = keysInMemory
	}
	if len(s.recent) < limit {
		return nil
	}
	if err := s.spill(); err != nil {
		return fmt.Errorf("cannot keep in a temporary file which notifications are stored: %w", err)
	}
	return nil
}

// has reports whether the key was added.
func (s *keySet) has(k key) (bool, error) {
	if _, ok := s.recent[k]; ok {
		return true, nil
	}
	for _, run := range s.runs {
		if found, err := run.has(s.file, k); err != nil || found {
			return found, err
		}
	}
	return false, nil
}

// spill moves the keys in memory to the file.
func (s *keySet) spill() (err error) {
	if s.file == nil {
		if s.file, err = os.CreateTemp("", "osprofiler-relay-*"); err != nil {
			return err
		}
	}
	run, text := newKeyRun(slices.SortedFunc(maps.Keys(s.recent), key.compare), s.size)
	if _, err := s.file.WriteAt(text, s.size); err != nil {
		return err
	}
	s.size += int64(len(text))
	s.runs = append(s.runs, run)
	clear(s.recent)
	return nil
}

// close removes the temporary file.
func (s *keySet) close() error {
	if s.file == nil {
		return nil
	}
	file := s.file
	*s = keySet{}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}
