package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Notifications implements store.Store. It reads the file from its beginning
// to its end; lines that cannot belong to the trace are not parsed.
func (s *Store) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		asked := backend.Text(baseID)
		var seen backend.Unique
		found := false
		for e, err := range s.entries(ctx, 0, mayHold(asked)) {
			if err == nil {
				if e.BaseID != asked || !seen.First(e.Notification) {
					continue
				}
				found = true
			}
			if !yield(e.Notification, err) {
				return
			}
			if store.Ends(err) {
				return
			}
		}
		if !found {
			yield(osprofiler.Notification{}, store.NotFound(baseID))
		}
	}
}

// Traces implements store.Store, newest first always. It reads the whole file,
// and keeps one short entry per trace, since the first event of a trace may be
// the last in the file.
func (s *Store) Traces(ctx context.Context, q store.Query) iter.Seq2[store.Trace, error] {
	return s.list(ctx, q, func([]byte) bool { return true }, func(*osprofiler.Notification) bool { return true })
}

// ErrorTraces implements store.ErrorTracer, as Traces does.
func (s *Store) ErrorTraces(ctx context.Context, q store.Query) iter.Seq2[store.Trace, error] {
	return s.list(ctx, q, mayFail, func(n *osprofiler.Notification) bool { return n.Info.Failed() })
}

func (s *Store) list(ctx context.Context, q store.Query, may func([]byte) bool, counts func(*osprofiler.Notification) bool) iter.Seq2[store.Trace, error] {
	return func(yield func(store.Trace, error) bool) {
		var firsts backend.Firsts
		for e, err := range s.entries(ctx, 0, may) {
			if err != nil && (!yield(store.Trace{}, err) || store.Ends(err)) {
				return
			}
			if err == nil && counts(&e.Notification) {
				firsts.Add(e.BaseID, e.Timestamp)
			}
		}
		for _, trace := range firsts.Traces(q) {
			if err := s.alive(ctx); err != nil {
				yield(store.Trace{}, err)
				return
			}
			if !yield(trace, nil) {
				return
			}
		}
	}
}

// entry is a notification and the line that holds it.
type entry struct {
	osprofiler.Notification
	start int64
	line  []byte // valid until the next entry
}

// entries yields what stands in the file behind offset when it is called, and
// a *store.Damage for each line that is no notification. It opens the file for
// itself and holds nothing of the store, so that the loop's body may use it.
// Lines that may says no to are left out.
func (s *Store) entries(ctx context.Context, offset int64, may func(line []byte) bool) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		f, size, err := s.snapshot(ctx)
		if err != nil {
			yield(entry{}, err)
			return
		}
		defer func() { _ = f.Close() }()
		l := newLines(io.NewSectionReader(f, offset, size-offset), offset)
		for {
			if err := s.alive(ctx); err != nil {
				yield(entry{}, err)
				return
			}
			err := l.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.Is(err, errTooLong):
				if !yield(entry{}, s.damage(l, offset, err)) {
					return
				}
				continue
			case err != nil:
				yield(entry{}, fmt.Errorf("cannot read the file %q: %w", s.path, backend.Reason(err)))
				return
			}
			text := trim(l)
			if len(text) == 0 || whole(text) && !may(text) {
				continue
			}
			n, err := osprofiler.ParseNotification(string(text))
			if err != nil {
				err = s.damage(l, offset, err)
			}
			if !yield(entry{Notification: n, start: l.start, line: l.line}, err) {
				return
			}
		}
	}
}

// trim takes off the blanks, and the mark that some editors put before the first line.
func trim(l *lines) []byte {
	text := l.line
	if l.start == 0 {
		text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	}
	return bytes.Trim(text, " \t\r")
}

// whole tells whether a line looks like an object from its beginning to its
// end. Others are half written, whatever they hold, and are reported always.
func whole(text []byte) bool { return text[0] == '{' && text[len(text)-1] == '}' }

func (s *Store) damage(l *lines, offset int64, err error) error {
	place := fmt.Sprintf("line %d of %q", l.number, s.path)
	if offset > 0 {
		place = fmt.Sprintf("the line at byte %d of %q", l.start, s.path)
	}
	return &store.Damage{Place: place, Reason: err}
}

// patience is how long a reader waits for a writer that is in the midst of a
// batch. One that takes longer may have been stopped.
const patience = 2 * time.Second

// snapshot opens the file for reading and returns how far it goes: to the end
// of a batch, not to the midst of one that is being written.
func (s *Store) snapshot(ctx context.Context) (*os.File, int64, error) {
	if err := s.alive(ctx); err != nil {
		return nil, 0, err
	}
	f, err := s.openForReading()
	if err != nil {
		return nil, 0, err
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	if s.lock(waiting, f, shared) == nil {
		defer unlock(f)
	}
	cancel()
	info, err := f.Stat()
	if err == nil {
		err = s.alive(ctx)
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}
