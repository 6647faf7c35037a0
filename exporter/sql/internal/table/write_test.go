package table

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
)

// The trace_id that a look-up asks for equals the value in the column, whatever
// the notification and the database's characters are.
func TestTraceIDLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := drawNotification(t)
		if rapid.Bool().Draw(t, "no UTF-8") {
			n.TraceID = "a\xff\xfe" + n.TraceID
		}
		alphabet := rapid.SampledFrom([]Alphabet{nil, Unicode, BMP, Latin1, ASCII}).Draw(t, "alphabet")
		s := &Table{}
		s.alphabet.Store(&alphabet)
		r := (&encoder{Alphabet: alphabet}).encode(&n)
		if c := r.columns[colTraceID]; c.Valid && s.traceIDs([]osprofiler.Notification{n})[0] != c.String {
			t.Fatalf("%s stands as %q, but %q is looked for", n.JSON(), c.String, s.traceIDs([]osprofiler.Notification{n}))
		}
	})
}

// missing returns the rows without an equal stored row, each once, in their
// order.
func TestMissing(t *testing.T) {
	row := func(traceID, name, data string) (r Row) {
		if traceID != "NULL" {
			r.columns[colTraceID] = text(traceID)
		}
		r.columns[colName] = text(name)
		r.data = text(data)
		return r
	}
	const plain, spaced = `"{\"info\": {}}"`, ` "{\u0022info\": {}}" `
	stored := []Row{row("1", "there", plain), row("1", "other", plain), row("2", "written by another hand", spaced)}
	rows := []Row{
		row("1", "there", plain), row("1", "new", plain), row("1", "new", plain), row("2", "there", plain), row("NULL", "x", plain),
		row("NULL", "x", plain), row("2", "written by another hand", plain), row("1", "there", `"{}"`), row("", "x", plain),
	}
	var got []string
	for _, r := range missing(rows, stored) {
		got = append(got, fmt.Sprint(r.columns[colTraceID], " ", r.columns[colName].String, " ", len(r.data.String)))
	}
	want := []string{"{1 true} new 16", "{2 true} there 16", "{ false} x 16", "{1 true} there 4", "{ true} x 16"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// If a service gives all its operations one id, writing does not become slower:
// the data of each row is decoded at most once.
func TestMissingOfOneID(t *testing.T) {
	const count = 20_000
	rows := make([]Row, count)
	for i := range rows {
		rows[i].columns[colTraceID] = text("one")
		rows[i].data = text(fmt.Sprintf(`"{\"info\": {\"x\": %d, \"y\": \"%s\"}}"`, i, strings.Repeat("y", 500)))
	}
	began := time.Now()
	if got := missing(rows, rows[:SameTraceID]); len(got) != count-SameTraceID {
		t.Errorf("%d are missing", len(got))
	}
	if took := time.Since(began); took > 10*time.Second { // comparing each with each would take minutes
		t.Errorf("it took %v", took)
	}
}

func TestChunkOf(t *testing.T) {
	batch := make([]osprofiler.Notification, 3*chunkRows)
	if got := chunkOf(batch); got != chunkRows {
		t.Errorf("of many, %d", got)
	}
	batch[5].Info = osprofiler.Info(strings.Repeat("x", chunkBytes+1))
	if got, next := chunkOf(batch), chunkOf(batch[5:]); got != 5 || next != 1 {
		t.Errorf("of a large one, %d and %d", got, next)
	}
	if got := chunkOf(batch[:3]); got != 3 {
		t.Errorf("of three, %d", got)
	}
}
