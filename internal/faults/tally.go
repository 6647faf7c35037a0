package faults

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Tally records which spans ExportSpans acknowledged and which it reported lost.
type Tally struct {
	spans    int
	round    int
	progress *Progress
	history  *history

	mu                 sync.Mutex
	acknowledged, lost map[int]bool
}

// note records the result of a batch. A span is lost if the error names one of
// its halves as missing.
func (r *Tally) note(t *testing.T, first int, err error) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	missing := map[int]bool{}
	var writeError *store.WriteError
	if errors.As(err, &writeError) {
		for _, i := range writeError.Missing {
			missing[first+i/2] = true
		}
	} else if err != nil {
		t.Errorf("the error does not say what is lost: %v", err)
	}
	done := map[string][]int{}
	for i := first; i < first+batchSpans; i++ {
		if missing[i] {
			r.lost[i] = true
			done["lost"] = append(done["lost"], i)
		} else {
			r.acknowledged[i] = true
			done["acknowledged"] = append(done["acknowledged"], i)
		}
	}
	for what, spans := range done {
		e := event{What: what, First: first, Spans: spans}
		if what == "lost" {
			e.Error = err.Error()
		}
		r.history.note(e)
	}
}

// Lost returns the number of spans that were reported lost.
func (r *Tally) Lost() int { return len(r.lost) }

// CheckNothingLost checks that the retries exported all spans.
func (r *Tally) CheckNothingLost(t *testing.T) {
	t.Helper()
	if r.Lost() > 0 {
		t.Errorf("%d spans were lost, though the server came back in time", r.Lost())
	}
}

// CheckSomeLost checks that the failure of the server affected the export.
func (r *Tally) CheckSomeLost(t *testing.T) {
	t.Helper()
	if r.Lost() == 0 {
		t.Error("nothing was lost, so that nothing was tested")
	}
}

// Said reports whether the error of a failed write contains a text.
func (r *Tally) Said(text string) bool {
	for reason := range r.progress.reasons {
		if strings.Contains(reason, text) {
			return true
		}
	}
	return false
}

// checkReasons checks that each error of a failed write is a single line without
// the password.
func (r *Tally) checkReasons(t *testing.T) {
	t.Helper()
	for reason, count := range r.progress.reasons {
		t.Logf("%d times: %s", count, reason)
		if strings.Contains(reason, "\n") || strings.Contains(reason, testenv.Password) {
			t.Errorf("the error has several lines, or shows the password: %q", reason)
		}
	}
}
