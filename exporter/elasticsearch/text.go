package elasticsearch

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// widest is how many UTF-16 units of a text an index finds. Dynamic mapping makes
// fields that leave out texts of more than 256.
const widest = 255

// isFindable reports whether an index finds a text exactly.
func isFindable(text string) bool {
	return len(text) <= widest && pyjson.Printable(text) || clean(text) == text && units(text) <= widest
}

// units returns the number of UTF-16 units of a text.
func units(text string) int {
	count := 0
	for _, r := range text {
		count++
		if r > 0xFFFF {
			count++
		}
	}
	return count
}

// clean replaces lone surrogates and other bytes that are no character, and NUL.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// idTerm returns the text by which an id is found in a field that holds it
// exactly: the id, or, if an index does not find the id, its beginning and a hash
// of the whole id.
func idTerm(id string) string {
	id = driver.Text(id)
	if isFindable(id) {
		return id
	}
	return hashed(id, widest)
}

// idTerms returns the texts by which the documents of a trace are found. The
// Python library stores each id as it is, also one that we shorten.
func idTerms(id string) []string {
	if term := idTerm(id); term != id {
		return []string{term, id}
	}
	return []string{id}
}

// shortName returns a name that is not too long, with its "-start" or "-stop".
func shortName(name string) string {
	if isFindable(name) {
		return name
	}
	for _, end := range []string{"-start", "-stop"} {
		if operation, ok := strings.CutSuffix(name, end); ok {
			return hashed(operation, widest-len(end)) + end
		}
	}
	return hashed(name, widest)
}

// hashed returns the beginning of a text and a hash of all of it.
func hashed(text string, most int) string {
	sum := sha256.Sum256([]byte(text))
	tail := "~" + hex.EncodeToString(sum[:8])
	return cutTo(clean(text), most-len(tail)) + tail
}

// cutTo keeps the beginning of a text, in UTF-16 units.
func cutTo(text string, most int) string {
	if len(text) <= most {
		return text
	}
	count := 0
	for i, r := range text {
		count++
		if r > 0xFFFF {
			count++
		}
		if count > most {
			return text[:i]
		}
	}
	return text
}

// isUsual reports whether a timestamp has the Python library's form and is a
// time of the years 1 to 9999. Only such texts compare as times.
func isUsual(timestamp string) bool {
	const form = "0000-00-00T00:00:00.000000"
	if len(timestamp) != len(form) {
		return false
	}
	for i := range len(form) {
		if digit := '0' <= timestamp[i] && timestamp[i] <= '9'; digit != (form[i] == '0') || !digit && timestamp[i] != form[i] {
			return false
		}
	}
	_, err := osprofiler.ParseTime(timestamp)
	return err == nil
}

// usualTime returns the text of a time in the Python library's form.
func usualTime(timestamp string) (text string, ok bool) {
	if isUsual(timestamp) {
		return timestamp, true
	}
	at, err := osprofiler.ParseTime(timestamp)
	if err != nil || at.UTC().Year() > 9999 || at.UTC().Year() < 1 || !utf8.ValidString(timestamp) {
		return "", false
	}
	return osprofiler.FormatTime(at), true
}
