package connstr

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const hidden = "***"

// sensitive ends the name of an option that holds a password or a key.
const sensitive = `(?:passw(?:or)?d|passphrase|secret|token|api_?key|hmac_?keys?)`

var (
	secretName = regexp.MustCompile(`(?i)` + sensitive + `$`)
	secrets    = regexp.MustCompile(`(?i)([?&][a-z0-9_.-]*` + sensitive + `=)[^&\s"'<>]*`)
	anyScheme  = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://`)
	// nextURL begins another URL in a text.
	nextURL = regexp.MustCompile(`[\s"'<>(\x60][A-Za-z][A-Za-z0-9+.-]*://`)
)

// Redact replaces the passwords in any text that may hold connection strings
// or URLs, such as a client library's error, by asterisks. Where it is not
// clear how far a password goes, it takes more away rather than less: a
// password may hold blanks and quotes, and end many words behind its URL.
// Texts that [Own] marks stay as they are. Of the connection strings that are
// known, as they were typed, it is clear where they end.
func Redact(text string, known ...string) string {
	var all []shownAs
	for _, connectionString := range known {
		if i := anyScheme.FindStringIndex(connectionString); i != nil {
			typed := connectionString[i[0]:]
			if masked := maskTyped(typed); masked != typed {
				all = append(all, shownAs{typed, masked}, shownAs{inner(typed), inner(masked)})
			}
		}
	}
	slices.SortFunc(all, func(a, b shownAs) int { return cmp.Compare(len(b.text), len(a.text)) }) // one may begin with another
	var out strings.Builder
	for text != "" {
		before, shown, behind := cut(text, all)
		out.WriteString(mask(before))
		out.WriteString(shown)
		text = behind
	}
	return out.String()
}

// maskTyped replaces the passwords in a connection string: its user and
// password end at the last "@", whatever stands before.
func maskTyped(connectionString string) string {
	scheme, rest, _ := strings.Cut(connectionString, "://")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 && !strings.HasPrefix(rest, "/") {
		if user, _, ok := strings.Cut(rest[:at], ":"); ok {
			rest = user + ":" + hidden + rest[at:]
		}
	}
	return secrets.ReplaceAllString(scheme+"://"+rest, "${1}"+hidden)
}

// mask replaces passwords in a text that holds no words of ours.
func mask(text string) string {
	return secrets.ReplaceAllString(redactCredentials(text), "${1}"+hidden)
}

// inner is the text as %q writes it, without the quotes.
func inner(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// redactCredentials keeps the user's name: "://user:password@" without the
// password. A text that begins with a slash is a path, which has neither. The
// name of a scheme alone, as in "of redis:// and others", has none either.
func redactCredentials(text string) string {
	var out strings.Builder
	for {
		before, behind, ok := strings.Cut(text, "://")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		out.WriteString("://")
		text = behind
		if text == "" || strings.ContainsRune("/ \t\r\n\"'", rune(text[0])) {
			continue
		}
		end := credentials(text)
		if user, _, ok := strings.Cut(text[:end], ":"); ok {
			out.WriteString(user + ":" + hidden)
			text = text[end:]
		}
	}
}

// credentials returns how long the user and the password are that stand at the
// beginning of a text: to the last "@" before the next URL. Without an "@"
// there, the next URL may be a part of the password.
func credentials(text string) int {
	for from := 0; ; {
		next := nextURL.FindStringIndex(text[from:])
		if next == nil {
			return max(strings.LastIndexByte(text, '@'), 0)
		}
		if at := strings.LastIndexByte(text[from:from+next[0]], '@'); at >= 0 {
			return from + at
		}
		from += next[1]
	}
}
