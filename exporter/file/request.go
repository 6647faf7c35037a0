package file

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"

	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// TracesOfRequest implements driver.RequestFinder. It reads the file once, and parses
// the lines that have the request id or may have it with escapes.
func (d *fileDriver) TracesOfRequest(ctx context.Context, q driver.Query) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		s, err := d.scan(ctx, linesWithRequest(q.RequestID))
		if err != nil {
			yield("", err)
			return
		}
		defer s.close()
		for {
			n, err := s.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				if !yield("", err) || store.Ends(err) {
					return
				}
			case driver.MentionsRequest(n.Info, q.RequestID):
				if !yield(strings.Clone(n.BaseID), nil) {
					return
				}
			}
		}
	}
}
