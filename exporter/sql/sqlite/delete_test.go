package sqlite_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Delete removes all rows of a trace, whatever form its id has in the column,
// and no row of another trace.
func TestDelete(t *testing.T) {
	s, path := openNew(t, sqlite.WithSync(false))
	db := foreign(t, path)
	long := strings.Repeat("b", 300)
	var batch []osprofiler.Notification
	for i := range 2500 { // more than a page
		batch = append(batch, event("A", fmt.Sprint("n", i), ""))
	}
	number, err := osprofiler.ParseNotification(`{"name": "number", "base_id": 5, "info": {}}`)
	must(t, err)
	write(t, s, append(batch, event(long, "long", ""), event("a", "other", ""), number, event("c\x00", "nul", ""))...)
	var short string
	must(t, db.QueryRowContext(t.Context(), "SELECT base_id FROM data WHERE name = 'long'").Scan(&short))
	write(t, s, event(short, "literal", ""))
	execute(t, db, "INSERT INTO data (base_id, name, data) VALUES ('"+long+"', 'python', '\"{}\"')",
		"INSERT INTO data (base_id, name, data) VALUES ('A', 'damaged', NULL)",
		`INSERT INTO data (base_id, name, data) VALUES ('A', 'data wins', '"{\"base_id\": \"Z\"}"')`)
	for _, c := range []struct {
		id   string
		want int
		left string
	}{
		{"A", 2501, "data wins, literal, long, nul, number, other, python"},
		{long, 2, "data wins, literal, nul, number, other"},
		{short, 1, "data wins, nul, number, other"},
		{"c\x00", 1, "data wins, number, other"},
		{"5", 1, "data wins, other"},
		{"a", 1, "data wins"},
	} {
		n, err := s.Delete(t.Context(), c.id)
		if err != nil || n != c.want {
			t.Errorf("%.20q: %d were deleted, want %d (%v)", c.id, n, c.want, err)
		}
		if got := left(t, path); got != c.left {
			t.Errorf("%.20q: %s are left, want %s", c.id, got, c.left)
		}
		if _, err := s.Delete(t.Context(), c.id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%.20q: deleted again: %v", c.id, err)
		}
	}
}

// left returns the names of the rows, in order.
func left(t *testing.T, path string) string {
	t.Helper()
	rows, err := foreign(t, path).QueryContext(t.Context(), "SELECT name FROM data")
	must(t, err)
	defer func() { _ = rows.Close() }()
	var names []string
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// SQLite assigns the ids of the newest rows again if they are deleted. A feed
// continues nevertheless, and so does a feed from its cursor.
func TestFeedBesideDelete(t *testing.T) {
	s, _ := openNew(t, sqlite.WithSync(false))
	f, err := s.Feed(t.Context(), "")
	must(t, err)
	seen := map[string]int{}
	poll := func(f *store.Feed) {
		t.Helper()
		for n, err := range f.Poll(t.Context()) {
			must(t, err)
			seen[n.Name]++
		}
	}
	for i := range 200 {
		write(t, s, event("old", fmt.Sprint("old", i), ""))
	}
	write(t, s, event("A", "a1", ""), event("A", "a2", ""))
	poll(f)
	cursor := f.Cursor()
	_, err = s.Delete(t.Context(), "A")
	must(t, err)
	poll(f)
	write(t, s, event("B", "b1", ""), event("B", "b2", ""), event("B", "b3", ""))
	poll(f)
	again, err := s.Feed(t.Context(), cursor)
	must(t, err)
	poll(again)
	for _, name := range []string{"b1", "b2", "b3"} {
		if seen[name] < 2 {
			t.Errorf("%s came %d times to two feeds", name, seen[name])
		}
	}
	repeated := 0
	for name, count := range seen {
		if strings.HasPrefix(name, "old") {
			repeated += count - 1
		}
	}
	if repeated > 40 {
		t.Errorf("%d old notifications came again", repeated)
	}
	for _, id := range []string{"old", "B"} {
		_, err := s.Delete(t.Context(), id)
		must(t, err)
	}
	poll(f)
	write(t, s, event("C", "c1", ""))
	poll(f)
	if seen["c1"] != 1 {
		t.Errorf("after everything was deleted c1 came %d times", seen["c1"])
	}
}
