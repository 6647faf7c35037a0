package sql

import (
	"database/sql"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// row is a row of the table data. encode and decode are the mapping between
// rows and notifications, and know nothing of databases.
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

// into is where the values of ColumnList are scanned to.
func (r *row) into() []any {
	var into []any
	for i := range r.columns {
		into = append(into, &r.columns[i])
	}
	return append(into, &r.data)
}

// A Row is what a notification becomes in the table.
type Row struct{ row }

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

// Size is how many bytes its texts have.
func (r *Row) Size() int {
	size := len(r.data.String)
	for _, c := range r.columns {
		size += len(c.String)
	}
	return size
}

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }

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
