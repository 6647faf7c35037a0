package sqlite_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/store"
)

// pollNames returns the names of the notifications that a poll yields.
func pollNames(t *testing.T, feed *store.Feed) (names []string, err error) {
	t.Helper()
	for n, err := range feed.Poll(t.Context()) {
		if err != nil {
			return names, err
		}
		names = append(names, n.Name)
	}
	return names, nil
}

// SQLite assigns the ids of deleted rows again. A feed misses nothing, even if
// the new row with the id of the feed's position was deleted too.
func TestFeedOfReusedIDs(t *testing.T) {
	s, _ := openNew(t, sqlite.WithSync(false))
	for i := range 7 {
		write(t, s, event("old", fmt.Sprint("old", i), ""))
	}
	write(t, s, event("A", "a1", ""), event("A", "a2", ""), event("A", "a3", "")) // ids 8, 9, 10
	feed, err := s.Feed(t.Context(), "")
	must(t, err)
	_, err = pollNames(t, feed)
	must(t, err)
	cursor := feed.Cursor()
	for _, id := range []string{"A"} {
		_, err := s.Delete(t.Context(), id)
		must(t, err)
	}
	write(t, s, event("B", "b1", ""), event("B", "b2", "")) // ids 8, 9
	write(t, s, event("C", "c1", ""))                       // id 10
	write(t, s, event("D", "d1", ""))                       // id 11
	_, err = s.Delete(t.Context(), "C")
	must(t, err)
	resumed, err := s.Feed(t.Context(), cursor)
	must(t, err)
	for name, feed := range map[string]*store.Feed{"the same feed": feed, "a feed from the cursor": resumed} {
		got, err := pollNames(t, feed)
		must(t, err)
		for _, want := range []string{"b1", "b2", "d1"} {
			if !slices.Contains(got, want) {
				t.Errorf("%s yields %q, without %s", name, got, want)
			}
		}
	}
}

// The cursor of another database is refused, even if this database has no row
// with the id of the position.
func TestCursorOfAnotherDatabase(t *testing.T) {
	s, _ := openNew(t, sqlite.WithSync(false))
	for i := range 10 {
		write(t, s, event("A", fmt.Sprint("a", i), ""))
	}
	feed, err := s.Feed(t.Context(), "")
	must(t, err)
	_, err = pollNames(t, feed)
	must(t, err)
	other, _ := openNew(t, sqlite.WithSync(false))
	for i := range 12 {
		write(t, other, event(fmt.Sprint("T", i), fmt.Sprint("b", i), ""))
	}
	_, err = other.Delete(t.Context(), "T9") // id 10
	must(t, err)
	resumed, err := other.Feed(t.Context(), feed.Cursor())
	must(t, err)
	if got, err := pollNames(t, resumed); !errors.Is(err, store.ErrCursor) {
		t.Errorf("the feed yields %q and the error %v, want %v", got, err, store.ErrCursor)
	}
}
