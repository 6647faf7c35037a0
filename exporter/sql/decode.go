package sql

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

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
	return info, info[0] == '{' && (pyjson.Printable(info) || utf8.ValidString(info) && !strings.ContainsAny(info, "\n\r"))
}

// hostIn tells whether the host column says what info says.
func (r *row) hostIn(info string) bool {
	host := r.columns[colHost]
	if host.Valid && ordinary(host.String) { // mostly it stands last, where Python puts it
		rest, ok := strings.CutSuffix(info, `"}`)
		rest, ok2 := strings.CutSuffix(rest, host.String)
		rest, ok3 := strings.CutSuffix(rest, `"host": "`)
		if ok && ok2 && ok3 && !strings.ContainsAny(host.String, `"\`) && (strings.HasSuffix(rest, "{") || strings.HasSuffix(rest, ", ")) {
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
		if hostOf(info) == value || value.Valid && value == text(osprofiler.Info(info).Host()) {
			return "", false // the latter: upstream does not shorten it
		}
	}
	if !value.Valid {
		return "null", nullable(column) || column == colHost
	}
	return string(pyjson.AppendString(nil, value.String)), true
}
