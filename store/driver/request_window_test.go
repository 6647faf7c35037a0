package driver_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// aListing lists ten traces, one each second, and an error in the middle.
type aListing struct{ asked driver.Query }

func (l *aListing) Traces(_ context.Context, q driver.Query) iter.Seq2[driver.Summary, error] {
	l.asked = q
	return func(yield func(driver.Summary, error) bool) {
		for i := range 10 {
			if i == 5 && !yield(driver.Summary{}, errors.New("damaged")) {
				return
			}
			if !yield(driver.Summary{BaseID: fmt.Sprint(i), Timestamp: fmt.Sprintf("1970-01-01T00:00:%02d.000000", i)}, nil) {
				return
			}
		}
	}
}

func TestTracesInWindow(t *testing.T) {
	l := &aListing{}
	q := driver.Query{RequestID: "req-1", Limit: 2, First: true, Since: time.Unix(2, 0)}
	got := ""
	for ids, err := range driver.TracesInWindow(t.Context(), l, q, 2) {
		got += fmt.Sprint(ids, err, "; ")
	}
	if want := "[2 3] <nil>; [4] <nil>; [] damaged; [5 6] <nil>; [7 8] <nil>; [9] <nil>; "; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if l.asked.RequestID != "" || l.asked.Limit != 0 || l.asked.First || !l.asked.Since.Equal(q.Since) {
		t.Errorf("the listing is asked for %+v", l.asked)
	}
	for ids, err := range driver.TracesInWindow(t.Context(), l, q, 1) {
		if len(ids) != 1 || err != nil {
			t.Errorf("first come %v, %v", ids, err)
		}
		break // and nothing is yielded after that
	}
}
