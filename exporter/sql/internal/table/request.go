package table

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// TracesOfRequest implements driver.RequestFinder. The database goes through the
// table once and returns the rows whose data contains the request id literally or
// may contain it with escapes or percent-encoding. There is no index for that.
func (t *Table) TracesOfRequest(ctx context.Context, q driver.Query) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if !isSearchWord(q.RequestID) {
			yield("", errors.ErrUnsupported)
			return
		}
		var ids []int64
		_, err := t.reading(ctx, func() (err error) {
			ids, err = t.idsOfRequest(ctx, q.RequestID)
			return err
		})
		if err != nil {
			yield("", err)
			return
		}
		for row, err := range each(t.pagesOf(ctx, ids, t.dialect.Text(), firstRows)) {
			if err != nil {
				yield("", err)
				return
			}
			// A row that cannot be decoded is reported when its trace is read.
			if n, err := decode(row); err == nil && driver.MentionsRequest(n.Info, q.RequestID) && !yield(n.BaseID, nil) {
				return
			}
		}
	}
}

// idsOfRequest returns the ids of the rows that may mention the request.
func (t *Table) idsOfRequest(ctx context.Context, requestID string) (ids []int64, err error) {
	// The escape of an ASCII letter is \u00 and two digits.
	condition := t.dialect.Contains(requestID) + " OR " + t.dialect.Contains("u00")
	for _, form := range driver.PercentForms(requestID) {
		condition += " OR " + t.dialect.Contains(form)
	}
	var wrong error
	err = t.fetch(ctx, "SELECT id FROM data WHERE "+condition+" ORDER BY id", nil, func(values [][]byte) bool {
		var id int64
		id, wrong = strconv.ParseInt(string(values[0]), 10, 64)
		ids = append(ids, id)
		return wrong == nil
	})
	return ids, errors.Join(err, wrong)
}

// isSearchWord reports whether a text can be put between quotes in a statement of
// any database without change.
func isSearchWord(text string) bool {
	for i := range len(text) {
		c := text[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// LikePattern returns the pattern of LIKE for texts that contain the word, which
// consists of letters, digits, hyphens, underscores and percent signs. An underscore
// matches any character.
func LikePattern(word string) string {
	if !strings.Contains(word, "%") {
		return "'%" + word + "%'"
	}
	return "'%" + strings.ReplaceAll(word, "%", "|%") + "%' ESCAPE '|'"
}
