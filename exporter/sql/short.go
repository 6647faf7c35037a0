package sql

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// widest is how many characters a column takes; timestamp takes 26. SQLite
// would take more, but a row should fit into any of upstream's databases.
const widest = 255

// shortened is what a column says of a text: the text, or its short form if it
// is too long, or holds a U+0000 or a lone surrogate, which databases refuse.
//
// Of ids the short form keeps the beginning and tells the rest apart by a
// hash; so different ids stay different, and the tree that Python builds from
// the columns stays the same. A name keeps its "-start" or "-stop", too.
// A timestamp is written in upstream's form, so that texts compare as times,
// and is NULL if it is no time.
func shortened(column int, s string) sql.NullString {
	if column != colTimestamp && ordinary(s) {
		return text(s)
	}
	switch column {
	case colTimestamp:
		at, err := osprofiler.ParseTime(s)
		if err != nil || at.UTC().Year() > 9999 {
			return sql.NullString{}
		}
		return text(osprofiler.FormatTime(at))
	case colProject, colHost, colService:
		return text(cutTo(clean(s), widest))
	case colName:
		for _, end := range []string{"-start", "-stop"} {
			if operation, ok := strings.CutSuffix(s, end); ok {
				return text(hashed(operation, widest-len(end)) + end)
			}
		}
	}
	return text(hashed(s, widest))
}

// ordinary tells whether any column but timestamp of any database can hold the
// text as it is, as nearly always.
func ordinary(s string) bool { return len(s) <= widest && pyjson.Printable(s) }

// hashed is the text, or its beginning and a hash of all of it.
func hashed(s string, most int) string {
	cleaned := clean(s)
	if cleaned == s && utf8.RuneCountInString(s) <= most {
		return s
	}
	return tailed(cleaned, s, most)
}

// tailed is the beginning of a text and a hash of the original.
func tailed(text, original string, most int) string {
	sum := sha256.Sum256([]byte(original))
	tail := "~" + hex.EncodeToString(sum[:8])
	return cutTo(text, most-len(tail)) + tail
}

// clean replaces what is no character, or one that databases refuse.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// cutTo keeps the first characters.
func cutTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	count := 0
	for i := range s {
		if count == most {
			return s[:i]
		}
		count++
	}
	return s
}
