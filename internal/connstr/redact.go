package connstr

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const hidden = "***"

// sensitive matches the end of the name of an option whose value is a secret.
const sensitive = `(?:passw(?:or)?d|passphrase|secret|token|api_?key|hmac_?keys?|mechanismproperties|transport_?url|header)`

var (
	secretName = regexp.MustCompile(`(?i)` + sensitive + `$`)
	option     = regexp.MustCompile(`[?&][A-Za-z0-9_.%+-]+=[^&\s"'<>]*`)
	anyScheme  = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://`)
	// nextURL matches the beginning of another URL in a text.
	nextURL = regexp.MustCompile(`[\s"'<>(\x60][A-Za-z][A-Za-z0-9+.-]*://`)
)

// Redact replaces passwords by asterisks in a text that may contain connection
// strings or URLs, such as an error of a client library. It never changes the
// texts that [Own] marks.
//
// A password may contain blanks and quotes and therefore end many words after
// the beginning of its URL. Where the end of a password is unclear, Redact
// rather masks too much. arguments are the arguments of the command as the user
// typed them. Redact knows the end of a connection string that is one of the arguments.
func Redact(text string, arguments ...string) string {
	var replacements []replacement
	for _, argument := range arguments {
		for _, r := range maskArgument(argument) {
			replacements = append(replacements, r, replacement{withoutQuotes(r.text), withoutQuotes(r.shown)})
		}
	}
	// The longest first, because one connection string may begin with another.
	slices.SortFunc(replacements, func(a, b replacement) int { return cmp.Compare(len(b.text), len(a.text)) })
	var out strings.Builder
	for text != "" {
		before, shown, after := cutAtReplacement(text, replacements)
		out.WriteString(mask(before))
		out.WriteString(shown)
		text = after
	}
	return out.String()
}

// maskArgument returns the parts of an argument that contain passwords, each with
// the masked text. Text before the scheme, or without a scheme, can contain a
// password only in its options.
func maskArgument(argument string) (parts []replacement) {
	add := func(typed, masked string) {
		if typed != masked {
			parts = append(parts, replacement{typed, masked})
		}
	}
	scheme := anyScheme.FindStringIndex(argument)
	if scheme != nil {
		add(argument[scheme[0]:], maskTyped(argument[scheme[0]:]))
	}
	if i := strings.IndexAny(argument, "?&"); i >= 0 && (len(scheme) == 0 || i < scheme[0]) {
		add(argument[i:], maskOptions(argument[i:]))
	}
	return parts
}

// maskTyped masks the passwords in a connection string. Its user and password
// end at the last "@". An option ends at the next "&", so that its value may
// contain any other character. If a secret option precedes the "@", everything
// after the user may belong to a password and is masked.
func maskTyped(connectionString string) string {
	scheme, rest, _ := strings.Cut(connectionString, "://")
	scheme += "://"
	at := strings.LastIndexByte(rest, '@')
	if at < 0 || strings.HasPrefix(rest, "/") {
		return scheme + maskOptions(rest)
	}
	user, _, ok := strings.Cut(rest[:at], ":")
	switch {
	case !ok, maskOptions(user) != user:
		return scheme + maskOptions(rest)
	case maskOptions(rest[:at]) != rest[:at]:
		return scheme + user + ":" + hidden
	}
	return scheme + maskOptions(user+":"+hidden+rest[at:])
}

// maskOptions masks the values of secret options. It looks for an option after
// each "?" and "&", because the rest of a password that contains a "?" looks like
// another option. Text without a "=" after a secret option may be a part of its
// value and is masked too.
func maskOptions(rest string) string {
	var out strings.Builder
	afterSecret := false
	for {
		i := strings.IndexAny(rest, "?&")
		if i < 0 {
			return out.String() + rest
		}
		out.WriteString(rest[:i+1])
		rest = rest[i+1:]
		pair, _, _ := strings.Cut(rest, "&")
		name, _, ok := strings.Cut(pair, "=")
		switch {
		case !ok && afterSecret && pair != "":
			out.WriteString(hidden)
		case ok && !strings.Contains(name, "?") && isSecret(name):
			afterSecret = true
			out.WriteString(name + "=" + hidden)
			// The password of a URL may contain an "&".
			if at := strings.LastIndexByte(rest, '@'); at > len(pair) && strings.Contains(pair, "://") {
				pair = rest[:at]
			}
		default:
			continue
		}
		rest = rest[len(pair):]
	}
}

// isSecret reports whether the value of an option is secret. The name of an option
// may have percent escapes: "pass%77ord" is "password". A name that cannot be
// decoded counts as secret.
func isSecret(name string) bool {
	plain, err := url.QueryUnescape(name)
	return err != nil || secretName.MatchString(plain)
}

// maskSecrets masks the values of secret options in any text, up to the next
// blank or quote.
func maskSecrets(text string) string {
	return option.ReplaceAllStringFunc(text, func(pair string) string {
		name, _, _ := strings.Cut(pair, "=")
		if !isSecret(name[1:]) {
			return pair
		}
		return name + "=" + hidden
	})
}

// mask masks the passwords in a text without hints and typed arguments.
func mask(text string) string {
	return maskSecrets(maskCredentials(text))
}

// withoutQuotes returns the text as %q writes it, without the quotes.
func withoutQuotes(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// maskCredentials masks the password in "://user:password@" and keeps the user.
// Two forms have no credentials: a path, which begins with a slash after "://",
// and the bare name of a scheme, as in "of redis:// and others".
func maskCredentials(text string) string {
	var out strings.Builder
	for {
		before, after, ok := strings.Cut(text, "://")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		out.WriteString("://")
		text = after
		if text == "" || strings.ContainsRune("/ \t\r\n\"'", rune(text[0])) {
			continue
		}
		end := credentialsEnd(text)
		if user, _, ok := strings.Cut(text[:end], ":"); ok {
			out.WriteString(user + ":" + hidden)
			text = text[end:]
		}
	}
}

// credentialsEnd returns the index of the "@" that ends the user and the password
// at the beginning of a text, or 0. It is the last "@" before the next URL. If no
// "@" precedes the next URL, that URL may be a part of the password.
func credentialsEnd(text string) int {
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
