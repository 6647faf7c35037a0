package connstr

import (
	"cmp"
	"slices"
	"strings"
)

// hints are the texts that [Own] marked, the longest first.
var hints []string

// Own marks a constant text of this project, so that [Redact] never masks it,
// and returns the text. A hint such as "as in redis://host:6379/0 (a password
// ends at an \"@\")" needs the mark, because it reads like a URL with a password.
// The text must not contain any part of a user's connection string. Packages
// call Own only to initialize package variables.
func Own(text string) string {
	if text == "" {
		return ""
	}
	hints = append(hints, text)
	slices.SortFunc(hints, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return text
}

// A replacement is a text and what [Redact] shows instead.
type replacement struct{ text, shown string }

// cutAtReplacement splits a text around the first replacement or hint in it.
func cutAtReplacement(text string, replacements []replacement) (before, shown, after string) {
	first, length := len(text), 0
	for _, r := range replacements {
		if i := strings.Index(text[:min(len(text), first+len(r.text))], r.text); i >= 0 && i < first {
			first, length, shown = i, len(r.text), r.shown
		}
	}
	for _, hint := range hints {
		if i := indexHint(text, hint); i >= 0 && i < first {
			first, length, shown = i, len(hint), hint
		}
	}
	return text[:first], shown, text[first+length:]
}

// indexHint returns the index of a hint in a text, or -1. It skips a hint that is
// only the beginning of a longer URL.
func indexHint(text, hint string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], hint)
		if i < 0 {
			return -1
		}
		if startsOutsideURL(text[from+i+len(hint):]) {
			return from + i
		}
		from += i + len(hint)
	}
}

// startsOutsideURL reports whether a URL before this text ends where the text starts.
func startsOutsideURL(text string) bool {
	return text == "" || strings.ContainsRune(" \t\r\n,;)\"'", rune(text[0])) || strings.HasPrefix(text, ": ")
}
