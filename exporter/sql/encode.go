package sql

import (
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// encode makes the row of a notification.
func encode(n *osprofiler.Notification) row {
	r, inner := encodeInner(n)
	r.setInner(inner)
	return r
}

func (r *row) setInner(inner string) {
	quoted := make([]byte, 0, len(inner)+len(inner)/4+64) // most quotation marks get a backslash
	r.data = text(string(pyjson.AppendString(quoted, inner)))
}

// encodeInner makes the row without its data, and the text that data holds.
func encodeInner(n *osprofiler.Notification) (row, string) {
	if n.Plain() {
		if r, ok := plainRow(n); ok {
			return r, onlyInfo + searchable(infoText(n.Info)) + "}"
		}
	}
	m := split(n)
	r := m.row()
	inner := m.inner(false)
	r.setInner(inner)
	if back, err := decode(&r); err != nil || !back.Equal(*n) {
		inner = m.inner(true)
	}
	return r, inner
}

func infoText(info osprofiler.Info) string {
	if info == "" {
		return "{}"
	}
	return string(info)
}

// plainRow makes the row of a notification whose fields say all there is, if
// the columns can hold them as they are.
func plainRow(n *osprofiler.Notification) (r row, ok bool) {
	fields := [...]string{n.Timestamp, n.BaseID, n.ParentID, n.TraceID, n.Project, "", n.Service, n.Name}
	for i, field := range fields {
		if i == colHost || field == "" && nullable(i) {
			continue
		}
		if shortened(i, field) != text(field) {
			return r, false
		}
		r.columns[i] = text(field)
	}
	r.columns[colHost] = hostOf(string(n.Info))
	return r, true
}

// searchable makes sure that an info that has an etype shows it to a database
// that searches the text.
func searchable(info string) string {
	if !strings.Contains(info, "etype") && osprofiler.Info(info).Failed() {
		return string(pyjson.Compact.Append(nil, info))
	}
	return info
}

// members are a notification's, in order, of repeated ones the last.
type members struct {
	keys   []string
	values map[string]string
}

func split(n *osprofiler.Notification) members {
	m := members{values: map[string]string{}}
	for key, value := range pyjson.Members(n.JSON()) {
		if _, repeated := m.values[key]; !repeated {
			m.keys = append(m.keys, key)
		}
		m.values[key] = value
	}
	return m
}

// row makes the row but for its data.
func (m *members) row() (r row) {
	r.columns[colBaseID] = text("") // never NULL, so that it can be looked for
	for i, key := range columns {
		if raw, ok := m.values[key]; ok && (i != colBaseID || raw != "null") {
			r.columns[i] = columnOf(i, raw)
		}
	}
	if _, ok := m.values[hostKey]; !ok {
		r.columns[colHost] = hostOf(m.values[infoKey])
	}
	return r
}

// inner is the text in data: the members that have no column, and on demand
// those that have one.
func (m *members) inner(exact bool) string {
	var inner, kept object
	for _, key := range m.keys {
		value := m.values[key]
		switch {
		case key == exactKey || slices.Contains(columns[:], key):
			kept.add(key, value)
		case key == infoKey:
			inner.add(key, searchable(value))
		default:
			inner.add(key, value)
		}
	}
	if exact {
		inner.add(exactKey, kept.text())
	} else if raw, ok := m.values[exactKey]; ok {
		inner.add(exactKey, raw)
	}
	return inner.text()
}

// object writes a JSON object member by member.
type object []byte

func (o *object) add(key, raw string) {
	if len(*o) > 0 {
		*o = append(*o, ", "...)
	}
	*o = append(append(pyjson.AppendString(*o, key), ": "...), raw...)
}

func (o *object) text() string { return "{" + string(*o) + "}" }
