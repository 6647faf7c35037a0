package outcome_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/store"
)

var errLarge, errAway = errors.New("it is too large"), errors.New("the server is away")

func batch(size int) []osprofiler.Notification {
	all := make([]osprofiler.Notification, size)
	for i := range all {
		all[i] = osprofiler.Notification{Name: fmt.Sprintf("n%d-start", i), BaseID: "b", TraceID: fmt.Sprint("t", i)}
	}
	return all
}

// writeError returns the error of an outcome as a *store.WriteError.
func writeError(t *testing.T, o *outcome.Outcome) *store.WriteError {
	t.Helper()
	var e *store.WriteError
	if err := o.Err(); !errors.As(err, &e) {
		t.Fatalf("the error is %v", err)
	}
	return e
}

func TestStored(t *testing.T) {
	o := outcome.Of(batch(3))
	o.Miss(errAway, true)
	o.Refuse(errLarge)
	if err := o.Err(); err != nil || o.Reason() != nil || o.Missing() != nil || o.Refused() != nil {
		t.Errorf("all is stored, but: %v", err)
	}
}

func TestRefused(t *testing.T) {
	o := outcome.Of(batch(5))
	o.Refuse(fmt.Errorf("%w: %w", errLarge, io.ErrShortWrite), 3)
	o.Refuse(errors.New("the key is no list"), 1, 2, 4)
	e := writeError(t, o)
	if !slices.Equal(e.Missing, []int{1, 2, 3, 4}) || !slices.Equal(e.Refused, e.Missing) || e.Transient || !errors.Is(e, errLarge) || !errors.Is(e, io.ErrShortWrite) {
		t.Errorf("got %+v", e)
	}
	size := len(batch(5)[1].JSON())
	want := fmt.Sprintf(`the notification "n1-start" of base_id "b" and trace_id "t1" (%d bytes) and 2 others cannot be stored: the key is no list; `+
		`the notification "n3-start" of base_id "b" and trace_id "t3" (%d bytes) cannot be stored: it is too large: short write`, size, size)
	if e.Error() != want {
		t.Errorf("got  %v\nwant %s", e, want)
	}
}

// An error names the reason of the refused notifications first, then the reason of
// the missing ones. Both reasons are in the chain of the error.
func TestMissingAndRefused(t *testing.T) {
	o, part := outcome.Of(batch(6)), outcome.Of(batch(6))
	part.Refuse(errLarge, 2)
	part.Miss(errAway, true, 5, 4)
	o.Miss(io.EOF, false, 0)
	o.Add(part)
	if got := o.Missing(); !slices.Equal(got, []int{0, 4, 5}) {
		t.Errorf("missing are %v", got)
	}
	e := writeError(t, o)
	if !slices.Equal(e.Missing, []int{0, 2, 4, 5}) || !slices.Equal(e.Refused, []int{2}) || !e.Transient || !errors.Is(e, io.EOF) || !errors.Is(e, errLarge) {
		t.Errorf("got %+v", e)
	}
	if !strings.HasSuffix(e.Error(), "cannot be stored: it is too large; EOF") {
		t.Errorf("got %v", e)
	}
}

// Notifications that are written again are no longer missing. Refused notifications
// stay refused.
func TestAgain(t *testing.T) {
	o := outcome.Of(batch(4))
	o.Refuse(errLarge, 1)
	o.Miss(errAway, true, 3, 2)
	if got := o.Again(); !slices.Equal(got, []int{2, 3}) || o.Missing() != nil || o.Reason() != nil || o.Transient() {
		t.Errorf("again are %v; then %+v", got, o)
	}
	if e := writeError(t, o); !slices.Equal(e.Missing, []int{1}) || e.Transient {
		t.Errorf("got %+v", e)
	}
}

// An error names no more than ten refusals, and cuts long texts.
func TestManyRefused(t *testing.T) {
	all := batch(40)
	all[0].Name = strings.Repeat("ä", 1<<20)
	o := outcome.Of(all)
	for i := 39; i >= 0; i-- {
		o.Refuse(errLarge, i)
	}
	text := o.Err().Error()
	if strings.Count(text, "cannot be stored") != 10 || !strings.HasSuffix(text, "; nor can 30 others") || len(text) > 4000 || strings.Contains(text, "n10-start") || !strings.Contains(text, "n9-start") {
		t.Errorf("%d bytes: %.4000s", len(text), text)
	}
}
