package relay

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The statistics report a journal that cannot be written, until it can be written.
func TestTheStatsHaveTheFailureOfTheFilter(t *testing.T) {
	state, err := OpenState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	f := NewFollower(nil, nil, WithState(state), WithFilter(Filter{FailedOnly: true, Settle: 80 * time.Millisecond}))
	if err := f.restore(); err != nil {
		t.Fatal(err)
	}
	lock := func(change func()) {
		f.held.mu.Lock()
		defer f.held.mu.Unlock()
		change()
	}
	lock(func() {
		f.held.journal.add(droppedEntry, `"x"`)
		_ = f.held.journal.file.Close()
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { f.held.run(ctx); close(ended) }()
	waitFor(t, func() bool { s := f.Stats(); return s.FilterErr != nil && !s.FilterSince.IsZero() })
	file, err := os.OpenFile(f.held.journal.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	lock(func() { f.held.journal.file = file })
	waitFor(t, func() bool { s := f.Stats(); return s.FilterErr == nil && s.FilterSince.IsZero() })
	cancel()
	<-ended
	if err := f.closeFilter(); err != nil {
		t.Error(err)
	}
}

func waitFor(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not happen")
		}
	}
}

// If a journal was written under other conditions, that is reported once. Its decisions stay.
func TestTheFilterTellsThatItsConditionsChanged(t *testing.T) {
	dir := t.TempDir()
	failures := Filter{FailedOnly: true, Services: []string{"nova-*", "api"}}
	failuresAgain := Filter{FailedOnly: true, Services: []string{"api", "nova-*", "api"}, Settle: time.Hour}
	other := Filter{Names: []string{"wsgi"}, MinDuration: time.Second}
	for i, step := range []struct {
		filter Filter
		warned string
	}{
		{failures, ""},
		{failuresAgain, ""},
		{other, `the conditions of the filter differ from those of the earlier relay ({"services":["api","nova-*"],"failed_only":true}): the decisions on 2 traces stay, and 0 notifications of undecided traces are judged by the new conditions`},
		{other, ""},
	} {
		state, err := OpenState(dir)
		if err != nil {
			t.Fatal(err)
		}
		warned := ""
		f := NewFollower(nil, nil, WithState(state), WithFilter(step.filter), WithWarning(func(err error) { warned += err.Error() }))
		if err := f.restore(); err != nil {
			t.Fatal(err)
		}
		if warned != step.warned {
			t.Errorf("start %d warns of %q", i, warned)
		}
		if i == 0 {
			f.held.decide("dropped", false)
			f.held.decide("selected", true)
		}
		dropped, knowsDropped := f.held.decided.find("dropped")
		selected, _ := f.held.decided.find("selected")
		if !knowsDropped || dropped.selected || !selected.selected {
			t.Errorf("start %d has other decisions", i)
		}
		if err := errors.Join(f.closeFilter(), state.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// For a journal of a relay that noted no conditions, no change is reported.
func TestTheFilterIsSilentAboutUnknownConditions(t *testing.T) {
	dir := t.TempDir()
	for i, note := range []string{"", "{}"} {
		state, err := OpenState(dir)
		if err != nil {
			t.Fatal(err)
		}
		f := NewFollower(nil, nil, WithState(state), WithFilter(Filter{FailedOnly: true}),
			WithWarning(func(err error) { t.Errorf("start %d warns: %v", i, err) }))
		if err := f.restore(); err != nil {
			t.Fatal(err)
		}
		if i == 1 && f.held.journal.note != f.held.canonical() {
			t.Errorf("the journal has the conditions %q", f.held.journal.note)
		}
		f.held.decide("selected", true)
		f.held.journal.setNote(note)
		if err := errors.Join(f.closeFilter(), state.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// The note of a journal stays when the journal is rewritten.
func TestTheNoteOfAJournalStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	open := func() *journal {
		j, _, err := openJournal(path, "the \"filter\"", func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	j := open()
	j.setNote(`{"a":"b c"}`)
	id := j.add('n', "text")
	if err := errors.Join(j.sync(), j.compact(), j.close()); err != nil {
		t.Fatal(err)
	}
	j = open()
	if j.note != `{"a":"b c"}` {
		t.Errorf("the note is %q", j.note)
	}
	j.remove(id)
	if err := errors.Join(j.sync(), j.empty(), j.close()); err != nil {
		t.Fatal(err)
	}
	if j = open(); j.note != `{"a":"b c"}` {
		t.Errorf("after empty the note is %q", j.note)
	}
	_ = j.close()
}
