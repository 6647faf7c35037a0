package osprofiler

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseKeys parses a comma-separated list of HMAC keys, such as the Python library's option
// hmac_keys. Like that library, it drops the blanks around each key and the empty members, and
// keeps the rest of a key unchanged, including quotation marks. It also drops a UTF-8 byte
// order mark, because the keys may come from a file.
//
// ParseKeys also drops members that consist only of blanks, invisible characters and quotation
// marks, because anybody could sign with them.
//
// If the text is not UTF-8, has a NUL or a line break inside a key, or is a line of a settings
// file, ParseKeys returns an error and no keys. Warnings describe a list that is unusual but
// used. Errors and warnings show no part of a key.
func ParseKeys(list string) (keys, warnings []string, err error) {
	if err := checkKeyText(list); err != nil {
		return nil, nil, err
	}
	warn := func(warning string) {
		if !slices.Contains(warnings, warning) {
			warnings = append(warnings, warning)
		}
	}
	if isQuoted(strings.TrimFunc(list, isBlank)) {
		warn(warnQuoted)
	}
	members := strings.Split(list, ",")
	for _, member := range members {
		key, marked := strings.CutPrefix(strings.TrimFunc(member, isBlank), byteOrderMark)
		key = strings.TrimFunc(key, isBlank)
		switch {
		case marked:
			warn(warnMarked)
		case key == "" && len(members) > 1:
			warn(warnEmpty)
		}
		if key == "" {
			continue
		}
		if strings.ContainsAny(key, "\r\n") {
			return nil, nil, errors.New("a line break stands inside an HMAC key; separate keys by commas")
		}
		if !isKey(key) {
			warn(warnInvisible)
			continue
		}
		for _, warning := range oddities(key) {
			warn(warning)
		}
		keys = append(keys, key)
	}
	return keys, warnings, nil
}

const byteOrderMark = "\uFEFF"

// These are the warnings of ParseKeys.
const (
	warnMarked    = "a byte order mark before an HMAC key was dropped; save the keys as UTF-8 without it"
	warnEmpty     = "the list of HMAC keys has an empty member, which was dropped; check that no key is missing"
	warnInvisible = "an HMAC key of nothing but invisible characters or quotation marks was dropped, because anybody could sign with it"
	warnQuoted    = "quotation marks around an HMAC key count as part of it, as in the Python library; drop them unless the other services have them, too"
	warnHidden    = "an HMAC key holds an invisible character, which counts as part of it; drop it unless the other services have it, too"
)

// isBlank reports whether Python's str.strip removes the character.
func isBlank(r rune) bool { return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' }

// isKey reports whether a key may sign and verify. The empty key may not. A key of only NULs
// may not, because its HMAC equals that of the empty key. A key of only blanks, invisible
// characters and quotation marks may not, because an empty setting produces such a key.
func isKey(key string) bool {
	for _, r := range key {
		if unicode.IsGraphic(r) && !unicode.IsSpace(r) && r != '"' && r != '\'' {
			return true
		}
	}
	return false
}

func oddities(key string) (warnings []string) {
	if isQuoted(key) {
		warnings = append(warnings, warnQuoted)
	}
	if strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsGraphic(r) && !isBlank(r) }) {
		warnings = append(warnings, warnHidden)
	}
	return warnings
}

func isQuoted(text string) bool {
	return len(text) > 1 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0]
}

// setting matches the start of a line that sets the keys, of an environment
// file or of a service's configuration.
var setting = regexp.MustCompile(`^\s*(?:export\s+)?(?i:osprofiler_hmac_keys|hmac[_-]keys?)\s*=`)

// checkKeyText returns an error if a text cannot be a list of keys.
func checkKeyText(list string) error {
	if encoding := encodingOf(list); encoding != "" {
		return fmt.Errorf("the HMAC keys are %s, as some editors of Windows save text; save them as UTF-8", encoding)
	}
	switch {
	case !utf8.ValidString(list):
		return errors.New("the HMAC keys are no UTF-8 text; save them as UTF-8")
	case strings.ContainsRune(list, 0):
		return errors.New("the HMAC keys hold a NUL, which no key may; save them as UTF-8 text")
	}
	if name := setting.FindString(strings.TrimPrefix(list, byteOrderMark)); name != "" {
		return fmt.Errorf("the HMAC keys begin with %q; give only the keys, which stand behind the equals sign", strings.TrimSpace(name))
	}
	return nil
}

// encodingOf returns the name of the encoding of a text that has a byte order mark
// of UTF-16 or UTF-32, or in which every second byte is NUL, as in English text in
// UTF-16. It returns an empty name for any other text.
func encodingOf(text string) string {
	for _, encoding := range []struct{ mark, name string }{
		{"\xFF\xFE\x00\x00", "UTF-32 (little-endian)"}, {"\x00\x00\xFE\xFF", "UTF-32 (big-endian)"},
		{"\xFF\xFE", "UTF-16 (little-endian)"}, {"\xFE\xFF", "UTF-16 (big-endian)"},
	} {
		if strings.HasPrefix(text, encoding.mark) {
			return encoding.name
		}
	}
	var nuls [2]int // at even and at odd indexes
	for i := range len(text) {
		if text[i] == 0 {
			nuls[i%2]++
		}
	}
	switch half := len(text) / 2; {
	case len(text) < 2 || len(text)%2 == 1 || nuls[0]+nuls[1] != half:
		return ""
	case nuls[1] == half:
		return "UTF-16 (little-endian, without a byte order mark)"
	case nuls[0] == half:
		return "UTF-16 (big-endian, without a byte order mark)"
	}
	return ""
}
