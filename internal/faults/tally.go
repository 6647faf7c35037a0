package faults

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Tally is what became of the spans by the word of ExportSpans.
type Tally struct {
	spans    int
	round    int
	progress *Progress

	mu                 sync.Mutex
	acknowledged, lost map[int]bool
}

// note takes each span for lost of which a half is missing.
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
		t.Errorf("the error tells not what is lost: %v", err)
	}
	for i := first; i < first+batchSpans; i++ {
		if missing[i] {
			r.lost[i] = true
		} else {
			r.acknowledged[i] = true
		}
	}
}

// Lost is how many spans were reported lost.
func (r *Tally) Lost() int { return len(r.lost) }

// CheckNothingLost makes sure that repeating brought all spans through.
func (r *Tally) CheckNothingLost(t *testing.T) {
	t.Helper()
	if r.Lost() > 0 {
		t.Errorf("%d spans were lost, though the server came back in time", r.Lost())
	}
}

// CheckSomeLost makes sure that the trouble reached the export.
func (r *Tally) CheckSomeLost(t *testing.T) {
	t.Helper()
	if r.Lost() == 0 {
		t.Error("nothing was lost, so that nothing was tested")
	}
}

// Said tells whether a failed write said this.
func (r *Tally) Said(text string) bool {
	for reason := range r.progress.reasons {
		if strings.Contains(reason, text) {
			return true
		}
	}
	return false
}

// checkReasons makes sure that failed writes said why in a line without a password.
func (r *Tally) checkReasons(t *testing.T) {
	t.Helper()
	for reason, count := range r.progress.reasons {
		t.Logf("%d times: %s", count, reason)
		if strings.Contains(reason, "\n") || strings.Contains(reason, testenv.Password) {
			t.Errorf("that is more than a line, or shows the password: %q", reason)
		}
	}
}
