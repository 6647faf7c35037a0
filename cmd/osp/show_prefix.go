package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/safetext"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The limits of a search for the base id that begins with a text.
const (
	leastPrefix    = 4      // characters of the text
	prefixTraces   = 10_000 // how many traces it reads, the newest
	mostCandidates = 10     // how many base ids an error names
)

// byPrefix returns the report of the only trace whose base id begins with the
// prefix. notFound is the error of the prefix as a whole id. Stores cannot search
// for a prefix, so byPrefix reads the newest traces.
func (t *showTraces) byPrefix(ctx context.Context, prefix string, notFound error) (*reader.Report, error) {
	lister, ok := t.opened.(*reader.Reader)
	if !ok { // Python's answers
		return nil, notFound
	}
	if len([]rune(prefix)) < leastPrefix {
		return nil, fmt.Errorf("%w: the first characters of a base id should be at least %d", notFound, leastPrefix)
	}
	candidates, count, err := candidates(ctx, lister, prefix)
	switch {
	case err != nil:
		return nil, err
	case count == 0:
		return nil, fmt.Errorf("%w; no base id of the newest %s traces begins with it, and no file has that name", notFound, humanize.Comma(prefixTraces))
	case count == 1:
		return t.stored(ctx, candidates[0])
	}
	names := make([]string, len(candidates))
	for i, id := range candidates {
		names[i] = safetext.Quote(id)
	}
	more := ""
	if count > len(candidates) {
		more = fmt.Sprintf(" and %s more", humanize.Comma(int64(count-len(candidates))))
	}
	return nil, usagef("%s base ids begin with %s: %s%s; give more characters", humanize.Comma(int64(count)), safetext.Quote(prefix), strings.Join(names, ", "), more)
}

// candidates returns the base ids that begin with the prefix, the newest first, at
// most mostCandidates of them, and how many there are.
func candidates(ctx context.Context, r *reader.Reader, prefix string) (ids []string, count int, err error) {
	begins := beginsWith(prefix)
	for trace, err := range r.Traces(ctx, store.Query{Limit: prefixTraces}) {
		switch {
		case err != nil && store.Ends(err):
			return nil, 0, err
		case err != nil || !begins(trace.BaseID): // an entry that cannot be read has no id
			continue
		}
		if count++; len(ids) < mostCandidates {
			ids = append(ids, trace.BaseID)
		}
	}
	return ids, count, nil
}

// beginsWith returns a function that reports whether a base id begins with the
// prefix. Dashes and upper case do not matter in a UUID.
func beginsWith(prefix string) func(id string) bool {
	bare := bareUUID(prefix)
	isHex := bare != "" && strings.Trim(bare, "0123456789abcdef") == ""
	return func(id string) bool {
		if strings.HasPrefix(id, prefix) {
			return true
		}
		_, isUUID := osprofiler.ParseUUID(id)
		return isHex && isUUID && strings.HasPrefix(bareUUID(id), bare)
	}
}

func bareUUID(text string) string { return strings.ReplaceAll(strings.ToLower(text), "-", "") }
