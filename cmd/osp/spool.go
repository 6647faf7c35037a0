package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// A spool keeps texts in the order in which they were added: the first MiB in
// memory, the rest in a temporary file, which close removes.
type spool struct {
	head  []string
	bytes int // the size of head in bytes
	count int
	file  *os.File
	w     *bufio.Writer
}

// mostInMemory is how many bytes of texts a spool keeps in memory.
const mostInMemory = 1 << 20

// add adds a text.
func (s *spool) add(text string) error {
	s.count++
	if s.file == nil && s.bytes+len(text) <= mostInMemory {
		s.head = append(s.head, text)
		s.bytes += len(text) + 16 // 16 bytes for the string header
		return nil
	}
	if s.file == nil {
		file, err := os.CreateTemp("", "osp-*")
		if err != nil {
			return fmt.Errorf("cannot create a temporary file (TMPDIR may name another folder): %w", files.Reason(err))
		}
		s.file, s.w = file, bufio.NewWriter(file)
	}
	_, err := s.w.Write(binary.AppendUvarint(nil, uint64(len(text))))
	if err == nil {
		_, err = s.w.WriteString(text)
	}
	return s.failed(err)
}

func (s *spool) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot use the temporary file %q: %w", s.file.Name(), files.Reason(err))
}

// each calls f for each text. It stops at an error of f.
func (s *spool) each(f func(text string) error) error {
	for _, text := range s.head {
		if err := f(text); err != nil {
			return err
		}
	}
	if s.file == nil {
		return nil
	}
	if err := s.w.Flush(); err != nil {
		return s.failed(err)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return s.failed(err)
	}
	r := bufio.NewReader(s.file)
	for range s.count - len(s.head) {
		size, err := binary.ReadUvarint(r)
		if err != nil {
			return s.failed(err)
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(r, text); err != nil {
			return s.failed(err)
		}
		if err := f(string(text)); err != nil {
			return err
		}
	}
	return nil
}

// batches calls f with batches of texts. A batch has at most most texts, and at most a MiB.
func (s *spool) batches(most int, f func(texts []string) error) error {
	var batch []string
	bytes := 0
	err := s.each(func(text string) error {
		batch, bytes = append(batch, text), bytes+len(text)
		if len(batch) < most && bytes < mostInMemory {
			return nil
		}
		full := batch
		batch, bytes = nil, 0
		return f(full)
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return f(batch)
}

// close removes the temporary file.
func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	return s.failed(errors.Join(s.file.Close(), os.Remove(s.file.Name())))
}
