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

// sensitive ends the name of an option that holds a password or a key.
const sensitive = `(?:passw(?:or)?d|passphrase|secret|token|api_?key|hmac_?keys?)`

var (
	secretName = regexp.MustCompile(`(?i)` + sensitive + `$`)
	option     = regexp.MustCompile(`[?&][A-Za-z0-9_.%+-]+=[^&\s"'<>]*`)
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
	for _, argument := range known {
		for _, k := range maskArgument(argument) {
			all = append(all, k, shownAs{inner(k.text), inner(k.shown)})
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

// maskArgument returns the parts of an argument that may be a connection string,
// as far as they hold passwords, each with the text to show instead. Without a
// scheme, or before it, only options can hold a password.
func maskArgument(argument string) (parts []shownAs) {
	add := func(typed, masked string) {
		if typed != masked {
			parts = append(parts, shownAs{typed, masked})
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

// maskTyped replaces the passwords in a connection string: its user and
// password end at the last "@", whatever stands before. An option ends at the
// next "&", so its value may hold anything else. If a secret option stands
// before the "@", all behind the user may belong to a password.
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

// maskOptions replaces the values of secret options. A password may hold a "?",
// behind which it looks like another option; so an option is looked for behind
// each "?" and "&". Text without a "=" behind a secret option may be a part of
// its value.
func maskOptions(rest string) string {
	var out strings.Builder
	behindSecret := false
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
		case !ok && behindSecret && pair != "":
			out.WriteString(hidden)
		case ok && !strings.Contains(name, "?") && isSecret(name):
			behindSecret = true
			out.WriteString(name + "=" + hidden)
		default:
			continue
		}
		rest = rest[len(pair):]
	}
}

// isSecret tells whether the value of an option is secret. Options decode the
// percent escapes of a name, so "pass%77ord" is "password". A name that cannot
// be decoded may be any.
func isSecret(name string) bool {
	plain, err := url.QueryUnescape(name)
	return err != nil || secretName.MatchString(plain)
}

// maskSecrets replaces the values of secret options in any text, up to the next
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

// mask replaces passwords in a text that holds no words of ours.
func mask(text string) string {
	return maskSecrets(redactCredentials(text))
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
