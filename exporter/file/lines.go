package file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// longestLine is the length of the longest line that is read, in bytes, with its
// end. The Python library cannot make a longer one. The bound keeps a file
// without line ends from filling the memory.
const longestLine = 256 << 20

var errTooLong = fmt.Errorf("the line is longer than %d MB", longestLine>>20)

// lines reads a file line by line. It needs memory for one line only.
type lines struct {
	in      *bufio.Reader
	longest int

	line   []byte // the current line, without its end; changed by the next call of next
	start  int64  // the offset of the current line
	end    int64  // the offset behind the current line and its end
	number int    // the number of the current line, from 1, counted from where reading began
	ended  bool   // whether the current line has an end

	buffer []byte // holds a line that is longer than the buffer of in

	hashing bool   // whether sum is computed
	sum     uint32 // the checksum of the file up to end
}

func newLines(in io.Reader, offset int64) *lines {
	return &lines{in: bufio.NewReaderSize(in, 64<<10), longest: longestLine, end: offset}
}

// next goes to the next line. At the end of the file it returns io.EOF. After
// errTooLong reading can go on.
func (l *lines) next() error {
	l.start = l.end
	l.number++
	l.buffer = l.buffer[:0]
	tooLong := false
	for {
		part, err := l.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return err
		}
		l.consume(part)
		l.ended = err == nil
		if l.ended && len(l.buffer) == 0 && !tooLong {
			l.line = part[:len(part)-1] // most lines: no copy
			return nil
		}
		if tooLong = tooLong || len(l.buffer)+len(part) > l.longest; !tooLong {
			l.buffer = append(l.buffer, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case l.end == l.start:
			return io.EOF
		case tooLong:
			return errTooLong
		default:
			l.line = bytes.TrimSuffix(l.buffer, []byte{'\n'})
			return nil
		}
	}
}

// consume counts a part of the file as read.
func (l *lines) consume(part []byte) {
	l.end += int64(len(part))
	if l.hashing {
		l.sum = checksum(l.sum, part)
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns the checksum of a text and the part behind it.
func checksum(sum uint32, part []byte) uint32 { return crc32.Update(sum, castagnoli, part) }
