package sql_test

import (
	"slices"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// An equal row is stored in the table once, too.
func TestSameBatchIsStoredOnce(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s := open(t, at)
		batch := []osprofiler.Notification{event("A", "x-start"), event("A", "y-start")}
		upper := batch[0]
		upper.Name = "X-start" // equal only to a collation
		for range 2 {
			if err := s.Write(t.Context(), append(batch, batch[0], upper)); err != nil {
				t.Fatal(err)
			}
		}
		if got := strs(t, foreign(t, at), "SELECT name FROM data ORDER BY id"); !slices.Equal(got, []string{"x-start", "y-start", "X-start"}) {
			t.Errorf("the table has %q", got)
		}
	})
}

// The database's character set may lack characters.
func TestPoorAlphabets(t *testing.T) {
	for _, set := range []string{"latin1", "utf8mb3", "ascii", "utf8mb4"} {
		t.Run(set, func(t *testing.T) {
			at := testenv.MariaDB(t)
			db := foreign(t, at)
			execute(t, db, "ALTER DATABASE CHARACTER SET "+set)
			s := open(t, at)
			var want []osprofiler.Notification
			for _, text := range []string{"é", "ł", "😀", "é😀-start", "\u0080"} {
				n := event("base "+text, text)
				n.Service, n.Project, n.TraceID = text, text, text
				n.Info = osprofiler.Info(`{"host": "` + text + `"}`)
				want = append(want, n)
			}
			if err := s.Write(t.Context(), want); err != nil {
				t.Fatal(err)
			}
			for _, n := range want {
				count := 0
				for got, err := range s.Notifications(t.Context(), n.BaseID) {
					if count++; err != nil || !got.Equal(n) {
						t.Errorf("%s: got %s (%v)", n.JSON(), got.JSON(), err)
					}
				}
				if count != 1 {
					t.Errorf("%q: %d came", n.BaseID, count)
				}
			}
			listed := 0
			for trace, err := range s.Traces(t.Context(), store.Query{}) {
				if listed++; err != nil || !slices.ContainsFunc(want, func(n osprofiler.Notification) bool { return n.BaseID == trace.BaseID }) {
					t.Errorf("listed %+v (%v)", trace, err)
				}
			}
			if listed != len(want) {
				t.Errorf("%d of %d traces are listed", listed, len(want))
			}
		})
	}
}

// A feed does not miss a row that is committed after a row with a larger id,
// although the feed has already passed the larger id.
func TestCommittedLate(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s := open(t, at)
		write := func(name string) {
			t.Helper()
			if err := s.Write(t.Context(), []osprofiler.Notification{event("A", name)}); err != nil {
				t.Fatal(err)
			}
		}
		f, err := s.Feed(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		changes := func() (all []string) {
			t.Helper()
			for n, err := range f.Poll(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, n.Name)
			}
			return all
		}
		const late = `INSERT INTO data (base_id, name, data) VALUES ('A', 'late', '"{}"')`
		write("first")
		tx, err := foreign(t, at).BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := tx.ExecContext(t.Context(), late); err != nil {
				t.Fatal(err)
			}
		}
		write("second")
		if got := changes(); !slices.Equal(got, []string{"first", "second"}) {
			t.Errorf("before the commit came %q", got)
		}
		if got := changes(); len(got) != 0 {
			t.Errorf("behind the end came %q", got)
		}
		write("third")
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if got := changes(); !slices.Equal(got, []string{"late", "late", "late", "third"}) {
			t.Errorf("after the commit came %q", got)
		}
		if got := changes(); len(got) != 0 || len(f.Cursor()) > 60 {
			t.Errorf("then came %q, and the cursor is %s", got, f.Cursor())
		}
	})
}
