package connstr

import (
	"regexp"
	"strings"
)

const hidden = "***"

// sensitive ends the name of an option that holds a password or a key.
const sensitive = `(?:passw(?:or)?d|passphrase|secret|token|api_?key|hmac_?keys?)`

var (
	secretName = regexp.MustCompile(`(?i)` + sensitive + `$`)
	secrets    = regexp.MustCompile(`(?i)([?&][a-z0-9_.-]*` + sensitive + `=)[^&\s"'<>]*`)
	// nextURL begins another URL in a text.
	nextURL = regexp.MustCompile(`[\s"'<>(\x60][A-Za-z][A-Za-z0-9+.-]*://`)
)

// Redact replaces the passwords in any text that may hold connection strings
// or URLs, such as a client library's error, by asterisks. Where it is not
// clear how far a password goes, it takes more away rather than less: a
// password may hold blanks and quotes, and end many words behind its URL.
func Redact(text string) string {
	return secrets.ReplaceAllString(redactCredentials(text), "${1}"+hidden)
}

// redactCredentials keeps the user's name: "://user:password@" without the
// password. What begins with a slash is a path, which has neither.
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
		if strings.HasPrefix(text, "/") {
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
