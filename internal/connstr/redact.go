package connstr

import (
	"regexp"
	"strings"
)

const hidden = "***"

var (
	// credentials is what stands between "://" and the last "@" of a word.
	credentials = regexp.MustCompile(`://[^\s"'<>]*@`)
	// secrets are options that hold a password or a key.
	secrets = regexp.MustCompile(`(?i)([?&][a-z0-9_.-]*(?:passw(?:or)?d|passphrase|secret|token|api_?key|hmac_?keys?)=)[^&\s"'<>]*`)
)

// Redact replaces the passwords in any text that may hold connection strings
// or URLs, such as a client library's error, by asterisks. Where it is not
// clear how far a password goes, it takes more away rather than less.
func Redact(text string) string {
	if strings.Contains(text, "://") {
		text = credentials.ReplaceAllStringFunc(text, redactCredentials)
	}
	return secrets.ReplaceAllString(text, "${1}"+hidden)
}

// redactCredentials keeps the user's name: "://user:password@" without the password.
func redactCredentials(found string) string {
	user, _, ok := strings.Cut(found[len("://"):len(found)-1], ":")
	if !ok {
		return found
	}
	return "://" + user + ":" + hidden + "@"
}
