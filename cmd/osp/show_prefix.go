package main

import (
	"context"
	"fmt"
	"os"
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

// byPrefix returns the report of the only trace whose base id begins with the prefix.
// notFound is the error for the prefix as a whole id. byPrefix searches only the newest
// traces, and lists them once for all arguments.
func (t *showTraces) byPrefix(ctx context.Context, prefix string, notFound error) (*reader.Report, error) {
	lister, ok := t.opened.(*reader.Reader)
	if !ok { // Python's answers
		return nil, notFound
	}
	switch {
	case prefix == "":
		return nil, fmt.Errorf("%w: the argument is empty; is it a variable of the shell that is not set?", notFound)
	case strings.ContainsRune(prefix, os.PathSeparator) || strings.HasSuffix(prefix, ".json"):
		return nil, fmt.Errorf("there is no file %s, and %w", safetext.Quote(prefix), notFound)
	case len([]rune(prefix)) < leastPrefix:
		return nil, fmt.Errorf("%w: the first characters of a base id should be at least %d", notFound, leastPrefix)
	}
	candidates, count, err := t.candidates(ctx, lister, prefix)
	switch {
	case err != nil:
		return nil, err
	case count == 0 && len(t.newest) < prefixTraces:
		return nil, fmt.Errorf("%w; no base id begins with it, and no file has that name", notFound)
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

// candidates returns the base ids that begin with the prefix, the newest first, at most
// mostCandidates of them. It also returns how many there are in all.
func (t *showTraces) candidates(ctx context.Context, r *reader.Reader, prefix string) (ids []string, count int, err error) {
	if t.newest == nil {
		if t.newest, err = newestIDs(ctx, r); err != nil {
			return nil, 0, err
		}
	}
	begins := beginsWith(prefix)
	for _, id := range t.newest {
		if !begins(id) {
			continue
		}
		if count++; len(ids) < mostCandidates {
			ids = append(ids, id)
		}
	}
	return ids, count, nil
}

// newestIDs returns the base ids of the newest traces.
func newestIDs(ctx context.Context, r *reader.Reader) ([]string, error) {
	ids := []string{}
	for trace, err := range r.Traces(ctx, store.Query{Limit: prefixTraces}) {
		switch {
		case err == nil:
			ids = append(ids, trace.BaseID)
		case store.Ends(err): // any other error is about a single entry, which has no id
			return nil, err
		}
	}
	return ids, nil
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
