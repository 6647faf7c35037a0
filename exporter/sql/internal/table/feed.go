package table

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/gaps"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A feed follows a table by the ids of its rows. Where several transactions write
// at once, a row may be committed after a row with a larger id, and ids may step
// by more than one. So a feed remembers the ids without a row that it passed
// within the last hour. It looks for rows with these ids first.
type feed struct {
	*Table

	from    driver.Cursor
	at      position
	checked bool      // whether the position was found in the table
	era     int64     // the era of the database in which the position was found
	gapPass *latePass // a pass that a poll left unfinished; nil if none
}

// Feed implements driver.Feeder. It does not use the database yet.
func (t *Table) Feed(_ context.Context, from driver.Cursor) (driver.Feed, error) {
	f := &feed{Table: t, from: from}
	if from == "" {
		return f, nil
	}
	var err error
	if f.at, err = parsePosition(from); err != nil {
		return nil, err
	}
	return f, nil
}

// Cursor implements driver.Feed.
func (f *feed) Cursor() driver.Cursor { return f.at.cursor() }

// Close implements driver.Feed.
func (*feed) Close() error { return nil }

// Poll implements driver.Feed.
func (f *feed) Poll(ctx context.Context) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		exists, err := f.check(ctx)
		if err != nil {
			yield(osprofiler.Notification{}, err)
			return
		}
		if !exists {
			return
		}
		now := time.Now().Unix() / gaps.Period
		if f.late(ctx, now, yield) {
			behind := f.at.id()
			f.rows(ctx, now, &behind, "TRUE", yield)
		}
	}
}

// check makes sure that the position belongs to the table, and moves it back if
// the newest rows were deleted. exists is false if there is no table yet.
func (f *feed) check(ctx context.Context) (exists bool, err error) {
	lost := false
	exists, err = f.reading(ctx, func() (err error) {
		lost, err = f.find(ctx)
		return err
	})
	switch era := f.currentEra(); {
	case err != nil:
		return exists, err
	case lost, !exists && f.at.id() > 0, exists && f.checked && f.at.id() > 0 && era != f.era:
		return exists, f.wrongCursor()
	case exists:
		f.checked, f.era = true, era
	}
	return exists, nil
}

// wrongCursor returns the error about a position that does not belong to the
// table.
func (f *feed) wrongCursor() error { return codec.Foreign(string(f.Cursor()), f.Name()) }

func (t *Table) currentEra() int64 {
	if r, ok := t.dialect.(Renewer); ok {
		return r.Era()
	}
	return 0
}

// find looks for the row of the newest mark, which usually exists, and
// otherwise for the rows of the other marks. lost is true if the position does
// not belong to this table.
func (f *feed) find(ctx context.Context) (lost bool, err error) {
	if f.at.id() == 0 {
		_, err := f.db.ExecContext(ctx, "SELECT id FROM data LIMIT 0") // makes the connection lead to the current database
		return false, err
	}
	newest, _, err := f.page(ctx, 1, "NULL", "id = ?", f.at.id())
	if err != nil || len(newest) == 1 && checksumOf(&newest[0]) == f.at.marks[0].checksum {
		return false, err
	}
	var largest sql.NullInt64
	if err := f.queryRow(ctx, "SELECT max(id) FROM data").Scan(&largest); err != nil {
		return false, err
	}
	if len(newest) == 0 && largest.Int64 > f.at.id() {
		return f.afterDeletion(ctx)
	}
	if f.checked && !largest.Valid && f.currentEra() == f.era {
		f.at, f.gapPass = position{}, nil // all rows were deleted
		return false, nil
	}
	return f.findOlder(ctx)
}

// afterDeletion is called if the row of the newest mark does not exist, although
// rows with larger ids do. From the other marks it decides whether that row was
// deleted, or whether the table is another one.
func (f *feed) afterDeletion(ctx context.Context) (lost bool, err error) {
	rows, err := f.markedRows(ctx)
	if err != nil {
		return false, err
	}
	older, areSame := f.compareMarks(rows)
	switch {
	case len(rows) == 0 && f.reusesIDs():
		f.at, f.gapPass = position{}, nil // there is no way to know which of the rows are new
	case len(rows) == 0, areSame && !f.reusesIDs():
		// the position remains valid
	case older == 0:
		return true, nil
	default:
		f.rewind(older)
	}
	return false, nil
}

// reusesIDs reports whether the database assigns the ids of the newest rows
// again after these rows were deleted, as SQLite does.
func (f *feed) reusesIDs() bool { return f.Writers <= 1 }

// findOlder moves the position back to the newest mark whose row is still there.
func (f *feed) findOlder(ctx context.Context) (lost bool, err error) {
	rows, err := f.markedRows(ctx)
	if err != nil {
		return false, err
	}
	older, _ := f.compareMarks(rows)
	if older == 0 {
		return true, nil
	}
	f.rewind(older)
	return false, nil
}

func (f *feed) rewind(older int) {
	f.at.rewind(older)
	f.gapPass = nil
}

// markedRows reads the rows whose ids are in the marks, the newest first.
func (f *feed) markedRows(ctx context.Context) (rows []Row, err error) {
	var ids []int64
	for _, m := range slices.Backward(f.at.marks) {
		ids = append(ids, m.id)
	}
	rows, _, err = f.page(ctx, len(ids), "NULL", f.oneOf(ids)+" ORDER BY id DESC")
	return rows, err
}

// compareMarks compares rows with the marks. older is the index of the newest
// mark, other than the first one, whose row is among the rows, or 0 if there is
// none. areSame reports whether each row equals the row of its mark.
func (f *feed) compareMarks(rows []Row) (older int, areSame bool) {
	areSame = true
	for i := range rows {
		at := slices.IndexFunc(f.at.marks, func(m mark) bool { return m.id == rows[i].id && m.checksum == checksumOf(&rows[i]) })
		areSame = areSame && at >= 0
		if at > 0 && older == 0 {
			older = at
		}
	}
	return older, areSame
}

// A latePass is one reading of the gaps. If the loop over a poll is left, the
// pass continues with the next row in the next poll.
type latePass struct {
	grown   gaps.List // gaps that are still to be read
	counted gaps.List // the joined gaps with their contents when the pass began
	behind  int64     // the id of the last row that was yielded of the gaps that are read now
}

// late yields the rows in the gaps of the position, which were committed late.
// It returns false when the poll is over.
func (f *feed) late(ctx context.Context, now int64, yield func(osprofiler.Notification, error) bool) bool {
	if f.gapPass == nil {
		f.at.gaps = f.at.gaps.Recent(now, f.at.id())
		grown, counted, err := f.grown(ctx)
		if err != nil {
			yield(osprofiler.Notification{}, err)
			return false
		}
		f.gapPass = &latePass{grown: grown, counted: counted}
	}
	p := f.gapPass
	for len(p.grown) > 0 {
		chunk := p.grown[:min(len(p.grown), gapsAtOnce)]
		if !f.rows(ctx, now, &p.behind, rowsInAny(chunk), yield) {
			return false
		}
		p.grown, p.behind = p.grown[len(chunk):], 0
	}
	f.at.gaps = f.at.gaps.Counted(p.counted)
	f.gapPass = nil
	return true
}

// gapsAtOnce is how many gaps one statement reads.
const gapsAtOnce = 100

// grown returns the gaps in which there may be new rows. counted are the joined
// gaps among them with their present contents.
func (f *feed) grown(ctx context.Context) (grown, counted gaps.List, err error) {
	joined := slices.DeleteFunc(slices.Clone(f.at.gaps), func(g gaps.Gap) bool { return !g.Joined || g.Rows < 0 })
	for chunk := range slices.Chunk(joined, gapsAtOnce) {
		_, err := f.reading(ctx, func() error {
			counts, err := f.count(ctx, chunk)
			counted = append(counted, counts...)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	for _, g := range f.at.gaps {
		if !slices.Contains(counted, g) {
			grown = append(grown, g)
		}
	}
	return grown, counted, nil
}

// count returns joined gaps with their present contents.
func (f *feed) count(ctx context.Context, joined gaps.List) (counted gaps.List, err error) {
	counts := make([]string, len(joined))
	for i := range joined {
		counts[i] = fmt.Sprintf("SELECT %d AS gap, count(*), coalesce(sum(id - %d), 0) FROM data WHERE %s", i, joined[i].From, rowsIn(&joined[i]))
	}
	counted = slices.Clone(joined)
	err = eachRow(ctx, f.db, strings.Join(counts, " UNION ALL "), nil, func(result *sql.Rows) error {
		var i, rows, sum string // MySQL and PostgreSQL return decimal numbers
		if err := result.Scan(&i, &rows, &sum); err != nil {
			return err
		}
		at, err := strconv.Atoi(i)
		if err == nil && at < len(counted) {
			counted[at].Rows, _ = strconv.ParseInt(rows, 10, 64)
			counted[at].Sum, err = strconv.ParseInt(sum, 10, 64)
		}
		return err
	})
	return counted, err
}

// rows yields the rows with ids larger than behind that fulfil a condition. It
// moves behind and the position to each row. It returns false when the poll is
// over.
func (f *feed) rows(ctx context.Context, now int64, behind *int64, where string, yield func(osprofiler.Notification, error) bool) bool {
	from := *behind
	pages := func(ctx context.Context) iter.Seq2[[]Row, error] { return f.pagesBehind(ctx, from, where) }
	for r, err := range each(paging.Ahead(ctx, pages)) {
		if err = f.sameTable(err); err != nil {
			yield(osprofiler.Notification{}, err)
			return false
		}
		n, err := decode(r)
		if err != nil {
			err = f.damage(r, false, err)
		}
		f.at.pass(r, f.Writers > 1, now)
		*behind = r.id
		if !yield(n, err) {
			return false
		}
	}
	if err := f.sameTable(nil); err != nil {
		yield(osprofiler.Notification{}, err)
		return false
	}
	return true
}

// sameTable returns an error if rows came from another table than the position,
// because the ids of another table say nothing about which rows were yielded.
func (f *feed) sameTable(err error) error {
	if errors.Is(err, errNoTable) || err == nil && f.currentEra() != f.era {
		return f.wrongCursor()
	}
	return err
}
