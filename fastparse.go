package osprofiler

import (
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// Python's drivers and this package write a notification in one layout: the eight members in
// this order, with these texts between their values. A text in this layout whose strings have
// no escapes is parsed in one pass. Any other text is parsed member by member, with the same
// result.
const (
	layName      = `{"name": "`
	layBaseID    = `", "base_id": "`
	layTraceID   = `", "trace_id": "`
	layParentID  = `", "parent_id": `
	layTimestamp = `, "timestamp": "`
	layInfo      = `", "info": `
	layProject   = `, "project": `
	layService   = `, "service": `
)

// parseLaidOut parses a printable text in the layout. ok is false for any other text.
func parseLaidOut(text string) (n Notification, ok bool) {
	l := layout{text: text}
	ok = l.skip(layName) && l.plain(&n.Name) &&
		l.skip(layBaseID) && l.plain(&n.BaseID) &&
		l.skip(layTraceID) && l.plain(&n.TraceID) &&
		l.skip(layParentID) && l.textOrNull(&n.ParentID) &&
		l.skip(layTimestamp) && l.plain(&n.Timestamp) &&
		l.skip(layInfo) && l.object(&n.Info) &&
		l.skip(layProject) && l.textOrNull(&n.Project) &&
		l.skip(layService) && l.textOrNull(&n.Service) &&
		l.text[l.at:] == "}"
	n.raw = text
	return n, ok
}

// A layout parses a text in the layout from left to right.
type layout struct {
	text string
	at   int // index of the next byte
}

func (l *layout) skip(literal string) bool {
	if !strings.HasPrefix(l.text[l.at:], literal) {
		return false
	}
	l.at += len(literal)
	return true
}

// plain reads a string without escapes up to its closing quote. It is not empty.
func (l *layout) plain(into *string) bool {
	end := pyjson.PlainEnd(l.text, l.at)
	if end == l.at || end == len(l.text) || l.text[end] != '"' {
		return false
	}
	*into, l.at = l.text[l.at:end], end
	return true
}

func (l *layout) textOrNull(into *string) bool {
	return l.skip("null") || l.skip(`"`) && l.plain(into) && l.skip(`"`)
}

func (l *layout) object(into *Info) bool {
	if l.at == len(l.text) || l.text[l.at] != '{' {
		return false
	}
	end, err := pyjson.End(l.text, l.at)
	if err != nil {
		return false
	}
	*into, l.at = Info(l.text[l.at:end]), end
	return true
}

// fieldsMatchRaw reports whether raw, in the layout, is the JSON of the fields. Fields that
// are parts of raw are compared by their addresses, so that Info is not read again. If it
// returns false, raw may still be the JSON, in another layout.
func (n *Notification) fieldsMatchRaw() bool {
	return !n.notPlain && (n.isUnescapedRaw() || n.isEscapedRaw())
}

// These are the quotes of the layout before and after the info, without those of a parent id,
// a project and a service that are not null.
const (
	quotesBefore = 6*2 + 4*2
	quotesBehind = 2 * 2
	quotesOfOne  = 2
)

// isUnescapedRaw is fieldsMatchRaw for strings without escapes. It counts the quotes, because
// a quote inside a field could let the separators match at other bytes than those between the
// fields.
func (n *Notification) isUnescapedRaw() bool {
	l := layout{text: n.raw}
	before, behind := quotesBefore, quotesBehind
	if !(l.skip(layName) && l.skip(n.Name) &&
		l.skip(layBaseID) && l.skip(n.BaseID) &&
		l.skip(layTraceID) && l.skip(n.TraceID) &&
		l.skip(layParentID) && l.skipOrNull(n.ParentID, &before) &&
		l.skip(layTimestamp) && l.skip(n.Timestamp) &&
		l.skip(layInfo)) {
		return false
	}
	info := l.at
	if !l.skip(string(n.Info)) {
		return false
	}
	end := l.at
	return l.skip(layProject) && l.skipOrNull(n.Project, &behind) &&
		l.skip(layService) && l.skipOrNull(n.Service, &behind) &&
		l.text[l.at:] == "}" &&
		hasOnlyQuotes(l.text[:info], before) && hasOnlyQuotes(l.text[end:], behind)
}

// skipOrNull skips null, or a string whose quotes it adds to the number.
func (l *layout) skipOrNull(field string, quotes *int) bool {
	if field == "" {
		return l.skip("null")
	}
	*quotes += quotesOfOne
	return l.skip(`"`) && l.skip(field) && l.skip(`"`)
}

// hasOnlyQuotes reports whether a text has this number of quotes and no backslashes.
func hasOnlyQuotes(text string, quotes int) bool {
	return strings.Count(text, `"`) == quotes && strings.IndexByte(text, '\\') < 0
}

// isEscapedRaw is fieldsMatchRaw for strings with or without escapes.
func (n *Notification) isEscapedRaw() bool {
	l := layout{text: n.raw}
	return l.skip(layName) && l.same(n.Name) &&
		l.skip(layBaseID) && l.same(n.BaseID) &&
		l.skip(layTraceID) && l.same(n.TraceID) &&
		l.skip(layParentID) && l.sameOrNull(n.ParentID) &&
		l.skip(layTimestamp) && l.same(n.Timestamp) &&
		l.skip(layInfo) && l.skip(string(n.Info)) &&
		l.skip(layProject) && l.sameOrNull(n.Project) &&
		l.skip(layService) && l.sameOrNull(n.Service) &&
		l.text[l.at:] == "}"
}

// same skips a string up to its closing quote. It reports whether the string equals the field.
func (l *layout) same(field string) bool {
	rest := l.text[l.at:]
	end := strings.IndexByte(rest, '"')
	if end < 0 {
		return false
	}
	if strings.IndexByte(rest[:end], '\\') < 0 {
		l.at += end
		return rest[:end] == field
	}
	return l.sameEscaped(field)
}

func (l *layout) sameEscaped(field string) bool {
	quoted := l.at - 1
	end, err := pyjson.End(l.text, quoted)
	if err != nil {
		return false
	}
	l.at = end - 1
	return pyjson.Unquote(l.text[quoted:end]) == field
}

func (l *layout) sameOrNull(field string) bool {
	if field == "" {
		return l.skip("null")
	}
	return l.skip(`"`) && l.same(field) && l.skip(`"`)
}
