package osprofiler

import (
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// What Python's drivers and this package write is laid out in one way: the
// eight members in this order, between them what stands here. Such a text, with
// strings that need no escapes, is read and compared in one pass; any other is
// read member by member, to the same effect.
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

// parseLaidOut reads a printable text that is laid out so; ok is false for any
// other.
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

// A layout is a place in a text.
type layout struct {
	text string
	at   int
}

func (l *layout) skip(literal string) bool {
	if !strings.HasPrefix(l.text[l.at:], literal) {
		return false
	}
	l.at += len(literal)
	return true
}

// plain reads what stands before a closing quote, and stops there. It is not empty.
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

// laidOut tells that the fields say what stands in raw, which is laid out so.
// Were there a quote or a backslash in one, it could say something else than
// its text in raw.
func (n *Notification) laidOut() bool {
	l := layout{text: n.raw}
	return !n.odd && l.skip(layName) && l.same(n.Name) &&
		l.skip(layBaseID) && l.same(n.BaseID) &&
		l.skip(layTraceID) && l.same(n.TraceID) &&
		l.skip(layParentID) && l.sameOrNull(n.ParentID) &&
		l.skip(layTimestamp) && l.same(n.Timestamp) &&
		l.skip(layInfo) && l.skip(string(n.Info)) &&
		l.skip(layProject) && l.sameOrNull(n.Project) &&
		l.skip(layService) && l.sameOrNull(n.Service) &&
		l.text[l.at:] == "}"
}

func (l *layout) same(field string) bool {
	return l.skip(field) && strings.IndexByte(field, '"') < 0 && strings.IndexByte(field, '\\') < 0
}

func (l *layout) sameOrNull(field string) bool {
	if field == "" {
		return l.skip("null")
	}
	return l.skip(`"`) && l.same(field) && l.skip(`"`)
}
