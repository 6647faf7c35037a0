package store_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// scripted answers each Write with the next of its answers, and with nil when there are no
// more. It records the names of the notifications that it received.
type scripted struct {
	driver.Driver
	answers []error
	sent    [][]string
}

func (s *scripted) Write(_ context.Context, batch []osprofiler.Notification) error {
	var names []string
	for _, n := range batch {
		names = append(names, n.Name)
	}
	s.sent = append(s.sent, names)
	if len(s.sent) > len(s.answers) {
		return nil
	}
	return s.answers[len(s.sent)-1]
}

func numbered(n int) (batch []osprofiler.Notification) {
	for i := range n {
		batch = append(batch, osprofiler.Notification{Name: strconv.Itoa(i)})
	}
	return batch
}

func TestRetryWrite(t *testing.T) {
	gone, large := errors.New("gone"), errors.New("too large")
	for _, c := range []struct {
		name             string
		answers          []error
		sent             [][]string
		missing, refused []int
		text             string
	}{
		{name: "stored", sent: [][]string{{"0", "1", "2", "3"}}},
		{
			name:    "a transient failure is repeated",
			answers: []error{&store.WriteError{Transient: true, Err: gone}},
			sent:    [][]string{{"0", "1", "2", "3"}, {"0", "1", "2", "3"}},
		},
		{
			name: "only what is missing is sent again, by indices into what was sent",
			answers: []error{
				&store.WriteError{Missing: []int{1, 3}, Transient: true, Err: gone},
				&store.WriteError{Missing: []int{1}, Transient: true, Err: gone},
			},
			sent: [][]string{{"0", "1", "2", "3"}, {"1", "3"}, {"3"}},
		},
		{
			name:    "a failure that stays is not repeated",
			answers: []error{gone},
			sent:    [][]string{{"0", "1", "2", "3"}},
			missing: []int{0, 1, 2, 3}, text: "gone; 4 of 4 notifications may not be stored",
		},
		{
			name:    "what is refused is not sent again, and the rest was stored",
			answers: []error{&store.WriteError{Missing: []int{2}, Refused: []int{2}, Err: large}},
			sent:    [][]string{{"0", "1", "2", "3"}},
			missing: []int{2}, refused: []int{2}, text: "too large; 1 of 4 notifications was refused",
		},
		{
			name: "what is refused is not sent again with what is transient",
			answers: []error{
				&store.WriteError{Missing: []int{0, 2, 3}, Refused: []int{2}, Transient: true, Err: large},
				&store.WriteError{Missing: []int{0, 1}, Refused: []int{0}, Transient: true, Err: large},
			},
			sent:    [][]string{{"0", "1", "2", "3"}, {"0", "3"}, {"3"}},
			missing: []int{0, 2}, refused: []int{0, 2}, text: "too large; too large; 2 of 4 notifications were refused",
		},
		{
			name: "a failure that stays after a refusal",
			answers: []error{
				&store.WriteError{Missing: []int{0, 2}, Refused: []int{2}, Transient: true, Err: large},
				gone,
			},
			sent:    [][]string{{"0", "1", "2", "3"}, {"0"}},
			missing: []int{0, 2}, refused: []int{2},
			text: "too large; 1 of 4 notifications was refused; gone; 1 of 4 notifications may not be stored",
		},
		{
			name: "a refusal of some while nothing is known of the others",
			answers: []error{
				&store.WriteError{Refused: []int{1}, Transient: true, Err: large},
			},
			sent:    [][]string{{"0", "1", "2", "3"}, {"0", "2", "3"}},
			missing: []int{1}, refused: []int{1}, text: "too large; 1 of 4 notifications was refused",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &scripted{answers: c.answers}
			err := store.Retry{Initial: time.Millisecond}.Write(t.Context(), store.New(s), numbered(4))
			if !slices.EqualFunc(s.sent, c.sent, slices.Equal[[]string]) {
				t.Errorf("sent %q, want %q", s.sent, c.sent)
			}
			if c.text == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var failed *store.WriteError
			if !errors.As(err, &failed) || err.Error() != c.text {
				t.Fatalf("got  %v\nwant %s", err, c.text)
			}
			if !slices.Equal(failed.Missing, c.missing) || !slices.Equal(failed.Refused, c.refused) || failed.Transient {
				t.Errorf("%+v; want missing %v, refused %v", failed, c.missing, c.refused)
			}
		})
	}
}

// Missing notifications are sent again, and the error names them as indices into the batch of
// the caller. Indices that cannot be right select the whole batch.
func TestRetryTakesNoDoubtForSuccess(t *testing.T) {
	reason := errors.New("away")
	passes := func(missing ...int) error {
		return &store.WriteError{Missing: missing, Transient: true, Err: reason}
	}
	stays := func(missing ...int) error { return &store.WriteError{Missing: missing, Err: reason} }
	names := []string{"a", "b", "c", "d"}
	for name, c := range map[string]struct {
		answers []error
		batches [][]string
		missing []int // nil: no error
	}{
		"nothing is wrong":                {nil, [][]string{names}, nil},
		"all, then nothing":               {[]error{passes()}, [][]string{names, names}, nil},
		"no indices beside an error":      {[]error{&store.WriteError{Missing: []int{}, Transient: true, Err: reason}}, [][]string{names, names}, nil},
		"no indices beside a last error":  {[]error{&store.WriteError{Missing: []int{}, Err: reason}}, [][]string{names}, []int{0, 1, 2, 3}},
		"an index that there is not":      {[]error{passes(1, 4)}, [][]string{names, names}, nil},
		"a negative index":                {[]error{stays(-1)}, [][]string{names}, []int{0, 1, 2, 3}},
		"a part":                          {[]error{passes(3, 1, 1)}, [][]string{names, {"b", "d"}}, nil},
		"a part of a part":                {[]error{passes(1, 2, 3), stays(2, 0)}, [][]string{names, {"b", "c", "d"}}, []int{1, 3}},
		"no indices after a part":         {[]error{passes(1, 2), stays()}, [][]string{names, {"b", "c"}}, []int{1, 2}},
		"an index out of a part":          {[]error{passes(1, 2), stays(2)}, [][]string{names, {"b", "c"}}, []int{1, 2}},
		"an error of another kind":        {[]error{reason}, [][]string{names}, []int{0, 1, 2, 3}},
		"an error of another kind, later": {[]error{passes(0), reason}, [][]string{names, {"a"}}, []int{0}},
	} {
		s := &scripted{answers: c.answers}
		var batch []osprofiler.Notification
		for _, name := range names {
			batch = append(batch, osprofiler.Notification{Name: name})
		}
		err := store.Retry{Initial: time.Nanosecond, Max: time.Nanosecond}.Write(t.Context(), store.New(s), batch)
		var failed *store.WriteError
		if (err == nil) != (c.missing == nil) || err != nil && (!errors.As(err, &failed) || !errors.Is(err, reason) || !slices.Equal(failed.Missing, c.missing)) {
			t.Errorf("%s: %+v, want %v to be missing", name, err, c.missing)
		}
		if !slices.EqualFunc(s.sent, c.batches, slices.Equal) {
			t.Errorf("%s: written %q, want %q", name, s.sent, c.batches)
		}
	}
}

func TestWriteErrorWithoutReason(t *testing.T) {
	s := &scripted{answers: []error{&store.WriteError{}}}
	err := store.Retry{}.Write(t.Context(), store.New(s), make([]osprofiler.Notification, 1))
	if err == nil || err.Error() != "the store gives no reason; 1 of 1 notifications may not be stored" {
		t.Error(err)
	}
}
