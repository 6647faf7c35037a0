package file

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/osprofiler-otel/osprofiler/internal/cursor"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A position says how far a feed has read: the offset behind a line, and the
// checksum of all of the file before the offset. If the file was replaced, or
// cut and rewritten, the checksum differs, unless the file has the same text up
// to the offset. In that case nothing is missed behind the offset.
type position struct {
	offset int64
	sum    uint32
}

var codec = cursor.Codec{Prefix: "file1", Kind: "a file"}

// cursor returns the cursor of a position. The cursor of the beginning is
// empty.
func (p position) cursor() driver.Cursor {
	if p.offset == 0 {
		return ""
	}
	var w cursor.Writer
	w.Uint(uint64(p.offset))
	w.Uint32(p.sum)
	return driver.Cursor(codec.Encode(w.Body()))
}

// parseCursor returns the position of a cursor. It does not check whether the
// position is a position in the file, because that needs the file.
func parseCursor(text driver.Cursor) (position, error) {
	if text == "" {
		return position{}, nil
	}
	r, err := codec.Decode(string(text))
	if err != nil {
		return position{}, err
	}
	p := position{offset: int64(r.Uint()), sum: r.Uint32()}
	if !r.Done() || p.offset <= 0 {
		return position{}, codec.Invalid(string(text))
	}
	return p, nil
}

// verify reports whether the file holds the text before the position. It reads
// the file up to the position.
func (p position) verify(ctx context.Context, f *os.File, size int64) (bool, error) {
	if p.offset > size {
		return false, nil
	}
	in := io.NewSectionReader(f, 0, p.offset)
	var sum uint32
	for buffer := make([]byte, min(p.offset, checkedBytes)); ; {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := in.Read(buffer)
		sum = checksum(sum, buffer[:n])
		switch {
		case errors.Is(err, io.EOF):
			end, err := in.Seek(0, io.SeekCurrent)
			return end == p.offset && sum == p.sum, err
		case err != nil:
			return false, err
		}
	}
}
