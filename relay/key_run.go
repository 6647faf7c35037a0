package relay

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

const (
	keyBytes = 16
	pageKeys = 256
)

// A keyRun is a part of a file with sorted keys, in pages. It holds the first key
// of each page in memory, so that a key is found with one read.
type keyRun struct {
	offset int64
	count  int
	firsts []key
}

// newKeyRun returns the run that begins at the offset, and its bytes.
func newKeyRun(sorted []key, offset int64) (run *keyRun, text []byte) {
	run = &keyRun{offset: offset, count: len(sorted)}
	text = make([]byte, 0, len(sorted)*keyBytes)
	for i, k := range sorted {
		if i%pageKeys == 0 {
			run.firsts = append(run.firsts, k)
		}
		text = binary.BigEndian.AppendUint64(text, k[0])
		text = binary.BigEndian.AppendUint64(text, k[1])
	}
	return run, text
}

// has reports whether the run has the key.
func (r *keyRun) has(file io.ReaderAt, k key) (bool, error) {
	page, found := slices.BinarySearchFunc(r.firsts, k, key.compare)
	if found || page == 0 {
		return found, nil
	}
	first := (page - 1) * pageKeys
	var room [pageKeys * keyBytes]byte
	text := room[:min(pageKeys, r.count-first)*keyBytes]
	if _, err := file.ReadAt(text, r.offset+int64(first*keyBytes)); err != nil {
		return false, fmt.Errorf("cannot read the temporary file with what is stored: %w", err)
	}
	low, high := 0, len(text)/keyBytes
	for low < high {
		middle := (low + high) / 2
		switch at := text[middle*keyBytes:]; (key{binary.BigEndian.Uint64(at), binary.BigEndian.Uint64(at[8:])}).compare(k) {
		case 0:
			return true, nil
		case -1:
			low = middle + 1
		default:
			high = middle
		}
	}
	return false, nil
}
