package table

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Write implements driver.Writer. One transaction stores the whole batch or
// nothing. nil means that the transaction is committed, as durably as the
// database's own settings make it. A notification that is already in the table
// is left out, so that a batch may be written again. If the database refuses the
// content of some rows, several transactions store the others.
func (t *Table) Write(ctx context.Context, batch []osprofiler.Notification) error {
	if err := t.takeTurn(ctx); err != nil {
		return err
	}
	defer func() { <-t.turn }()
	took, err := t.writeOnce(ctx, batch)
	if err != nil && t.mayBeRows(batch, took, err) {
		return t.isolate(ctx, batch, took, err)
	}
	if err != nil && t.isTransient(err) {
		return &store.WriteError{Transient: true, Err: err}
	}
	return err
}

// takeTurn waits until fewer than Config.Writers transactions are writing. The
// caller takes an element from t.turn afterwards.
func (t *Table) takeTurn(ctx context.Context) error {
	select {
	case t.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *Table) isTransient(err error) bool { return t.dialect.Busy(err) || t.dialect.Transient(err) }

// writeOnce stores the batch in one transaction, and returns how long that took.
func (t *Table) writeOnce(ctx context.Context, batch []osprofiler.Notification) (took time.Duration, err error) {
	began := time.Now()
	err = t.writing(ctx, func() error {
		return t.transact(ctx, func(c *connection) error { return t.insert(ctx, c, batch) })
	})
	return time.Since(began), err
}

// chunkRows and chunkBytes bound the rows of one look-up and one insert.
const (
	chunkRows  = 2000
	chunkBytes = 8 << 20 // unless a single row has more
)

// insert adds the notifications that are not in the table. The rows are encoded
// while the database looks up which of them it has.
func (t *Table) insert(ctx context.Context, c *connection, batch []osprofiler.Notification) error {
	for len(batch) > 0 {
		chunk := batch[:chunkOf(batch)]
		batch = batch[len(chunk):]
		encoded := make(chan []Row, 1)
		go func() { encoded <- t.encodeAll(chunk) }()
		traceIDs := t.traceIDs(chunk)
		stored, err := t.dialect.Latest(ctx, c.Conn, traceIDs)
		rows := <-encoded // even after an error, so that the batch is not in use any more
		if err == nil {
			err = t.insertRows(ctx, c, missing(rows, stored), traceIDs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// discarded returns the missing rows that a look-up should have found. Latest
// returns only the latest rows with one trace_id.
func discarded(missing, stored []Row) []Row {
	count := map[sql.NullString]int{}
	for _, r := range stored {
		count[r.columns[colTraceID]]++
	}
	return slices.DeleteFunc(missing, func(r Row) bool { return count[r.columns[colTraceID]] >= SameTraceID })
}

// insertRows inserts rows that have these trace_ids. If the database reports
// fewer inserted rows, a query must find all rows, because a trigger may have
// put them into a partition, or a rule may have discarded them.
func (t *Table) insertRows(ctx context.Context, c *connection, rows []Row, traceIDs []string) error {
	inserted, err := t.dialect.Insert(ctx, c.Conn, rows)
	if err != nil || inserted == int64(len(rows)) {
		return err
	}
	stored, err := t.dialect.Latest(ctx, c.Conn, traceIDs)
	if err != nil {
		return err
	}
	if lost := discarded(missing(rows, stored), stored); len(lost) > 0 {
		return fmt.Errorf("the database %s accepted %d rows but discarded %d of them; check the triggers and rules of the table data", t.dialect.Name(), len(rows), len(lost))
	}
	return nil
}

// chunkOf returns how many notifications the next chunk has.
func chunkOf(batch []osprofiler.Notification) int {
	bytes := 0
	for i := range batch {
		if bytes += batch[i].Size(); i > 0 && (i == chunkRows || bytes > chunkBytes) {
			return i
		}
	}
	return len(batch)
}

// characters returns the alphabet of the table's columns.
func (t *Table) characters() Alphabet {
	if a := t.alphabet.Load(); a != nil {
		return *a
	}
	return nil
}

func (t *Table) encodeAll(batch []osprofiler.Notification) []Row {
	e := encoder{Alphabet: t.characters()}
	rows := make([]Row, len(batch))
	for i := range batch {
		rows[i] = e.encode(&batch[i])
	}
	return rows
}

// SameTraceID is how many of the latest rows with one trace_id are searched for
// an equal row. Usually there are two such rows. The limit keeps the search
// fast if somebody gives the same trace_id to all notifications.
const SameTraceID = 64

// traceIDs returns the values of the column trace_id for the notifications, without
// duplicates.
func (t *Table) traceIDs(batch []osprofiler.Notification) (ids []string) {
	alphabet := t.characters()
	seen := make(map[string]bool, len(batch))
	for i := range batch {
		id := alphabet.spelled(colTraceID, shortened(colTraceID, driver.Text(batch[i].TraceID)).String)
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// missing returns the rows that are not stored, without duplicates. Some
// databases normalise JSON. So rows are also compared by the decoded data column.
func missing(rows, stored []Row) []Row {
	seen := newRowSet(len(rows) + len(stored))
	decoded := newRowSet(len(stored))
	for i := range stored {
		seen.add(&stored[i])
		row := stored[i].decodedData()
		decoded.add(&row)
	}
	missing := make([]Row, 0, len(rows))
	for i := range rows {
		if len(stored) > 0 {
			if row := rows[i].decodedData(); decoded.has(&row) {
				continue
			}
		}
		if seen.add(&rows[i]) {
			missing = append(missing, rows[i])
		}
	}
	return missing
}

// A rowSet finds equal rows. Nearly all rows differ in three columns, so whole
// rows are compared only where these columns are equal.
type rowSet struct {
	first map[[3]string]*Row
	whole map[Row]bool // the rows whose three columns equal those of other rows
}

func newRowSet(rows int) rowSet { return rowSet{make(map[[3]string]*Row, rows), map[Row]bool{}} }

func (r *Row) key() [3]string {
	return [3]string{r.columns[colTraceID].String, r.columns[colName].String, r.columns[colTimestamp].String}
}

// add adds a row, which must not be changed afterwards. It reports whether the
// set had no equal row.
func (s rowSet) add(r *Row) bool {
	key := r.key()
	first := s.first[key]
	if first == nil {
		s.first[key] = r
		return true
	}
	if *first == *r || s.whole[*r] {
		return false
	}
	s.whole[*r] = true
	return true
}

func (s rowSet) has(r *Row) bool {
	first := s.first[r.key()]
	return first != nil && (*first == *r || s.whole[*r])
}

// decodedData returns the row with the decoded text of its data instead of data.
func (r *Row) decodedData() Row {
	inner, err := r.inner()
	if err != nil {
		return *r
	}
	decoded := *r
	decoded.data = text(inner)
	return decoded
}
