// Package outcome collects the results of writing a batch of notifications, and makes
// one *store.WriteError of them.
package outcome

import (
	"fmt"
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// An Outcome records which notifications of a batch are not stored, and why. Every
// notification that was neither refused nor missed is stored. Notifications are
// named by their indices into the batch.
//
// An Outcome is not for several goroutines.
type Outcome struct {
	batch     []osprofiler.Notification
	missing   []int // without the refused ones
	reason    error // of the first missing notification
	transient bool
	refusals  []refusal
}

// Of returns an Outcome according to which all notifications of the batch are stored. It
// reads the batch only to name notifications in errors.
func Of(batch []osprofiler.Notification) *Outcome { return &Outcome{batch: batch} }

// Miss adds notifications that are not known to be stored. transient means that
// the same write may succeed later. The first of several reasons counts. A single
// transient reason makes the outcome transient.
func (o *Outcome) Miss(reason error, transient bool, indices ...int) {
	if len(indices) == 0 {
		return
	}
	o.missing = append(o.missing, indices...)
	o.transient = o.transient || transient
	if o.reason == nil {
		o.reason = reason
	}
}

// Refuse adds notifications that the store will never accept, all for the same
// reason.
func (o *Outcome) Refuse(reason error, indices ...int) {
	if len(indices) > 0 {
		o.refusals = append(o.refusals, refusal{slices.Clone(indices), reason})
	}
}

// Add adds the outcome of another part of the same batch.
func (o *Outcome) Add(part *Outcome) {
	o.Miss(part.reason, part.transient, part.missing...)
	o.refusals = append(o.refusals, part.refusals...)
}

// Missing returns the notifications that are not known to be stored, in order,
// without those that were refused.
func (o *Outcome) Missing() []int { return ordered(o.missing) }

// Refused returns the notifications that were refused, in order.
func (o *Outcome) Refused() []int {
	var all []int
	for _, r := range o.refusals {
		all = append(all, r.indices...)
	}
	return ordered(all)
}

// Again returns the same as Missing and then removes the missing notifications from the
// outcome, because the caller writes them again and adds the new outcome.
func (o *Outcome) Again() []int {
	missing := o.Missing()
	o.missing, o.reason, o.transient = nil, nil, false
	return missing
}

// Transient reports whether a notification is missing that may be stored later.
func (o *Outcome) Transient() bool { return o.transient }

// Reason returns why the first notification is missing, or nil if none is.
func (o *Outcome) Reason() error { return o.reason }

// Err returns nil if the whole batch is stored, and a *store.WriteError
// otherwise. The error's text names the first refused notifications, then the
// reason for the missing ones.
func (o *Outcome) Err() error {
	refused := o.Refused()
	missing := ordered(slices.Concat(o.missing, refused))
	if len(missing) == 0 {
		return nil
	}
	err := o.reason
	switch refusal := o.refusal(); {
	case refusal == nil:
	case err == nil:
		err = refusal
	default:
		err = fmt.Errorf("%w; %w", refusal, err)
	}
	return &store.WriteError{Missing: missing, Refused: refused, Transient: o.transient, Err: err}
}

// ordered returns the indices in order, each once, and nil for none.
func ordered(indices []int) []int {
	if len(indices) == 0 {
		return nil
	}
	indices = slices.Clone(indices)
	slices.Sort(indices)
	return slices.Compact(indices)
}
