package sql

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// row is a row of the table data. This file and short.go are the mapping
// between rows and notifications, and know nothing of databases.
//
// The data column is a JSON string whose text is JSON, as upstream writes it:
// the notification without the members that have columns, normally
// {"info": {…}}. Where the columns do not say these members exactly, they
// stand in data, as they are, under osp_columns.
type row struct {
	id      int64
	columns [len(columns)]sql.NullString
	data    sql.NullString
}

// exactKey is the member of data that holds the members as they are. One of
// that name that a notification has itself is kept in it, too.
const exactKey = "osp_columns"

const (
	onlyInfo = `{"info": `
	hostKey  = "host"
	infoKey  = "info"
)

// args appends the values of all columns but id.
func (r *row) args(args []any) []any {
	for _, c := range r.columns {
		args = append(args, c)
	}
	return append(args, r.data)
}

// encode makes the row of a notification.
func encode(n *osprofiler.Notification) row {
	r, inner := encodeInner(n)
	r.data = text(string(pyjson.AppendString(nil, inner)))
	return r
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
	r.data = text(string(pyjson.AppendString(nil, inner)))
	if back, err := decode(&r); err != nil || !back.Equal(*n) {
		inner = m.inner(true)
	}
	return r, inner
}

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }

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

// nullable tells which members upstream may set to None.
func nullable(column int) bool {
	return column == colParentID || column == colProject || column == colService
}

// hostOf is what the host column says if there is no host beside info.
func hostOf(info string) sql.NullString {
	host, ok := pyjson.Get(info, hostKey)
	if !ok {
		return sql.NullString{}
	}
	return columnOf(colHost, host)
}

// columnOf is what a column says of a member's raw value.
func columnOf(column int, raw string) sql.NullString {
	switch pyjson.KindOf(raw) {
	case pyjson.Null:
		return sql.NullString{}
	case pyjson.String:
		return shortened(column, pyjson.Unquote(raw))
	default:
		return shortened(column, raw)
	}
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
type members struct{ keys, values []string }

func split(n *osprofiler.Notification) (m members) {
	for key, value := range pyjson.Members(n.JSON()) {
		if i := slices.Index(m.keys, key); i >= 0 {
			m.values[i] = value
			continue
		}
		m.keys, m.values = append(m.keys, key), append(m.values, value)
	}
	return m
}

func (m *members) get(key string) (raw string, ok bool) {
	i := slices.Index(m.keys, key)
	if i < 0 {
		return "", false
	}
	return m.values[i], true
}

// row makes the row but for its data.
func (m *members) row() (r row) {
	r.columns[colBaseID] = text("") // never NULL, so that it can be looked for
	for i, key := range columns {
		if raw, ok := m.get(key); ok && (i != colBaseID || raw != "null") {
			r.columns[i] = columnOf(i, raw)
		}
	}
	if _, ok := m.get(hostKey); !ok {
		info, _ := m.get(infoKey)
		r.columns[colHost] = hostOf(info)
	}
	return r
}

// inner is the text in data: the members that have no column, and on demand
// those that have one.
func (m *members) inner(exact bool) string {
	var inner, kept object
	for i, key := range m.keys {
		value := m.values[i]
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
	} else if raw, ok := m.get(exactKey); ok {
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

// decode makes the notification of a row, of upstream's or any other's making.
func decode(r *row) (osprofiler.Notification, error) {
	inner, err := r.inner()
	if err != nil {
		return osprofiler.Notification{}, err
	}
	if n, ok := r.plain(inner); ok {
		return n, nil
	}
	if inner, err = pyjson.One(inner); err != nil {
		return osprofiler.Notification{}, fmt.Errorf("the text in the column data: %w", err)
	}
	if pyjson.KindOf(inner) != pyjson.Object {
		return osprofiler.Notification{}, errors.New("the text in the column data should be a JSON object")
	}
	return osprofiler.ParseNotification(r.compose(inner))
}

// inner returns the text in data: what the JSON string there says, or, if
// somebody stored an object instead, that.
func (r *row) inner() (string, error) {
	if !r.data.Valid {
		return "", errors.New("the column data is NULL")
	}
	raw, err := pyjson.One(r.data.String)
	if err != nil {
		return "", fmt.Errorf("the column data: %w", err)
	}
	switch pyjson.KindOf(raw) {
	case pyjson.String:
		return pyjson.Unquote(raw), nil
	case pyjson.Object:
		return raw, nil
	default:
		return "", errors.New("the column data should hold a JSON string")
	}
}

// plain makes the notification without parsing, if its columns are texts and
// data is nothing but info: that is, nearly always.
func (r *row) plain(inner string) (n osprofiler.Notification, ok bool) {
	for i, c := range r.columns {
		if i == colHost || !c.Valid && nullable(i) {
			continue
		}
		if !c.Valid || c.String == "" && nullable(i) || !utf8.ValidString(c.String) {
			return n, false
		}
	}
	info, ok := infoOnly(inner)
	if !ok || !r.hostIn(info) {
		return n, false
	}
	c := &r.columns
	return osprofiler.Notification{
		Name: c[colName].String, BaseID: c[colBaseID].String, TraceID: c[colTraceID].String, ParentID: c[colParentID].String,
		Timestamp: c[colTimestamp].String, Info: osprofiler.Info(info), Project: c[colProject].String, Service: c[colService].String,
	}, true
}

// infoOnly returns the info of {"info": {…}}, on one line.
func infoOnly(inner string) (info string, ok bool) {
	if !strings.HasPrefix(inner, onlyInfo) {
		return "", false
	}
	end, err := pyjson.End(inner, len(onlyInfo))
	if err != nil || inner[end:] != "}" {
		return "", false
	}
	info = inner[len(onlyInfo):end]
	return info, info[0] == '{' && utf8.ValidString(info) && !strings.ContainsAny(info, "\n\r")
}

// hostIn tells whether the host column says what info says.
func (r *row) hostIn(info string) bool {
	host := r.columns[colHost]
	if host.Valid { // mostly it stands last, where Python puts it
		rest, ok := strings.CutSuffix(info, `"host": `+string(pyjson.AppendString(nil, host.String))+"}")
		if ok && (strings.HasSuffix(rest, "{") || strings.HasSuffix(rest, ", ")) && shortened(colHost, host.String) == host {
			return true
		}
	}
	return hostOf(info) == host
}

// compose puts the columns and the text in data together to a notification's.
// Members in data win over columns.
func (r *row) compose(inner string) string {
	var all object
	exact, ok := pyjson.Get(inner, exactKey)
	if ok && pyjson.KindOf(exact) == pyjson.Object {
		for key, value := range pyjson.Members(exact) {
			all.add(key, value)
		}
		for key, value := range pyjson.Members(inner) {
			if key != exactKey {
				all.add(key, value)
			}
		}
		return all.text()
	}
	for i, key := range columns {
		if raw, ok := r.raw(i, inner); ok {
			all.add(key, raw)
		}
	}
	for key, value := range pyjson.Members(inner) {
		all.add(key, value)
	}
	return all.text()
}

// raw is the member that a column stands for, if it does. A host that info
// tells too is no member of the notification.
func (r *row) raw(column int, inner string) (raw string, ok bool) {
	value := r.columns[column]
	if _, inData := pyjson.Get(inner, columns[column]); inData {
		return "", false
	}
	if column == colHost {
		info, _ := pyjson.Get(inner, infoKey)
		if hostOf(info) == value {
			return "", false
		}
	}
	if !value.Valid {
		return "null", nullable(column) || column == colHost
	}
	return string(pyjson.AppendString(nil, value.String)), true
}
