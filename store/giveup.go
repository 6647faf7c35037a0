package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
)

// atEnd returns the error of a call that failed when its context had ended. The
// error wraps end, which is the error of the context. Its text is the reason why
// the call did not succeed: the sentence of err, or that the place gave no
// answer.
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

// gaveUp adds to the error of the last try how long the tries took. end is the
// error of the context that ended the tries, if one did. A single try that its
// own context cut says so already.
func gaveUp(err, end error, tries int, took time.Duration) error {
	switch {
	case end == nil:
		return explained.New(err, "%v; gave up after %s", err, explained.Seconds(took))
	case tries <= 1 && errors.Is(err, end):
		return err
	}
	return explained.New(errors.Join(end, err), "%v; gave up after %s%s", err, explained.Seconds(took), because(end))
}

// because returns the cause that a program gave to its context, in brackets.
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
