package connstr

import (
	"cmp"
	"slices"
	"strings"
)

// own are the texts of this project that look like URLs with passwords.
var own []string

// Own marks a text of this project as no secret, and returns it: a hint such
// as "as in redis://host:6379/0 (a password ends at an \"@\")" reads like a URL
// with a password, and [Redact] would mask half of it. The text must not hold
// anything of a connection string. Packages call Own for their variables only,
// before main starts.
func Own(text string) string {
	if text == "" {
		return ""
	}
	own = append(own, text)
	slices.SortFunc(own, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // the longest first
	return text
}

// shownAs is a text of which it is known how to show it.
type shownAs struct{ text, shown string }

// cut cuts a text around the first text in it of which it is known how to show it.
func cut(text string, known []shownAs) (before, shown, behind string) {
	first, length := len(text), 0
	for _, c := range known {
		if i := strings.Index(text[:min(len(text), first+len(c.text))], c.text); i >= 0 && i < first {
			first, length, shown = i, len(c.text), c.shown
		}
	}
	for _, hint := range own {
		if i := indexOwn(text, hint); i >= 0 && i < first {
			first, length, shown = i, len(hint), hint
		}
	}
	return text[:first], shown, text[first+length:]
}

// indexOwn is where one of our own texts stands that no longer URL goes on from.
func indexOwn(text, hint string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], hint)
		if i < 0 {
			return -1
		}
		if ends(text[from+i+len(hint):]) {
			return from + i
		}
		from += i + len(hint)
	}
}

// ends tells whether a URL ends before this text.
func ends(behind string) bool {
	return behind == "" || strings.ContainsRune(" \t\r\n,;)\"'", rune(behind[0])) || strings.HasPrefix(behind, ": ")
}
