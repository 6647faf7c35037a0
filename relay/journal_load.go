package relay

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// ids returns the ids of the entries in the order in which they were added.
func (j *journal) ids() []uint64 { return slices.Sorted(maps.Keys(j.live)) }

// load reads the file. It positions the journal behind the last good line.
func (j *journal) load(warning func(error)) ([]entry, error) {
	lines := bufio.NewReaderSize(j.file, 1<<16)
	entries := map[uint64]entry{}
	var damaged, sinceGood []string // lines that cannot be read: those before a good line, and those after the last good line
	offset := int64(0)
	for {
		line, err := lines.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if line == "" {
			break
		}
		end := offset + int64(len(line))
		if j.loadLine(entries, line, offset) {
			damaged, sinceGood = append(damaged, sinceGood...), nil
			j.size = end
		} else {
			sinceGood = append(sinceGood, line)
		}
		offset = end
	}
	if len(sinceGood) > 1 || len(sinceGood) == 1 && strings.HasSuffix(sinceGood[0], "\n") { // otherwise the line was cut by a crash, which is normal
		damaged = append(damaged, sinceGood...)
	}
	if err := j.setAside(damaged, warning); err != nil {
		return nil, err
	}
	if err := j.file.Truncate(j.size); err != nil {
		return nil, err
	}
	if j.size == 0 {
		j.header()
	}
	if len(damaged) > 0 {
		return inOrder(entries), j.compact()
	}
	return inOrder(entries), nil
}

func inOrder(entries map[uint64]entry) []entry {
	list := make([]entry, 0, len(entries))
	for _, id := range slices.Sorted(maps.Keys(entries)) {
		list = append(list, entries[id])
	}
	return list
}

// loadLine processes the record of a line. It returns false if the line is damaged.
func (j *journal) loadLine(entries map[uint64]entry, line string, offset int64) bool {
	record, ok := recordOf(line)
	if !ok || record == "" {
		return false
	}
	kind, rest := record[0], record[1:]
	if kind == 'h' {
		j.note = noteOf(rest)
		return true
	}
	number, rest, _ := strings.Cut(rest, " ")
	id, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return false
	}
	switch kind {
	case '+':
		if len(rest) < 2 || rest[1] != ' ' {
			return false
		}
		j.next = max(j.next, id+1)
		j.live[id] = extent{offset: offset, length: int32(len(line))}
		j.used += int64(len(line))
		entries[id] = entry{id: id, kind: rest[0], text: rest[2:]}
	case '-':
		j.used -= int64(j.live[id].length)
		delete(j.live, id)
		delete(entries, id)
	case '~':
		if e, ok := entries[id]; ok {
			e.marked = true
			entries[id] = e
			at := j.live[id]
			at.marked = true
			j.live[id] = at
		}
	default:
		return false
	}
	return true
}

// noteOf returns the note of a header, or "".
func noteOf(header string) string {
	header = strings.TrimPrefix(header, " ")
	name, err := strconv.QuotedPrefix(header)
	if err != nil {
		return ""
	}
	note, err := strconv.Unquote(strings.TrimPrefix(header[len(name):], " "))
	if err != nil {
		return ""
	}
	return note
}

// recordOf returns the record of a line. ok is false if the line is incomplete or damaged.
func recordOf(line string) (record string, ok bool) {
	line, ok = strings.CutSuffix(line, "\n")
	if !ok || len(line) <= crcDigits || line[crcDigits] != ' ' {
		return "", false
	}
	sum, err := strconv.ParseUint(line[:crcDigits], 16, 32)
	record = line[crcDigits+1:]
	return record, err == nil && sum == uint64(crc32.ChecksumIEEE([]byte(record)))
}

// setAside writes damaged lines to a file of their own.
func (j *journal) setAside(lines []string, warning func(error)) (err error) {
	if len(lines) == 0 {
		return nil
	}
	path := j.path + ".damaged"
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.WriteString(strings.Join(lines, "")); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	warning(fmt.Errorf("%d lines of the journal %q are damaged and were set aside in %q; the notifications in them may be missing in %s", len(lines), j.path, path, j.name))
	return nil
}
