package sql_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A lateCase is a follower of a table, into which transactions on one or more
// servers insert that stay open for a while.
type lateCase struct {
	store     *store.Store
	others    []*sql.DB // where transactions are begun
	chance    *rand.Rand
	numbered  int // the number of rows so far
	open      []*lateTx
	committed []string       // names of rows
	undone    []string       // names of rows in transactions that were rolled back
	seen      map[string]int // how often the follower saw each row
	feed      *store.Feed
	cursor    store.Cursor
}

// A lateTx is an open transaction of another writer.
type lateTx struct {
	*sql.Tx
	names []string
}

// name returns the name of another row.
func (c *lateCase) name() string {
	c.numbered++
	return fmt.Sprint("row-", c.numbered)
}

// write makes the store write some rows.
func (c *lateCase) write(t *testing.T) {
	t.Helper()
	var batch []osprofiler.Notification
	for range 1 + c.chance.IntN(5) {
		batch = append(batch, event("A", c.name()))
		c.committed = append(c.committed, batch[len(batch)-1].Name)
	}
	if err := (store.Retry{}).Write(t.Context(), c.store, batch); err != nil {
		t.Fatal(err)
	}
}

// begin opens a transaction that inserts some rows.
func (c *lateCase) begin(t *testing.T) {
	t.Helper()
	tx, err := c.others[c.chance.IntN(len(c.others))].BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.open = append(c.open, &lateTx{Tx: tx})
	c.insert(t, len(c.open)-1)
}

// insert inserts some rows in an open transaction.
func (c *lateCase) insert(t *testing.T, i int) {
	t.Helper()
	for range 1 + c.chance.IntN(4) {
		name := c.name()
		if _, err := c.open[i].ExecContext(t.Context(), `INSERT INTO data (base_id, trace_id, name, data) VALUES ('A', 'late', '`+name+`', '"{}"')`); err != nil {
			if c.aborted(err, i) {
				return
			}
			t.Fatal(err)
		}
		c.open[i].names = append(c.open[i].names, name)
	}
}

// aborted reports whether the server rolled an open transaction back because
// another node of Galera was first.
func (c *lateCase) aborted(err error, i int) bool {
	if codeOf(err) != "1213" {
		return false
	}
	c.undone = append(c.undone, c.open[i].names...)
	_ = c.open[i].Rollback() // the transaction is rolled back already
	c.open = slices.Delete(c.open, i, i+1)
	return true
}

// end commits an open transaction, or rolls it back.
func (c *lateCase) end(t *testing.T, i int, commit bool) {
	t.Helper()
	tx := c.open[i]
	c.open = slices.Delete(c.open, i, i+1)
	if !commit {
		c.undone = append(c.undone, tx.names...)
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := tx.Commit(); err != nil {
		if codeOf(err) == "1213" { // another node of Galera was first
			c.undone = append(c.undone, tx.names...)
			return
		}
		t.Fatal(err)
	}
	c.committed = append(c.committed, tx.names...)
}

// follow polls the feed, or a new one that begins at the cursor. It reads to
// the end, or at most the given number of notifications. It returns how many it
// read.
func (c *lateCase) follow(t *testing.T, most int) (count int) {
	t.Helper()
	if c.feed == nil || c.chance.IntN(2) == 0 {
		var err error
		if c.feed, err = c.store.Feed(t.Context(), c.cursor); err != nil {
			t.Fatal(err)
		}
	}
	defer func() { c.cursor = c.feed.Cursor() }()
	for n, err := range c.feed.Poll(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		c.seen[n.Name]++
		if count++; count == most {
			break
		}
	}
	return count
}

// step does one random action.
func (c *lateCase) step(t *testing.T) {
	t.Helper()
	switch n := c.chance.IntN(16); {
	case n < 4:
		c.write(t)
	case n < 7 && len(c.open) < 6:
		c.begin(t)
	case n < 9 && len(c.open) > 0:
		c.insert(t, c.chance.IntN(len(c.open)))
	case n < 11 && len(c.open) > 0:
		c.end(t, c.chance.IntN(len(c.open)), true)
	case n < 12 && len(c.open) > 0:
		c.end(t, c.chance.IntN(len(c.open)), false)
	case n < 14:
		c.follow(t, -1)
	default:
		c.follow(t, 1+c.chance.IntN(10)) // the next poll continues from there
	}
}

// check makes sure that the follower saw all rows that were committed.
func (c *lateCase) check(t *testing.T) {
	t.Helper()
	for len(c.open) > 0 {
		c.end(t, 0, true)
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		c.follow(t, -1)
		missed := slices.DeleteFunc(slices.Clone(c.committed), func(name string) bool { return c.seen[name] > 0 })
		if len(missed) == 0 {
			break
		}
		if time.Since(began) > time.Minute { // another node applies a row a little later
			t.Errorf("%d of %d rows are missed, among them %q; the cursor is %s", len(missed), len(c.committed), missed[:min(5, len(missed))], c.cursor)
			break
		}
	}
	for _, name := range c.undone {
		if c.seen[name] > 0 {
			t.Errorf("%s came, though it was rolled back", name)
		}
	}
	if len(c.cursor) > 4096 {
		t.Errorf("the cursor has %d bytes", len(c.cursor))
	}
}

func newLateCase(t *testing.T, at string, others ...*sql.DB) *lateCase {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("the seed is %d", seed)
	if len(others) == 0 {
		others = []*sql.DB{foreign(t, at)}
	}
	return &lateCase{store: open(t, at), others: others, chance: rand.New(rand.NewPCG(seed, 0)), seen: map[string]int{}}
}

// lateSteps returns the number of actions in a case.
func lateSteps() int {
	if testenv.Soak() {
		return 20_000
	}
	return 300
}

// A feed yields at least all rows that were committed after its cursor, whatever
// the ids are. In MariaDB the ids depend on auto_increment_increment, which each
// Galera cluster sets. In PostgreSQL they come from a sequence, from which
// sessions may take blocks.
func TestFeedOfLateCommits(t *testing.T) {
	t.Parallel()
	sequences := map[string]string{
		"steps of 3":                "INCREMENT BY 3",
		"blocks of 50":              "CACHE 50",
		"steps of 7 in blocks of 5": "INCREMENT BY 7 CACHE 5",
	}
	for name, how := range sequences {
		t.Run("postgresql, "+name, func(t *testing.T) {
			t.Parallel()
			at := testenv.PostgreSQL(t)
			c := newLateCase(t, at)
			execute(t, c.others[0], "ALTER SEQUENCE data_id_seq "+how)
			for range lateSteps() {
				c.step(t)
			}
			c.check(t)
		})
	}
	server := testenv.StartMariaDB(t)
	for name, steps := range map[string][]int{"1": {1}, "2": {2}, "3": {3}, "10": {10}, "that change": {1, 3, 2, 10, 1}} {
		t.Run("mariadb, steps of "+name, func(t *testing.T) {
			admin := foreign(t, server.MariaDB())
			execute(t, admin, "DROP TABLE IF EXISTS data")
			c := newLateCase(t, server.MariaDB())
			for _, step := range steps {
				execute(t, admin, fmt.Sprint("SET GLOBAL auto_increment_increment = ", step))
				c.store, c.feed = open(t, server.MariaDB()), nil // its sessions have the same increment
				c.others = stepping(t, server.MariaDB(), step)
				for range lateSteps() / len(steps) {
					c.step(t)
				}
			}
			c.check(t)
		})
	}
}

// stepping returns writers like those on the other nodes of a Galera cluster.
// Their ids have the same increment, each with an offset of its own.
func stepping(t *testing.T, at string, step int) (all []*sql.DB) {
	t.Helper()
	for offset := 1; offset <= min(step, 3); offset++ {
		db, err := sql.Open("mysql", fmt.Sprintf("%s?auto_increment_increment=%d&auto_increment_offset=%d", dsn(t, at), step, offset))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		all = append(all, db)
	}
	return all
}

// A feed on one node of a Galera cluster yields the rows that are committed on
// both nodes, late or not.
func TestFeedInGalera(t *testing.T) {
	t.Parallel()
	first := testenv.StartGalera(t)
	second := testenv.StartGaleraNode(t, first)
	c := newLateCase(t, first.MariaDB(), foreign(t, first.MariaDB()), foreign(t, second.MariaDB()))
	if got := strs(t, c.others[0], "SELECT @@auto_increment_increment"); got[0] != "2" {
		t.Errorf("ids step by %s in a cluster of two", got[0])
	}
	for range lateSteps() {
		c.step(t)
	}
	c.check(t)
}

// If more transactions were rolled back than a cursor can describe, the cursor
// stays short and misses nothing.
func TestFeedAmongManyRollbacks(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, _, at string) {
		c := newLateCase(t, at)
		c.begin(t) // committed last of all
		for range 150 {
			c.begin(t)
			c.write(t)
			c.end(t, len(c.open)-1, false)
			if c.chance.IntN(3) == 0 {
				c.follow(t, -1)
			}
			if c.chance.IntN(20) == 0 {
				c.begin(t) // another transaction that is committed late
			}
		}
		c.follow(t, -1)
		if again := c.follow(t, -1); again > 0 {
			t.Errorf("without news %d of %d rows come again", again, len(c.committed))
		}
		if len(c.cursor) > 2000 {
			t.Errorf("the cursor has %d bytes", len(c.cursor))
		}
		c.check(t)
	})
}

// Deleted rows leave gaps. A feed yields nothing for these gaps, and finds a
// row among them that is committed late.
func TestFeedAmongManyDeletions(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, _, at string) {
		c := newLateCase(t, at)
		for range 200 {
			c.write(t)
		}
		c.begin(t)
		for range 200 {
			c.write(t)
		}
		ids := strs(t, c.others[0], "SELECT id FROM data WHERE MOD(id, 7) = 3 OR MOD(id, 11) = 3")
		for _, id := range ids { // one by one, because that locks no other row
			execute(t, c.others[0], "DELETE FROM data WHERE id = "+id)
		}
		c.committed = strs(t, c.others[0], "SELECT name FROM data ORDER BY id")
		c.follow(t, -1)
		for range 2 {
			if again := c.follow(t, -1); again > 0 {
				t.Errorf("without news %d of %d rows come again", again, len(c.committed))
			}
		}
		c.end(t, 0, true)
		c.check(t)
		if again := c.follow(t, -1); again > 0 {
			t.Errorf("after the late rows %d rows come again", again)
		}
	})
}

// A loop that takes one notification from each poll also reaches the end of
// joined gaps.
func TestFeedOfGapsOneAtATime(t *testing.T) {
	t.Parallel()
	at := testenv.MariaDB(t)
	s := open(t, at)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	db := foreign(t, at)
	random := rand.New(rand.NewPCG(1, 2))
	id := 1
	var free []int
	var values []string
	row := func(id int, name string) string {
		return fmt.Sprintf(`(%d, '2024-05-06T07:08:09.000000', 'A', 'p', '%s', '%s', '"{\\"info\\": {}}"')`, id, name, name)
	}
	for i := range 1500 { // with irregular gaps, which are joined
		free = append(free, id+1)
		id += 2 + random.IntN(6)
		values = append(values, row(id, fmt.Sprint("n", i)))
	}
	const insert = "INSERT INTO data (id, timestamp, base_id, parent_id, trace_id, name, data) VALUES "
	execute(t, db, insert+strings.Join(values, ","))
	feed, err := s.Feed(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	poll := func(most int) (names []string) {
		for n, err := range feed.Poll(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if names = append(names, n.Name); len(names) == most {
				break
			}
		}
		return names
	}
	poll(-1)
	execute(t, db, insert+row(free[40], "late"))
	seen := map[string]int{}
	for range 2250 {
		names := poll(1)
		if len(names) == 0 {
			break
		}
		if seen[names[0]]++; seen[names[0]] > 2 {
			t.Fatalf("%s comes again and again", names[0])
		}
	}
	if seen["late"] == 0 {
		t.Error("the late row did not come")
	}
}
