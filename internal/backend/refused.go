package backend

import (
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Refusal says why a store will never take one notification of a batch.
type Refusal struct {
	Index  int // into the batch
	Reason error
}

// mostNamed is the largest number of refused notifications that an error names.
const mostNamed = 10

// Refused returns the *store.WriteError about a batch that is stored except for
// what was refused. It names the first ten refused notifications; the refusals
// are in the order of the batch.
func Refused(batch []osprofiler.Notification, refusals []Refusal) error {
	e := &store.WriteError{}
	reasons := &refused{}
	for i, r := range refusals {
		e.Missing = append(e.Missing, r.Index)
		if i < mostNamed {
			n := &batch[r.Index]
			reasons.texts = append(reasons.texts, fmt.Sprintf("the notification %s of the trace %s (trace id %s, %d bytes) cannot be stored: %v",
				quoted(n.Name), quoted(n.BaseID), quoted(n.TraceID), len(n.JSON()), r.Reason))
		}
		reasons.errs = append(reasons.errs, r.Reason)
	}
	if more := len(refusals) - mostNamed; more > 0 {
		reasons.texts = append(reasons.texts, fmt.Sprintf("nor can %d others", more))
	}
	e.Refused, e.Err = e.Missing, reasons
	return e
}

// quoted quotes a text that may be of any length.
func quoted(text string) string {
	const most = 200
	if len(text) <= most {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("%q…", strings.ToValidUTF8(text[:most], ""))
}

type refused struct {
	texts []string
	errs  []error
}

func (r *refused) Error() string   { return strings.Join(r.texts, "; ") }
func (r *refused) Unwrap() []error { return r.errs }
