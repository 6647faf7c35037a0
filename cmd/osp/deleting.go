package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A deletion is the common part of the verbs that delete: their flags, and the rule that
// nothing is deleted before the user has agreed.
type deletion struct {
	connection  string
	dryRun, yes bool

	stdin          io.Reader
	stdout, stderr io.Writer
}

func (d *deletion) addFlags(cmd *cobra.Command) {
	addConnectionString(cmd, &d.connection)
	cmd.Flags().BoolVar(&d.dryRun, "dry-run", false, "delete nothing, and list the traces that would be deleted")
	cmd.Flags().BoolVarP(&d.yes, "yes", "y", false, "do not ask whether to delete")
}

// begin takes the streams of the command. It returns an error if the command has to ask the
// user and cannot.
func (d *deletion) begin(cmd *cobra.Command) error {
	d.stdin, d.stdout, d.stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	if d.dryRun || d.yes || isTerminalInput(d.stdin) && isTerminal(d.stderr) {
		return nil
	}
	return usagef("%s asks before it deletes, and there is no terminal to ask on: give --yes to delete, or --dry-run to see what would be deleted", cmd.CommandPath())
}

func isTerminalInput(r io.Reader) bool {
	w, ok := r.(io.Writer) // an *os.File
	return ok && isTerminal(w)
}

// open opens the store, for a dry run only for reading. It refuses a store that cannot
// delete.
func (d *deletion) open(ctx context.Context) (*store.Store, error) {
	at, err := connectionString(d.connection)
	if err != nil {
		return nil, err
	}
	var opts []store.Option
	if d.dryRun {
		opts = append(opts, store.WithReadOnly())
	}
	s, err := store.Open(ctx, at, opts...)
	if err != nil {
		return nil, err
	}
	switch _, can := driver.As[driver.Deleter](s.Driver()); {
	case !can:
		err = fmt.Errorf("cannot delete from %s: %w", s.Name(), errors.ErrUnsupported)
	case s.IsReadOnly() && !d.dryRun:
		err = usagef("cannot delete from %s, because its connection string has osp_read_only", s.Name())
	default:
		return s, nil
	}
	return nil, errors.Join(err, s.Close())
}

// exists refuses a store that does not exist, as reading does. Otherwise a wrong path would
// look like a store without old traces.
func (d *deletion) exists(ctx context.Context) error {
	at, err := connectionString(d.connection)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, at, store.WithReadOnly())
	if err != nil {
		return err
	}
	return errors.Join(s.Ping(ctx), s.Close())
}

// idsAtOnce is how many traces one call deletes, because each call rewrites a file.
const idsAtOnce = 10_000

// errDeclined is the error of a user who does not agree.
var errDeclined = errors.New("nothing was deleted, because the answer was not yes")

// agreed asks the user whether to delete, unless --yes was given.
func (d *deletion) agreed(ctx context.Context, what, from string) error {
	if d.yes {
		return nil
	}
	fmt.Fprintf(d.stderr, "Delete %s from %s? This cannot be undone. [y/N] ", printable(what), printable(from))
	line, err := await(ctx, func() (string, error) {
		return bufio.NewReader(io.LimitReader(d.stdin, 1024)).ReadString('\n')
	})
	if err != nil {
		fmt.Fprintln(d.stderr) // because the answer did not end the line
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return errDeclined
}

// A tally counts what was deleted, or what would be deleted in a dry run.
type tally struct{ traces, notifications int }

func (t *tally) add(notifications int) {
	t.traces++
	t.notifications += notifications
}

func (t tally) String() string {
	return counted(t.traces, "trace") + " with " + counted(t.notifications, "notification")
}

// report writes the last line: how much was deleted.
func (d *deletion) report(t tally) {
	done := "deleted"
	if d.dryRun {
		done = "would be deleted"
	}
	fmt.Fprintf(d.stderr, "osp: %s %s\n", t, done)
}

// victimLine returns the line that describes a trace which is to be deleted.
func victimLine(s store.Summary) string {
	at := "no time"
	if last := s.LastTime(); !last.IsZero() {
		at = last.UTC().Format(listTime)
	}
	first := osprofiler.Notification{Name: s.Name}
	return fmt.Sprintf("%s  %s  %s  %s", cell(s.BaseID), at, counted(s.Notifications, "notification"), phrase(first.Operation()))
}
