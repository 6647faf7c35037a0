package redis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/store"
)

// An outcome is what became of a batch, by indices into it.
type outcome struct {
	missing   []int // not known to be stored, with those refused
	reason    error // the first error of missing that is no refusal
	transient bool

	refused  []int
	refusals []error

	// suspicious says that a large notification may be the cause: the
	// connection broke, or the server has no room.
	suspicious bool
}

// miss adds notifications that are not known to be stored.
func (o *outcome) miss(those []int, err error, transient bool) {
	o.missing = append(o.missing, those...)
	o.reason, o.transient = cmp.Or(o.reason, err), o.transient || transient
}

// refuse adds notifications that the server will never take.
func (o *outcome) refuse(those []int, err error) {
	o.missing = append(o.missing, those...)
	o.refused = append(o.refused, those...)
	o.refusals = append(o.refusals, err)
}

// add adds what became of another part of the batch.
func (o *outcome) add(more outcome) {
	o.reason, o.transient = cmp.Or(o.reason, more.reason), o.transient || more.transient
	o.missing = append(o.missing, more.missing...)
	o.refused = append(o.refused, more.refused...)
	o.refusals = append(o.refusals, more.refusals...)
}

// err returns the *store.WriteError of the outcome, or nil.
func (o *outcome) err() error {
	if len(o.missing) == 0 {
		return nil
	}
	slices.Sort(o.missing)
	slices.Sort(o.refused)
	err := o.reason
	switch refusal := refusal(o.refusals); {
	case err == nil:
		err = refusal
	case refusal != nil:
		err = fmt.Errorf("%w; %w", refusal, err)
	}
	return &store.WriteError{Missing: o.missing, Refused: o.refused, Transient: o.transient, Err: err}
}

// mostRefusals is how many refused notifications an error names.
const mostRefusals = 8

// refusal makes one error of several.
func refusal(all []error) error {
	if len(all) < 2 {
		return append(all, nil)[0]
	}
	texts := make([]string, 0, mostRefusals+1)
	for _, err := range all[:min(len(all), mostRefusals)] {
		texts = append(texts, err.Error())
	}
	if more := len(all) - mostRefusals; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more like these", more))
	}
	return &explainedError{strings.Join(texts, "; "), all[0]}
}
