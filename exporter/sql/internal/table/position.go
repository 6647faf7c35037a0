package table

import (
	"hash/crc32"
	"slices"

	"github.com/osprofiler-otel/osprofiler/internal/cursor"
	"github.com/osprofiler-otel/osprofiler/internal/gaps"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A position says how far a feed has read: the marks of some rows that were
// yielded, the newest first, and the gaps below the newest row.
type position struct {
	marks []mark // the first is the mark of the row with the largest id
	gaps  gaps.List
}

// A mark identifies a row that was yielded. In another database, or in a table
// that was created again, the row with this id has other columns.
type mark struct {
	id       int64
	checksum uint32
}

// The further marks are, for each power of eight, the marks of the last rows
// before the latest two multiples of that power. SQLite assigns the ids of the
// newest rows again if these rows are deleted. The feed then continues from the
// newest mark whose row still exists, so that it repeats about as many rows as
// were deleted.
const (
	markLevels = 5
	mostMarks  = 1 + 2*markLevels
)

// id returns the largest id that was yielded.
func (p *position) id() int64 {
	if len(p.marks) == 0 {
		return 0
	}
	return p.marks[0].id
}

// pass moves the position to a row, or removes the row's id from a gap.
func (p *position) pass(r *Row, notesGaps bool, now int64) {
	if r.id <= p.id() {
		p.gaps = p.gaps.Without(r.id)
		return
	}
	if notesGaps && r.id > p.id()+1 {
		p.gaps = p.gaps.Recent(now, r.id).Add(p.id()+1, r.id-1, now)
	}
	p.marks = slices.Insert(p.marks, 0, mark{r.id, checksumOf(r)})
	p.thinOut()
}

// thinOut removes the marks that are not needed.
func (p *position) thinOut() {
	needed := [mostMarks]int{0} // indices into marks
	count := 1
	for level := 1; level <= markLevels; level++ {
		multiple := p.id() >> (3 * level)
		for i := needed[count-1]; i < len(p.marks) && count < 1+2*level; i++ {
			if p.marks[i].id>>(3*level) < multiple {
				multiple = p.marks[i].id >> (3 * level)
				needed[count] = i
				count++
			}
		}
	}
	for i, at := range slices.Compact(needed[:count]) {
		p.marks[i] = p.marks[at]
		count = i + 1
	}
	p.marks = p.marks[:count]
}

// rewind moves the position back to one of its marks.
func (p *position) rewind(to int) {
	p.marks = slices.Delete(p.marks, 0, to)
	p.gaps = p.gaps.Below(p.id())
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksumOf returns a checksum of a row without its data column, so that rows
// can be compared without reading that column.
func checksumOf(r *Row) uint32 {
	sum := uint32(0)
	for i := range r.columns {
		sum = crc32.Update(sum, castagnoli, []byte(r.columns[i].String))
		sum = crc32.Update(sum, castagnoli, []byte{0})
	}
	return sum
}

var codec = cursor.Codec{Prefix: "sql3", Kind: "a SQL database"}

func (p *position) cursor() driver.Cursor {
	if len(p.marks) == 0 {
		return ""
	}
	var w cursor.Writer
	w.Uint(uint64(len(p.marks)))
	id := p.id()
	for _, m := range p.marks {
		w.Uint(uint64(id - m.id))
		w.Uint32(m.checksum)
		id = m.id
	}
	w.Uint(uint64(p.id()))
	slices.Clone(p.gaps).Bounded(gaps.InCursor).Write(&w)
	return driver.Cursor(codec.Encode(w.Body()))
}

// parsePosition reads a text that cursor wrote. Any other text is an error.
func parsePosition(from driver.Cursor) (p position, err error) {
	r, err := codec.Decode(string(from))
	if err != nil {
		return p, err
	}
	marks := make([]mark, r.Count(mostMarks))
	distances := make([]int64, len(marks))
	for i := range marks {
		distances[i], marks[i].checksum = int64(r.Uint()), r.Uint32()
	}
	id := int64(r.Uint())
	for i := range marks {
		id -= distances[i]
		marks[i].id = id
	}
	missing, ok := gaps.Read(r)
	p = position{marks, missing}
	if !ok || !r.Done() || p.cursor() != from || len(missing) > 0 && missing[len(missing)-1].To >= p.id() || id < 0 {
		return position{}, codec.Invalid(string(from))
	}
	return p, nil
}
