package file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// longest is the length of the longest line that is read, in bytes. Upstream
// cannot make a longer one; a file without line ends should not fill the memory.
const longest = 256 << 20

var errTooLong = fmt.Errorf("the line is longer than %d MB", longest>>20)

// lines reads a file line by line, and needs room for one line only.
type lines struct {
	in      *bufio.Reader
	longest int

	line   []byte // the last one, without its end; changed by the next call of next
	start  int64  // where it starts
	number int    // which it is, from 1, counted from where reading began
	behind int64  // where the one behind it starts
	room   []byte
}

func newLines(in io.Reader, offset int64) *lines {
	return &lines{in: bufio.NewReaderSize(in, 64<<10), longest: longest, behind: offset}
}

// next goes to the next line. At the end it returns io.EOF; after errTooLong
// reading can go on.
func (l *lines) next() error {
	l.start = l.behind
	l.number++
	l.room = l.room[:0]
	tooLong := false
	for {
		part, err := l.in.ReadSlice('\n')
		l.behind += int64(len(part))
		whole := err == nil
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return err
		}
		if whole && len(l.room) == 0 && !tooLong {
			l.line = bytes.TrimSuffix(part, []byte{'\n'}) // most lines: no copy
			return nil
		}
		if tooLong = tooLong || len(l.room)+len(part) > l.longest; !tooLong {
			l.room = append(l.room, part...)
		}
		switch {
		case errors.Is(err, io.EOF) && l.behind == l.start:
			return io.EOF
		case whole || errors.Is(err, io.EOF):
			l.line = bytes.TrimSuffix(l.room, []byte{'\n'})
			if tooLong {
				return errTooLong
			}
			return nil
		}
	}
}
