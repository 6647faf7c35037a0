package outcome

import (
	"fmt"
	"slices"
	"strings"
)

// A refusal is the reason why a store will never accept some notifications.
type refusal struct {
	indices []int // into the batch, at least one
	reason  error
}

// mostNamed is the largest number of refusals that an error names.
const mostNamed = 10

// refusal returns one error for all refusals, or nil if there are none. It
// names the first ten, in the order of the batch.
func (o *Outcome) refusal() error {
	if len(o.refusals) == 0 {
		return nil
	}
	all := slices.Clone(o.refusals)
	slices.SortStableFunc(all, func(a, b refusal) int { return a.indices[0] - b.indices[0] })
	e := &refusedError{}
	more := 0
	for i, r := range all {
		e.reasons = append(e.reasons, r.reason)
		if i >= mostNamed {
			more += len(r.indices)
			continue
		}
		e.texts = append(e.texts, fmt.Sprintf("%s cannot be stored: %v", o.named(r.indices), r.reason))
	}
	if more > 0 {
		e.texts = append(e.texts, fmt.Sprintf("nor can %d others", more))
	}
	return e
}

// named returns a text with the name of the first notification and the number of others.
func (o *Outcome) named(indices []int) string {
	n := &o.batch[indices[0]]
	text := fmt.Sprintf("the notification %s of base_id %s and trace_id %s (%d bytes)", quoted(n.Name), quoted(n.BaseID), quoted(n.TraceID), len(n.JSON()))
	switch others := len(indices) - 1; others {
	case 0:
		return text
	case 1:
		return text + " and one other"
	default:
		return fmt.Sprintf("%s and %d others", text, others)
	}
}

// quoted quotes a text that may be of any length.
func quoted(text string) string {
	const most = 200
	if len(text) <= most {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("%q…", strings.ToValidUTF8(text[:most], ""))
}

// A refusedError has the reasons of all refusals in its chain.
type refusedError struct {
	texts   []string
	reasons []error
}

func (e *refusedError) Error() string   { return strings.Join(e.texts, "; ") }
func (e *refusedError) Unwrap() []error { return e.reasons }
