package sqlite

import (
	sqldriver "database/sql/driver"
	"errors"
	"strconv"
	"strings"
	"syscall"

	driver "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// resultCode returns SQLite's extended result code of an error, or SQLITE_OK if
// the error does not come from SQLite.
func resultCode(err error) int {
	var e *driver.Error
	if !errors.As(err, &e) {
		return code.SQLITE_OK
	}
	return e.Code()
}

// classOf returns the class of a result code. An extended code that is not in
// the table, for example of a newer SQLite, has the class of its primary code.
func classOf(c int) serverstate.Class {
	state, ok := states.Exactly(strconv.Itoa(c))
	if !ok {
		state, _ = states.Exactly(strconv.Itoa(primary(c)))
	}
	return state.Class
}

func primary(c int) int { return c & 0xFF }

// Busy reports whether another connection was in the way. A bad connection also
// counts, because ResetSession refused it when another connection had written to
// the file. database/sql itself tries only three times with another connection.
// No statement has run in that case.
func (dialect) Busy(err error) bool {
	return errors.Is(err, sqldriver.ErrBadConn) || classOf(resultCode(err)) == serverstate.Contended
}

// Transient reports whether the failure may pass, as a full disk does. Codes of
// unknown meaning count as transient, because writing a batch twice does no harm.
func (dialect) Transient(err error) bool {
	if errors.Is(err, errReplaced) {
		return true
	}
	c := resultCode(err)
	if c == code.SQLITE_OK { // the file could not be opened or created
		var errno syscall.Errno
		class := files.ClassOf(err)
		return class == serverstate.Passes || class == serverstate.Unknown && errors.As(err, &errno)
	}
	class := classOf(c)
	return class == serverstate.Passes || class == serverstate.Unknown
}

// Refuses reports whether SQLite refuses a row because of its content: the row
// is too large, or violates a constraint that somebody added to the table.
func (dialect) Refuses(err error) bool { return classOf(resultCode(err)) == serverstate.Row }

// TooMuch reports whether there was no room for a transaction. Smaller transactions
// may have room.
func (dialect) TooMuch(err error) bool { return resultCode(err) == code.SQLITE_FULL }

// replaced reports whether an error may come from a database file that somebody
// moved, removed, cut or restored while it was open.
func replaced(err error) bool {
	switch c := resultCode(err); c {
	case code.SQLITE_IOERR_BLOCKED, code.SQLITE_IOERR_NOMEM, code.SQLITE_IOERR_GETTEMPPATH, code.SQLITE_IOERR_CONVPATH,
		code.SQLITE_IOERR_BADKEY, code.SQLITE_IOERR_CODEC, code.SQLITE_READONLY, code.SQLITE_READONLY_DIRECTORY:
		return false
	default:
		switch primary(c) {
		case code.SQLITE_IOERR, code.SQLITE_CORRUPT, code.SQLITE_NOTADB, code.SQLITE_CANTOPEN, code.SQLITE_READONLY, code.SQLITE_SCHEMA:
			return true
		}
	}
	return errors.Is(err, errReplaced) || errors.Is(err, errAbsent) || noTable(err)
}

// noTable reports whether the database lacks the table data, as an empty database
// does.
func noTable(err error) bool {
	return resultCode(err) == code.SQLITE_ERROR && strings.Contains(err.Error(), "no such table")
}

// WrongTable reports whether the table lacks one of our columns.
func (dialect) WrongTable(err error) bool {
	return strings.Contains(err.Error(), "no such column") || strings.Contains(err.Error(), "has no column")
}

// Explain says in one sentence what SQLite's result code means for the user.
func (d dialect) Explain(err error) error {
	c := resultCode(err)
	sentence := "the SQLite database %q"
	if s, ok := sentences[c]; ok {
		sentence = s
	} else if s, ok := sentences[primary(c)]; ok {
		sentence = s
	}
	if c == code.SQLITE_OK || primary(c) == code.SQLITE_INTERRUPT || explained.Is(err) {
		return err
	}
	return explained.New(err, sentence+": %v", d.path, err)
}

// sentences are the texts of Explain, by extended or primary code.
var sentences = map[int]string{
	code.SQLITE_NOTADB:             "the file %q is no SQLite database",
	code.SQLITE_CORRUPT:            "the SQLite database %q is damaged",
	code.SQLITE_FULL:               "the SQLite database %q cannot grow: the disk is full, or the limit of its size is reached",
	code.SQLITE_READONLY:           "the SQLite database %q cannot be written, only read (osp_read_only opens it so)",
	code.SQLITE_READONLY_DIRECTORY: "the SQLite database %q cannot be written, because no journal can be made in its folder (osp_read_only opens it for reading)",
	code.SQLITE_READONLY_DBMOVED:   "the SQLite database %q was moved or removed while it was open",
	code.SQLITE_READONLY_ROLLBACK:  "the SQLite database %q was left in the middle of a transaction, which only an account with the right to write it can roll back",
	code.SQLITE_READONLY_RECOVERY:  "the SQLite database %q has a write-ahead log, which only an account with the right to write it can recover",
	code.SQLITE_READONLY_CANTINIT:  "the SQLite database %q has a write-ahead log, which only an account with the right to write it can recover",
	code.SQLITE_READONLY_CANTLOCK:  "the SQLite database %q has a write-ahead log, which only an account with the right to write it can recover",
	code.SQLITE_CANTOPEN:           "the SQLite database %q, or the journal beside it, cannot be opened",
	code.SQLITE_PERM:               "there is no right to use the SQLite database %q",
	code.SQLITE_AUTH:               "there is no right to use the SQLite database %q",
}
