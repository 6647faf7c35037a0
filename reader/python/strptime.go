package python

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const pythonFormat = "%Y-%m-%dT%H:%M:%S.%f"

// pythonTime is the pattern that Python's strptime makes of pythonFormat. Its
// \d is any Unicode digit.
var pythonTime = regexp.MustCompile(`^(\p{Nd}{4})-(1[0-2]|0[1-9]|[1-9])-(3[01]|[12]\p{Nd}|0[1-9]|[1-9]| [1-9])[Tt]` +
	`(2[0-3]|[01]\p{Nd}|\p{Nd}):([0-5]\p{Nd}|\p{Nd}):(6[01]|[0-5]\p{Nd}|\p{Nd})\.([0-9]{1,6})`)

// strptime parses a timestamp exactly as Python's datetime.strptime does with the library's
// format. exception is the exception that it raises, or empty.
func strptime(text string) (at time.Time, exception string) {
	if t, ok := commonTime(text); ok {
		return t, ""
	}
	m := pythonTime.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, "ValueError: time data " + pythonString(text) + " does not match format '" + pythonFormat + "'"
	}
	if rest := text[len(m[0]):]; rest != "" {
		return time.Time{}, "ValueError: unconverted data remains: " + printable(rest)
	}
	year, month, day, second := digits(m[1]), digits(m[2]), digits(m[3]), digits(m[6])
	fraction := digits((m[7] + "00000")[:6])
	t := time.Date(year, time.Month(month), day, digits(m[4]), digits(m[5]), second, fraction*1000, time.UTC)
	switch {
	case year == 0:
		return time.Time{}, "ValueError: year 0 is out of range"
	case second > 59:
		return time.Time{}, "ValueError: second must be in 0..59"
	case t.Day() != day:
		return time.Time{}, "ValueError: day is out of range for month"
	}
	return t, ""
}

// commonTime parses the format that the library writes: 2006-01-02T15:04:05.000000.
func commonTime(text string) (at time.Time, ok bool) {
	const form = "0000-00-00T00:00:00.000000"
	if len(text) != len(form) {
		return at, false
	}
	for i := range len(form) {
		if c := text[i]; form[i] == '0' && (c < '0' || c > '9') || form[i] != '0' && c != form[i] {
			return at, false
		}
	}
	part := func(from, to int) (n int) {
		for _, c := range []byte(text[from:to]) {
			n = n*10 + int(c-'0')
		}
		return n
	}
	year, month, day := part(0, 4), part(5, 7), part(8, 10)
	hour, minute, second := part(11, 13), part(14, 16), part(17, 19)
	if year == 0 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return at, false // the regular expression finds the exception
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, part(20, 26)*1000, time.UTC)
	return t, t.Day() == day
}

// digits reads decimal digits of any script, as Python's int does.
func digits(text string) (n int) {
	for _, r := range strings.TrimSpace(text) {
		n = n*10 + digit(r)
	}
	return n
}

func digit(r rune) int {
	if r < unicode.MaxASCII {
		return int(r - '0')
	}
	value := 0 // the digits of a script are consecutive, from zero to nine
	for unicode.Is(unicode.Nd, r-1) {
		r, value = r-1, value+1
	}
	return value % 10
}

// pythonString quotes a text as Python's repr does.
func pythonString(text string) string {
	mark := "'"
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		mark = `"`
	}
	body := printable(strings.ReplaceAll(text, `\`, `\\`))
	if mark == "'" {
		body = strings.ReplaceAll(body, "'", `\'`)
	}
	return mark + body + mark
}

// printable escapes characters that are not printable, as Python's repr does.
func printable(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsPrint(r):
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '\t':
			out.WriteString(`\t`)
		case r < 0x100:
			out.WriteString(`\x` + hex(r, 2))
		case r < 0x10000:
			out.WriteString(`\u` + hex(r, 4))
		default:
			out.WriteString(`\U` + hex(r, 8))
		}
	}
	return out.String()
}

func hex(r rune, width int) string {
	text := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", width-len(text)) + text
}
