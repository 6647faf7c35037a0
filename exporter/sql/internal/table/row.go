package table

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

// A Row is a row of the table data. encode and decode map between rows and
// notifications, and do not depend on the database.
//
// The data column is a JSON string whose text is JSON, as the Python library
// writes it. That text is the notification without the members that have
// columns, normally {"info": {…}}. If the columns do not hold these members
// exactly, data also contains the exact members, under osp_columns.
type Row struct {
	id      int64
	columns [len(columns)]sql.NullString
	data    sql.NullString
}

// exactKey is the member of data that contains the exact members. If the
// notification itself has a member of that name, that member is stored in
// exactKey too.
const exactKey = "osp_columns"

const (
	onlyInfo = `{"info": `
	hostKey  = "host"
	infoKey  = "info"
)

// into returns the destinations to scan the values of ColumnList into.
func (r *Row) into() []any {
	var into []any
	for i := range r.columns {
		into = append(into, &r.columns[i])
	}
	return append(into, &r.data)
}

// Args appends the values of ColumnList, each a string or nil.
func (r *Row) Args(args []any) []any {
	for _, c := range r.columns {
		if c.Valid {
			args = append(args, c.String)
		} else {
			args = append(args, nil)
		}
	}
	return append(args, r.data.String)
}

// Size returns the size of the texts of the row in bytes.
func (r *Row) Size() int {
	size := len(r.data.String)
	for _, c := range r.columns {
		size += len(c.String)
	}
	return size
}

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }

// nullable reports whether the Python library may set the member to None.
func nullable(column int) bool {
	return column == colParentID || column == colProject || column == colService
}

// hostOf returns the value of the host column if the notification has no host
// beside info.
func hostOf(info string) sql.NullString {
	host, ok := pyjson.Get(info, hostKey)
	if !ok {
		return sql.NullString{}
	}
	return columnOf(colHost, host)
}

// columnOf returns the value of a column for the raw JSON of a member.
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

// An encoder makes rows in an alphabet. Only one goroutine may use it at a
// time.
type encoder struct {
	Alphabet

	room []byte // for the text of the data column
}

// plainStart begins the data column of nearly all rows.
const plainStart = `"{\"info\": `

// encode makes the row for a notification.
func (e *encoder) encode(n *osprofiler.Notification) Row {
	if n.Plain() {
		if r, ok := plainRow(n); ok {
			e.room = pyjson.AppendEscaped(append(e.room[:0], plainStart...), searchable(infoText(n.Info)))
			e.room = append(e.room, `}"`...)
			r.data = text(string(e.room))
			return r
		}
	}
	r, inner := e.encodeInner(n)
	e.room = pyjson.AppendString(e.room[:0], inner)
	r.data = text(string(e.room))
	return r
}

// encodeInner makes the row without its data, and the text inside data.
func (a Alphabet) encodeInner(n *osprofiler.Notification) (Row, string) {
	r, inner := encodeInner(n)
	exact := true
	for i := range r.columns {
		if c := &r.columns[i]; c.Valid && !a.holds(c.String) {
			c.String = a.spelled(i, c.String)
			exact = false
		}
	}
	if !exact {
		m := split(n)
		inner = m.inner(true)
	}
	return r, inner
}

// encodeInner does the same as the method of an Alphabet that holds all
// characters except U+0000.
func encodeInner(n *osprofiler.Notification) (Row, string) {
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

func infoText(info osprofiler.Info) string {
	if info == "" {
		return "{}"
	}
	return string(info)
}

// plainRow makes the row for a notification that consists of its fields, if all
// of them are ordinary, so that any database can hold them unchanged.
func plainRow(n *osprofiler.Notification) (r Row, ok bool) {
	fields := [...]string{n.Timestamp, n.BaseID, n.ParentID, n.TraceID, n.Project, "", n.Service, n.Name}
	for i, field := range fields {
		switch {
		case i == colHost || field == "" && nullable(i):
			continue
		case i == colTimestamp && shortened(i, field) != text(field), i != colTimestamp && !ordinary(field):
			return r, false
		}
		r.columns[i] = text(field)
	}
	r.columns[colHost] = hostOf(string(n.Info))
	return r, ordinary(r.columns[colHost].String)
}

// searchable returns an info in which a text search of the database finds the
// word etype, if the info has that member.
func searchable(info string) string {
	// If a failed info does not contain the word, the word is written with an
	// escape.
	if !strings.Contains(info, failureWord) && strings.Contains(info, `\u`) && osprofiler.Info(info).Failed() {
		return string(pyjson.Compact.Append(nil, info))
	}
	return info
}

// members contains the members of a notification, in order. Of repeated
// members, the last one counts.
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

// row makes the row without its data.
func (m *members) row() (r Row) {
	r.columns[colBaseID] = text("") // never NULL, so that a query can look for it
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

// inner returns the text in data. It contains the members that have no column,
// and if exact is true also the members that have one.
func (m *members) inner(exact bool) string {
	var inner, exactly object
	for _, key := range m.keys {
		value := m.values[key]
		switch {
		case key == exactKey || slices.Contains(columns[:], key):
			exactly.add(key, value)
		case key == infoKey:
			inner.add(key, searchable(value))
		default:
			inner.add(key, value)
		}
	}
	if exact {
		inner.add(exactKey, exactly.text())
	} else if raw, ok := m.values[exactKey]; ok {
		inner.add(exactKey, raw)
	}
	return inner.text()
}

// An object is a JSON object that is written member by member.
type object []byte

func (o *object) add(key, raw string) {
	if len(*o) > 0 {
		*o = append(*o, ", "...)
	}
	*o = append(append(pyjson.AppendString(*o, key), ": "...), raw...)
}

func (o *object) text() string { return "{" + string(*o) + "}" }

// decode makes the notification for a row, no matter who wrote the row.
func decode(r *Row) (osprofiler.Notification, error) {
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

// inner returns the text in data. This is the text of the JSON string in that
// column, or the object that somebody stored instead.
func (r *Row) inner() (string, error) {
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
// data consists of info. Nearly all rows are of that form.
func (r *Row) plain(inner string) (n osprofiler.Notification, ok bool) {
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

// infoOnly returns the info in {"info": {…}}, on one line.
func infoOnly(inner string) (info string, ok bool) {
	if !strings.HasPrefix(inner, onlyInfo) {
		return "", false
	}
	end, err := pyjson.End(inner, len(onlyInfo))
	if err != nil || inner[end:] != "}" {
		return "", false
	}
	info = inner[len(onlyInfo):end]
	return info, info[0] == '{' && (pyjson.Printable(info) || utf8.ValidString(info) && !strings.ContainsAny(info, "\n\r"))
}

// hostIn reports whether the host column and info agree.
func (r *Row) hostIn(info string) bool {
	host := r.columns[colHost]
	if host.Valid && ordinary(host.String) { // mostly it is last, where Python puts it
		rest, ok := strings.CutSuffix(info, `"}`)
		rest, ok2 := strings.CutSuffix(rest, host.String)
		rest, ok3 := strings.CutSuffix(rest, `"host": "`)
		if ok && ok2 && ok3 && !strings.ContainsAny(host.String, `"\`) && (strings.HasSuffix(rest, "{") || strings.HasSuffix(rest, ", ")) {
			return true
		}
	}
	return hostOf(info) == host
}

// compose returns the JSON text of a notification from the columns and the text
// in data. Members in data take precedence over columns.
func (r *Row) compose(inner string) string {
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

// raw returns the member that a column stands for. ok is false if the column
// stands for none. A host that info has too is not a member of the
// notification.
func (r *Row) raw(column int, inner string) (raw string, ok bool) {
	value := r.columns[column]
	if _, inData := pyjson.Get(inner, columns[column]); inData {
		return "", false
	}
	if column == colHost {
		info, _ := pyjson.Get(inner, infoKey)
		if hostOf(info) == value || value.Valid && value == text(osprofiler.Info(info).Host()) {
			return "", false // the latter because the Python library does not shorten it
		}
	}
	if !value.Valid {
		return "null", nullable(column) || column == colHost
	}
	return string(pyjson.AppendString(nil, value.String)), true
}
