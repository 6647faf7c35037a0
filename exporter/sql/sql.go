// Package sql links the stores in OSProfiler's SQL table, which the Python
// library's SQLAlchemy driver writes and reads, row for row: in SQLite,
// PostgreSQL, MySQL and MariaDB. Importing this package registers the schemes of
// all of them. A program that needs one database imports its package alone, so
// that it links one client library:
//
//	import _ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
//
// Each package has the same two constructors: Open takes the same connection
// string as store.Open. New takes a *sql.DB that the program opened. Opening
// neither connects nor creates anything.
//
// docs/stores/sql.md describes the table, the options, and where a text is
// stored that does not fit into its column.
package sql

import (
	"github.com/osprofiler-otel/osprofiler/exporter/sql/internal/table"

	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/mysql"      // registers mysql://
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/postgresql" // registers postgresql://
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"     // registers sqlite://
)

// Columns returns the names of the columns that have indexes, in the order of
// the table. The table also has the columns id and data.
func Columns() []string { return table.Columns() }
