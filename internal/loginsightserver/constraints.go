package loginsightserver

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The special fields.
const (
	textField      = "text"
	timestampField = "timestamp"
)

// A constraint is a condition of a query.
type constraint struct {
	field, operator string // the operator in its alternate form, in letters
	value           string
	tokens          []string // of value
	number          int64
}

// symbols maps the operators to their alternate forms, the longest first.
var symbols = []struct{ symbol, name string }{
	{"!=~", "NOT_MATCHES_REGEX"}, {"=~", "MATCHES_REGEX"},
	{"!=", "NE"}, {"<=", "LE"}, {">=", "GE"}, {"=", "EQ"}, {"<", "LT"}, {">", "GT"},
}

var (
	numeric = []string{"EQ", "NE", "LT", "LE", "GT", "GE"}
	words   = []string{"CONTAINS", "NOT_CONTAINS", "HAS", "NOT_HAS"}
	regexes = []string{"MATCHES_REGEX", "NOT_MATCHES_REGEX"}
)

// parseConstraints reads the path of a query: field/operator value/field/operator…,
// URL-encoded, with "+" or %20 for a blank.
func parseConstraints(path string) ([]constraint, error) {
	parts := strings.Split(path, "/")
	if len(parts)%2 != 0 {
		return nil, refuse(http.StatusBadRequest, "a constraint is field/operator value")
	}
	var constraints []constraint
	for i := 0; i < len(parts); i += 2 {
		field, err := url.QueryUnescape(parts[i])
		condition, err2 := url.QueryUnescape(parts[i+1])
		if err != nil || err2 != nil || !fieldNames.MatchString(field) {
			return nil, refuse(http.StatusBadRequest, "the constraint %d is not URL-encoded", i/2)
		}
		c, err := parseConstraint(field, condition)
		if err != nil {
			return nil, err
		}
		constraints = append(constraints, c)
	}
	return constraints, nil
}

func parseConstraint(field, condition string) (constraint, error) {
	c := constraint{field: field}
	operator, value, found := strings.Cut(condition, " ")
	for _, s := range symbols {
		if rest, ok := strings.CutPrefix(condition, s.symbol); ok {
			operator, value, found = s.name, strings.TrimPrefix(rest, " "), true
			break
		}
	}
	c.operator, c.value = operator, value
	var err error
	switch isTime := field == timestampField; {
	case slices.Contains(regexes, operator):
		return c, refuse(http.StatusBadRequest, "queries with regular expressions are disabled")
	case operator == "EXISTS" && !isTime && !found:
	case operator == "LAST" && isTime, slices.Contains(numeric, operator) && isTime:
		c.number, err = strconv.ParseInt(value, 10, 64)
	case slices.Contains(words, operator) && !isTime && found:
		c.tokens = queryTokens(value)
	default:
		return c, refuse(http.StatusBadRequest, "the operator of the constraint on %s is not known, or not for this field", field)
	}
	if err != nil {
		return c, refuse(http.StatusBadRequest, "the constraint on %s needs a number", field)
	}
	return c, nil
}

// matches reports whether an event matches. Constraints with the same field and
// operator are alternatives.
func matches(e *Event, constraints []constraint, now time.Time) bool {
	for i := range constraints {
		c := &constraints[i]
		if !slices.ContainsFunc(constraints, func(other constraint) bool {
			return other.field == c.field && other.operator == c.operator && other.matches(e, now)
		}) {
			return false
		}
	}
	return true
}

func (c *constraint) matches(e *Event, now time.Time) bool {
	if c.field == timestampField {
		return c.matchesTime(e.Timestamp, now)
	}
	content, ok := e.content(c.field)
	switch c.operator {
	case "EXISTS":
		return ok
	case "CONTAINS":
		return ok && containsPhrase(content, c.tokens)
	case "NOT_CONTAINS":
		return !ok || !containsPhrase(content, c.tokens)
	case "HAS":
		return ok && hasAll(content, c.tokens)
	default: // NOT_HAS
		return !ok || !hasAll(content, c.tokens)
	}
}

func (c *constraint) matchesTime(at int64, now time.Time) bool {
	switch c.operator {
	case "EQ":
		return at == c.number
	case "NE":
		return at != c.number
	case "LT":
		return at < c.number
	case "LE":
		return at <= c.number
	case "GT":
		return at > c.number
	case "GE":
		return at >= c.number
	default: // LAST
		return at >= now.UnixMilli()-c.number
	}
}

// content returns the content of a field, or the text.
func (e *Event) content(field string) (content string, ok bool) {
	if field == textField {
		return e.Text, true
	}
	for _, fields := range [][]Field{e.Fields, added} {
		for i := range fields {
			switch f := &fields[i]; {
			case f.Name != field:
			case f.Content == nil:
				return "", true
			default:
				return *f.Content, true
			}
		}
	}
	return "", false
}

// containsPhrase reports whether the tokens of a phrase follow each other in a text.
func containsPhrase(text string, phrase []string) bool {
	if len(phrase) == 0 || len(phrase[0]) > len(text) {
		return false
	}
	all := tokens(text)
	for i := 0; i+len(phrase) <= len(all); i++ {
		found := true
		for j, token := range phrase {
			if !isToken(all[i+j], token) {
				found = false
				break
			}
		}
		if found {
			return true
		}
	}
	return false
}

func hasAll(text string, wanted []string) bool {
	all := tokens(text)
	for _, token := range wanted {
		if !slices.ContainsFunc(all, func(one string) bool { return isToken(one, token) }) {
			return false
		}
	}
	return len(wanted) > 0
}

// isToken compares a token with one of a query, which may have wildcards.
func isToken(token, wanted string) bool {
	if !strings.ContainsAny(wanted, "*?") {
		return token == wanted
	}
	pattern := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(wanted))
	return regexp.MustCompile("^" + pattern + "$").MatchString(token)
}
