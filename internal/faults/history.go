package faults

import (
	"encoding/json"
	"errors"
	"os"
	"sync"
	"testing"
	"time"
)

// A history records which spans were exported, which were acknowledged or lost, and which
// were read back. It is kept in a file if the test fails, so that a rare error can be
// examined.
type history struct {
	mu     sync.Mutex
	began  time.Time
	events []event
}

// An event is a line of the file.
type event struct {
	At    string `json:"at"`   // since the beginning
	What  string `json:"what"` // handed out, failed, acknowledged, lost, stored
	First int    `json:"first"`
	Spans []int  `json:"spans,omitempty"` // numbers of spans; none stands for the batch from First on
	Error string `json:"error,omitempty"`
	// Copies has an entry for each span that was not read exactly once: how often it was read.
	Copies map[string]string `json:"copies,omitempty"`
}

func (h *history) note(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.began.IsZero() {
		h.began = time.Now()
	}
	e.At = time.Since(h.began).String()
	h.events = append(h.events, e)
}

// keepIfFailed writes the history into a file that outlives the test, if the test has failed.
func (h *history) keepIfFailed(t *testing.T) {
	if !t.Failed() {
		return
	}
	file, err := h.keep()
	t.Logf("the history is in %s (%v)", file, err)
}

func (h *history) keep() (file string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, err := os.CreateTemp("", "osp-faults-history-*.jsonl")
	if err != nil {
		return "", err
	}
	out := json.NewEncoder(f)
	for _, e := range h.events {
		err = errors.Join(err, out.Encode(e))
	}
	return f.Name(), errors.Join(err, f.Close())
}
