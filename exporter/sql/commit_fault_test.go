package sql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// commitCodes are the errors with which a COMMIT is answered. If the COMMIT of a
// batch failed with a state that passes or that leaves the outcome open, a retry
// stores the batch.
var commitCodes = map[string]struct{ passing, staying []string }{
	"postgresql": {
		passing: []string{
			"40001", "40P01", "55P03", // serialization failure, deadlock, lock not available
			"57P01", "53100", // shutdown, disk full
			"08007", "40003", "XX000", "58030", // outcome unknown, internal error, input or output
		},
		staying: []string{"23514", "42501"}, // a deferred check, a missing right
	},
	"mariadb": {
		passing: []string{
			"1205 (HY000)", "1213 (40001)", // lock wait timeout, deadlock and certification failure
			"1047 (08S01)", "1180 (HY000)", // Galera without a quorum, and the same at COMMIT
			"1053 (08S01)", "1927 (70100)", "1105 (HY000)", // shutdown, killed, an unknown error
		},
		staying: []string{"4025 (23000)", "1142 (42000)"}, // a check, a missing right
	},
}

// A commitCase is a store behind a proxy that makes COMMITs fail.
type commitCase struct {
	proxy  *testenv.Proxy
	store  *store.Store
	direct *sql.DB // a connection to the server itself
	batch  []osprofiler.Notification
}

func newCommitCase(t *testing.T, at string) *commitCase {
	t.Helper()
	proxy, through := testenv.NewSQLProxy(t, at)
	return &commitCase{proxy: proxy, store: open(t, through), direct: foreign(t, at)}
}

// fail gives the case a new batch, whose first n COMMITs will fail.
func (c *commitCase) fail(n int, f testenv.CommitFault) {
	id := osprofiler.NewID()
	c.batch = []osprofiler.Notification{event(id, "x-start"), event(id, "y-start"), event(id, "z-start")}
	c.proxy.FailCommits(n, f)
}

// copies returns how many times each notification of the batch is in the table,
// by name.
func (c *commitCase) copies(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, name := range strs(t, c.direct, "SELECT name FROM data WHERE base_id = '"+c.batch[0].BaseID+"'") {
		found[name]++
	}
	return found
}

// check compares the result of a write with the table. A notification that is
// not reported as missing is in the table once, a notification that was refused
// is not in the table, and no notification is in the table twice.
func (c *commitCase) check(t *testing.T, what string, err error) {
	t.Helper()
	missing := map[string]bool{}
	var refused []int
	var partial *store.WriteError
	switch {
	case errors.As(err, &partial) && partial.Missing != nil:
		for _, i := range partial.Missing {
			missing[c.batch[i].Name] = true
		}
		refused = partial.Refused
	case err != nil:
		for i := range c.batch {
			missing[c.batch[i].Name] = true
		}
	}
	found := c.copies(t)
	for _, n := range c.batch {
		if found[n.Name] > 1 || found[n.Name] == 0 && !missing[n.Name] {
			t.Errorf("%s returned %v, and %s is there %d times", what, err, n.Name, found[n.Name])
		}
	}
	for _, i := range refused {
		if found[c.batch[i].Name] > 0 {
			t.Errorf("%s returned %v, and %s is there", what, err, c.batch[i].Name)
		}
	}
	if err != nil && (strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), testenv.Password)) {
		t.Errorf("%s: the error is more than a line, or shows the password: %v", what, err)
	}
}

// write writes the batch once, compares the result, and then writes the batch
// again with a retry.
func (c *commitCase) write(t *testing.T, what string, faults int, f testenv.CommitFault) error {
	t.Helper()
	c.fail(faults, f)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c.check(t, what+", Write", c.store.Write(ctx, c.batch))
	if c.proxy.FailedCommits() == 0 {
		t.Errorf("%s: no COMMIT failed, so that nothing is tested", what)
	}
	c.fail(faults, f)
	err := store.Retry{Elapsed: 2 * time.Minute}.Write(ctx, c.store, c.batch)
	c.check(t, what+", Retry", err)
	return err
}

// A batch that Write acknowledges is in the table once, and a batch that Write
// does not acknowledge is reported, whatever the server did and answered to
// COMMIT. Write never repeats only the COMMIT: the second COMMIT would succeed,
// because there is no transaction any more, and nothing would be stored.
func TestCommitFails(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, name, at string) {
		c := newCommitCase(t, at)
		for _, kind := range []testenv.CommitKind{testenv.RolledBack, testenv.Committed} {
			for _, code := range commitCodes[name].passing {
				for _, faults := range []int{1, 3} {
					what := fmt.Sprintf("COMMIT %v, answered %s, %d times", kind, code, faults)
					if err := c.write(t, what, faults, testenv.CommitFault{Kind: kind, Code: code}); err != nil {
						t.Errorf("%s: it is not stored by a retry: %v", what, err)
					}
				}
			}
			for _, code := range commitCodes[name].staying {
				what := fmt.Sprintf("COMMIT %v, answered %s", kind, code)
				if err := c.write(t, what, 1, testenv.CommitFault{Kind: kind, Code: code}); err == nil && kind == testenv.RolledBack && len(c.copies(t)) == 0 {
					t.Errorf("%s: nothing is there, and no error", what)
				}
			}
		}
	})
}

// If a COMMIT is not answered, it is unknown whether it was carried out. Write
// reports the batch as not known to be stored, and a retry stores it once.
func TestCommitCutOff(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		c := newCommitCase(t, at)
		for _, kind := range []testenv.CommitKind{testenv.CutBefore, testenv.CutAfter} {
			for _, faults := range []int{1, 3} {
				what := fmt.Sprintf("COMMIT %v, %d times", kind, faults)
				c.fail(faults, testenv.CommitFault{Kind: kind})
				err := store.Retry{Elapsed: -1}.Write(t.Context(), c.store, c.batch)
				var lost *store.WriteError
				if !errors.As(err, &lost) || len(lost.Missing) != len(c.batch) {
					t.Errorf("%s, without a retry: %v; want an error that names all %d", what, err, len(c.batch))
				}
				c.check(t, what+", without a retry", err)
				if err := c.write(t, what, faults, testenv.CommitFault{Kind: kind}); err != nil {
					t.Errorf("%s: it is not stored by a retry: %v", what, err)
				}
			}
		}
	})
}

// A COMMIT whose answer does not arrive delays nobody beyond the context. Write
// reports the batch as not known to be stored, although it is stored.
func TestCommitUnanswered(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		c := newCommitCase(t, at)
		c.fail(1, testenv.CommitFault{Kind: testenv.Unanswered})
		testenv.Growing(t, 2*time.Second, func(d time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			began := time.Now()
			err := store.Retry{Elapsed: -1}.Write(ctx, c.store, c.batch)
			if err == nil || time.Since(began) > d+time.Minute {
				t.Errorf("Write returned %v after %v", err, time.Since(began))
			}
			if c.proxy.FailedCommits() == 0 {
				return fmt.Errorf("no COMMIT was sent: %w", err)
			}
			c.check(t, "an unanswered COMMIT", err)
			return nil
		})
		if err := (store.Retry{}).Write(t.Context(), c.store, c.batch); err != nil {
			t.Errorf("it is not stored by a retry: %v", err)
		}
		if got := c.copies(t); len(got) != 3 || got["x-start"] != 1 {
			t.Errorf("after a retry the table has %v, want each once", got)
		}
	})
}
