package table

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/store"
)

// access is the access for which a table is prepared. Access for writing
// includes access for reading.
type access int

const (
	toRead access = iota + 1
	toWrite
)

// An attempt is the try of one goroutine to prepare the table. Other goroutines
// wait for its outcome, so that many goroutines that arrive at once make only
// one connection.
type attempt struct {
	want   access
	done   chan struct{} // closed at the end of the attempt
	exists bool          // whether there is a table
	err    error
	ended  bool // whether the attempt failed because its own context ended
}

// reading runs f, which reads the table. It runs f once more if the database was
// replaced meanwhile. exists is false if there is no table. In that case f is not
// run. A transient error is a *store.TransientError.
func (t *Table) reading(ctx context.Context, f func() error) (exists bool, err error) {
	defer func() {
		if err != nil && ctx.Err() == nil && t.isTransient(err) {
			err = &store.TransientError{Err: err}
		}
	}()
	for tries := 1; ; tries++ {
		if exists, err = t.prepare(ctx, toRead); err != nil || !exists {
			return exists, err
		}
		if err = t.patiently(ctx, f); err == nil || tries == 2 || !t.wasReplaced(ctx, err) {
			return true, err
		}
	}
}

// writing makes the table if it is missing, and runs f. It runs f once more if
// the database was replaced meanwhile.
func (t *Table) writing(ctx context.Context, f func() error) error {
	for tries := 1; ; tries++ {
		if _, err := t.prepare(ctx, toWrite); err != nil {
			return err
		}
		if err := t.patiently(ctx, f); err == nil || tries == 2 || !t.wasReplaced(ctx, err) {
			return err
		}
	}
}

// wasReplaced reports whether an error may mean that the database or its table
// was replaced or is gone. If so, the table will be prepared again.
func (t *Table) wasReplaced(ctx context.Context, err error) bool {
	if ctx.Err() != nil || !t.dialect.Replaced(err) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.access = 0
	return true
}

// prepare makes sure that the table can be used, unless that is known already.
// One goroutine at a time tries. The others share its outcome.
func (t *Table) prepare(ctx context.Context, want access) (exists bool, err error) {
	for {
		t.mu.Lock()
		if t.access >= want {
			t.mu.Unlock()
			return true, nil
		}
		a := t.attempt
		if a == nil {
			a = &attempt{want: want, done: make(chan struct{})}
			t.attempt = a
			t.mu.Unlock()
			t.try(ctx, a)
			return a.exists, a.err
		}
		t.mu.Unlock()
		select {
		case <-a.done:
		case <-ctx.Done():
			return false, ctx.Err()
		}
		if a.want == want && !a.ended {
			return a.exists, a.err
		}
	}
}

// try makes an attempt, and publishes its outcome.
func (t *Table) try(ctx context.Context, a *attempt) {
	a.ended = true // if a client library panics, the others try by themselves
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.attempt = nil
		close(a.done)
	}()
	a.exists, a.err = t.examine(ctx, a.want)
	a.ended = a.err != nil && ctx.Err() != nil
	if a.err == nil && a.exists {
		t.mu.Lock()
		t.access = max(t.access, a.want)
		t.mu.Unlock()
	}
}

// examine connects, looks for the table, makes it if it is missing and access
// for writing is wanted, and finds out what its columns can hold.
func (t *Table) examine(ctx context.Context, want access) (exists bool, err error) {
	if c, ok := t.dialect.(Creator); ok && want == toWrite {
		if err := c.Create(); err != nil {
			return false, err
		}
	}
	var names []string
	err = t.patiently(ctx, func() (err error) {
		if c, ok := t.dialect.(SessionChecker); ok {
			if err := c.CheckSession(ctx, t.db, want == toWrite); err != nil {
				return err
			}
		}
		names, err = t.names(ctx)
		return err
	})
	hasTable := slices.Contains(names, "data")
	switch {
	case err != nil && want == toRead && !t.ReadOnly && t.dialect.Absent(err):
		return false, nil
	case err != nil:
		return false, err
	case want == toRead && !hasTable && t.ReadOnly:
		return false, fmt.Errorf("the database %s holds no traces: it has no table \"data\"", t.dialect.Name())
	case want == toRead && !hasTable:
		return false, nil
	case want == toWrite:
		if missing := t.dialect.Schema(names); len(missing) > 0 {
			if err := t.patiently(ctx, func() error { return t.transaction(ctx, missing) }); err != nil {
				return false, err
			}
		}
	}
	return true, t.patiently(ctx, func() error { return t.learn(ctx) })
}

// names returns the names of the table and its indexes that exist, in lower
// case.
func (t *Table) names(ctx context.Context) ([]string, error) {
	names, err := ReadTexts(ctx, t.db, t.dialect.Tables())
	for i, name := range names {
		names[i] = strings.ToLower(name)
	}
	return names, err
}

// learn finds out what the columns can hold, and makes sure that the table is
// OSProfiler's.
func (t *Table) learn(ctx context.Context) error {
	alphabet, err := t.dialect.Alphabet(ctx, t.db)
	if err != nil {
		return err
	}
	t.alphabet.Store(&alphabet)
	return t.checkColumns(ctx)
}

func (t *Table) checkColumns(ctx context.Context) error {
	_, err := t.db.ExecContext(ctx, "SELECT id, "+ColumnList+" FROM data LIMIT 0")
	return t.wrongTable(err)
}

// transaction runs statements without arguments, all or none.
func (t *Table) transaction(ctx context.Context, statements []string) error {
	return t.transact(ctx, func(c *connection) error {
		for _, statement := range statements {
			if _, err := c.ExecContext(t.dialect.Bind(ctx), statement); err != nil {
				return t.wrongTable(err)
			}
		}
		return nil
	})
}

// wrongTable explains that a statement was refused because the table data is
// not OSProfiler's. The error of the client library is not in the chain,
// because the sentence contains everything.
func (t *Table) wrongTable(err error) error {
	if err == nil || !t.dialect.WrongTable(err) {
		return err
	}
	return fmt.Errorf("the table data of the database %s is not OSProfiler's, whose columns are id, %s: %s", t.dialect.Name(), ColumnList, err.Error())
}
