package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
)

// atEnd returns the error of a call that failed because its context had ended. The error wraps
// end, which is the error of the context. Its text is the reason why the call did not succeed:
// the sentence of err, or that the place did not answer.
func (s *Store) atEnd(end, err error, began time.Time) error {
	switch {
	case explained.Is(err) && neterr.Informs(err):
		return explained.New(errors.Join(end, err), "%v", err)
	case errors.Is(err, end) && (explained.Is(err) || !errors.Is(end, context.DeadlineExceeded) && because(end) == ""):
		return err
	case !errors.Is(end, context.DeadlineExceeded) && because(end) == "":
		return end
	}
	return explained.New(end, "%s did not answer within %s%s", s.Name(), explained.Seconds(time.Since(began)), because(end))
}

// gaveUp adds the duration of the tries to the error of the last try. end is the error of the
// context that ended the tries, if one did. If a single try was cut by its own context, its
// error already has the duration.
func gaveUp(err, end error, tries int, took time.Duration) error {
	switch {
	case end == nil:
		return explained.New(err, "%v; gave up after %s", err, explained.Seconds(took))
	case tries <= 1 && errors.Is(err, end):
		return err
	}
	return explained.New(errors.Join(end, err), "%v; gave up after %s%s", err, explained.Seconds(took), because(end))
}

// because returns, in brackets, the cause that a program gave to its context.
func because(end error) string {
	text := end.Error()
	for _, plain := range []error{context.DeadlineExceeded, context.Canceled} {
		if text == plain.Error() {
			return ""
		}
		text = strings.TrimPrefix(text, plain.Error()+": ")
	}
	return " (" + text + ")"
}
