package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

func newTraceDelete() *cobra.Command {
	d := &deletion{}
	cmd := &cobra.Command{
		Use:   "delete BASE_ID…",
		Short: "Delete traces from a store",
		Long: `Delete all notifications of the traces with these base ids.

An id is taken whole, as it was typed, or else in its lower-case form with dashes.
The beginning of an id is not enough. delete shows the traces and asks, unless
--yes is given. Without a terminal to ask on, --yes is necessary.

If one of the traces does not exist, the others are deleted, and the exit code
is 3.`,
		Example: `  osp trace delete 2130e762-6fff-43b5-a1a2-be4dbd944bd2
  osp trace delete --dry-run 2130e7626fff43b5a1a2be4dbd944bd2
  osp trace list --service api --fields base_id --json | jq -r .base_id | xargs osp trace delete --yes`,
		Args: someBaseIDs,
		RunE: verb(func(cmd *cobra.Command, ids []string) error {
			if err := d.begin(cmd); err != nil {
				return err
			}
			return d.deleteTraces(cmd.Context(), ids)
		}),
	}
	d.addFlags(cmd)
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return completeBaseID(cmd.Context(), d.connection, typed), cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

func someBaseIDs(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return errors.New("give the base ids of the traces to delete")
	case slices.Contains(args, ""):
		return errors.New("a base id is empty")
	}
	return nil
}

func (d *deletion) deleteTraces(ctx context.Context, ids []string) (err error) {
	s, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if d.yes && !d.dryRun {
		return d.deleteTyped(ctx, s, ids)
	}
	found, missing, err := d.find(ctx, s, ids)
	if err != nil {
		return err
	}
	var t tally
	found = uniqueTraces(found)
	for _, trace := range found {
		t.add(trace.Notifications)
	}
	if err := d.show(ctx, found); err != nil || d.dryRun || len(found) == 0 {
		if err == nil {
			d.report(t)
		}
		return errors.Join(err, missing)
	}
	if err := d.agreed(ctx, t.String(), s.Name()); err != nil {
		return err
	}
	ids = ids[:0:0]
	for _, trace := range found {
		ids = append(ids, trace.BaseID)
	}
	r := &removal{counts: map[string]int{}}
	err = r.remove(ctx, s, ids)
	return d.finish(r, err, errors.Join(r.missing(ids), missing))
}

// show lists the traces, either as the result of a dry run or before the question.
func (d *deletion) show(ctx context.Context, traces []store.Summary) error {
	w := d.stderr
	if d.dryRun {
		w = d.stdout
	}
	return writeTo(ctx, "", w, func(w io.Writer) error {
		for _, trace := range traces {
			if _, err := fmt.Fprintln(w, victimLine(trace)); err != nil {
				return err
			}
		}
		return nil
	})
}

// uniqueTraces removes traces that were named twice, for example in two spellings.
func uniqueTraces(traces []store.Summary) (unique []store.Summary) {
	seen := map[string]bool{}
	for _, trace := range traces {
		if !seen[trace.BaseID] {
			unique = append(unique, trace)
		}
		seen[trace.BaseID] = true
	}
	return unique
}

// find reads the traces with the ids. missing joins an error for each id without a trace.
func (d *deletion) find(ctx context.Context, s *store.Store, ids []string) (found []store.Summary, missing, err error) {
	for _, id := range ids {
		trace, err := summaryOf(ctx, s, id)
		if canonical := canonicalID(id); errors.Is(err, store.ErrNotFound) && canonical != id {
			if trace, err = summaryOf(ctx, s, canonical); errors.Is(err, store.ErrNotFound) {
				err = store.NotFound(id)
			}
		}
		switch {
		case errors.Is(err, store.ErrNotFound):
			missing = errors.Join(missing, wholeID(id, err))
		case err != nil:
			return nil, nil, err
		default:
			found = append(found, trace)
		}
	}
	return found, missing, nil
}

// summaryOf reads a trace without keeping it in memory. Entries that cannot be
// read count as notifications, because deleting the trace removes them.
func summaryOf(ctx context.Context, s *store.Store, baseID string) (store.Summary, error) {
	var sum driver.Summarizer
	unreadable := 0
	for n, err := range s.Notifications(ctx, baseID, store.KeepDuplicates()) {
		var damage *store.DamageError
		switch {
		case errors.As(err, &damage):
			if damage.InTrace {
				unreadable++
			}
		case err != nil:
			return store.Summary{}, err
		default:
			sum.Add(&n)
		}
	}
	if sum.Len()+unreadable == 0 {
		return store.Summary{}, store.NotFound(baseID)
	}
	trace := sum.Summary()
	trace.BaseID = baseID
	trace.Notifications += unreadable
	return trace, nil
}

// deleteTyped deletes the traces with the ids as they were typed. If there is no such trace,
// it deletes the trace with the canonical form of the id. If a trace does not exist, the
// others are deleted nevertheless.
func (d *deletion) deleteTyped(ctx context.Context, s *store.Store, ids []string) error {
	r := &removal{counts: map[string]int{}}
	err := r.remove(ctx, s, ids)
	var others []string
	for _, id := range ids {
		if canonical := canonicalID(id); !r.has(id) && canonical != id && !r.has(canonical) {
			others = append(others, canonical)
		}
	}
	if err == nil {
		err = r.remove(ctx, s, others)
	}
	return d.finish(r, err, r.missing(ids))
}

// finish reports what was deleted, and returns the error of the command.
func (d *deletion) finish(r *removal, err, missing error) error {
	var t tally
	for _, n := range r.counts {
		if n > 0 {
			t.add(n)
		}
	}
	if t.traces > 0 {
		d.report(t)
	}
	switch {
	case err != nil:
		return err
	case r.refused != nil && missing != nil: // the exit code is that of the refusal
		return fmt.Errorf("%w\n%s", r.refused, missing.Error())
	case r.refused != nil:
		return r.refused
	}
	return missing
}

// A removal counts the notifications of traces that were deleted.
type removal struct {
	counts  map[string]int // by base id; 0 for a trace that the store refused to delete
	refused error
}

// remove deletes traces in batches. It stops at a failure that is not transient.
func (r *removal) remove(ctx context.Context, s *store.Store, ids []string) error {
	for batch := range slices.Chunk(ids, idsAtOnce) {
		deletions, err := store.Retry{}.DeleteTraces(ctx, s, batch)
		for i, deletion := range deletions {
			if deletion.Notifications > 0 || deletion.Err != nil {
				r.counts[batch[i]] += deletion.Notifications
				r.refused = errors.Join(r.refused, deletion.Err)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// has reports whether there was a trace with the id.
func (r *removal) has(id string) bool {
	_, ok := r.counts[id]
	return ok
}

// missing joins an error for each id without a trace.
func (r *removal) missing(ids []string) (missing error) {
	for _, id := range ids {
		if !r.has(id) && !r.has(canonicalID(id)) {
			missing = errors.Join(missing, wholeID(id, store.NotFound(id)))
		}
	}
	return missing
}

// startOfID is the form of the beginning of a UUID.
var startOfID = regexp.MustCompile(`^[0-9a-fA-F-]{1,35}$`)

// wholeID adds a hint to the error for an id that may be only the beginning of one.
func wholeID(id string, err error) error {
	if _, whole := osprofiler.ParseUUID(id); whole || !startOfID.MatchString(id) {
		return err
	}
	return fmt.Errorf("%w; give the whole id, because the beginning of an id is not enough to delete a trace", err)
}
