package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Traces implements driver.Lister. It yields the newest trace first, also
// without a limit.
//
// It reads the whole file once, because the first event of a trace may be the
// last in the file. It keeps a summary of about 700 bytes in memory for each
// trace of the file, and no notification. If Query.First asks for the first
// notification of a trace, its line is read again when the trace is yielded.
func (d *fileDriver) Traces(ctx context.Context, q driver.Query) iter.Seq2[driver.Summary, error] {
	return func(yield func(driver.Summary, error) bool) {
		s, err := d.scan(ctx, everyLine)
		if err != nil {
			yield(driver.Summary{}, err)
			return
		}
		defer s.close()
		traces, ok := s.summarize(yield)
		if !ok {
			return
		}
		for _, row := range newestRows(traces, q) {
			summary, err := s.summary(row.trace, q)
			if !yield(summary, err) || err != nil {
				return
			}
		}
	}
}

// A trace collects the summary of one trace, and where the text of its first
// notification is.
type trace struct {
	driver.Summarizer

	firstStart  int64
	firstLength int
}

// summarize reads the notifications of all traces. It yields only errors, and
// returns false if the sequence has ended.
func (s *scanner) summarize(yield func(driver.Summary, error) bool) (traces map[string]*trace, ok bool) {
	traces = map[string]*trace{}
	for {
		n, err := s.next()
		if errors.Is(err, io.EOF) {
			return traces, true
		}
		if err != nil {
			if !yield(driver.Summary{}, err) || store.Ends(err) {
				return nil, false
			}
			continue
		}
		t := traces[n.BaseID]
		if t == nil {
			t = &trace{}
			traces[strings.Clone(n.BaseID)] = t // BaseID is a part of the line's text
		}
		if t.Add(&n) {
			t.firstStart, t.firstLength = s.textStart, len(s.text)
		}
	}
}

// A row is a trace of a listing and the time by which the listing is ordered.
type row struct {
	*trace

	baseID string
	at     time.Time
}

// newestRows returns the traces that the query asks for, the newest first, and
// those of the same time in the order of their base ids.
func newestRows(traces map[string]*trace, q driver.Query) []row {
	rows := make([]row, 0, len(traces))
	for baseID, t := range traces {
		if summary := t.Summary(); q.Matches(&summary) {
			rows = append(rows, row{t, baseID, q.Time(&summary)})
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(b.at.Compare(a.at), strings.Compare(a.baseID, b.baseID))
	})
	if 0 < q.Limit && q.Limit < len(rows) {
		rows = rows[:q.Limit]
	}
	return rows
}

// summary returns the summary of a trace, with the first notification if the
// query asks for it.
func (s *scanner) summary(t *trace, q driver.Query) (driver.Summary, error) {
	summary := t.Summary()
	if !q.First {
		return summary, nil
	}
	text := make([]byte, t.firstLength)
	_, err := s.file.ReadAt(text, t.firstStart)
	if err != nil && !errors.Is(err, io.EOF) {
		return driver.Summary{}, s.d.cannotRead(err)
	}
	n, errParse := osprofiler.ParseNotification(string(text))
	if err != nil || errParse != nil || n.BaseID != summary.BaseID || n.Name != summary.Name {
		return driver.Summary{}, fmt.Errorf("the file %q was cut or changed while it was read", s.d.path)
	}
	summary.First = &n
	return summary, nil
}
