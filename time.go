package osprofiler

import (
	"fmt"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// FormatTime formats a time as OSProfiler does: in UTC, YYYY-MM-DDTHH:MM:SS.ffffff,
// without a zone. The fraction always has six digits; finer ones are cut off.
func FormatTime(t time.Time) string { return string(AppendTime(nil, t)) }

// AppendTime appends the time to dst, in the format of [FormatTime].
func AppendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(dst, pyjson.TimeLayout)
	}
	hour, minute, second := t.Clock()
	micros := t.Nanosecond() / 1000
	text := [...]byte{
		'0' + byte(year/1000), '0' + byte(year/100%10), '0' + byte(year/10%10), '0' + byte(year%10), '-',
		'0' + byte(month/10), '0' + byte(month%10), '-',
		'0' + byte(day/10), '0' + byte(day%10), 'T',
		'0' + byte(hour/10), '0' + byte(hour%10), ':',
		'0' + byte(minute/10), '0' + byte(minute%10), ':',
		'0' + byte(second/10), '0' + byte(second%10), '.',
		'0' + byte(micros/100_000), '0' + byte(micros/10_000%10), '0' + byte(micros/1000%10),
		'0' + byte(micros/100%10), '0' + byte(micros/10%10), '0' + byte(micros%10),
	}
	return append(dst, text[:]...)
}

// ParseTime parses a timestamp leniently: a date and a time with a T, a t or a blank between
// them, a fraction of up to nine digits, and Z or an offset. Without Z or an offset, the time
// is UTC. Fields may lack their leading zeros, as in Python.
func ParseTime(text string) (time.Time, error) {
	if t, ok := parseFormatted(text); ok {
		return t, nil
	}
	p := timeParser{text: text}
	year := p.number(4, 4)
	month := p.after("-").number(1, 2)
	day := p.after("-").number(1, 2)
	hour := p.after("Tt ").number(1, 2)
	minute := p.after(":").number(1, 2)
	second := p.after(":").number(1, 2)
	nanosecond := p.fraction()
	offset := p.offset()
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanosecond, time.UTC)
	if p.failed || p.text != "" || month < 1 || month > 12 || t.Day() != day || hour > 23 || minute > 59 || second > 59 || year == 0 {
		return time.Time{}, fmt.Errorf("timestamp %s should read like 2006-01-02T15:04:05.000000", abbreviate(text))
	}
	return t.Add(-offset), nil
}

// parseFormatted parses the form that FormatTime writes. Nearly all timestamps have this form.
// ok is false for any other form.
func parseFormatted(text string) (t time.Time, ok bool) {
	if len(text) != len("2006-01-02T15:04:05.000000") ||
		text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != '.' {
		return time.Time{}, false
	}
	valid := true
	number := func(from, to int) (n int) {
		for i := from; i < to; i++ {
			valid = valid && isDigit(text[i])
			n = 10*n + int(text[i]-'0')
		}
		return n
	}
	year, month, day := number(0, 4), number(5, 7), number(8, 10)
	hour, minute, second := number(11, 13), number(14, 16), number(17, 19)
	t = time.Date(year, time.Month(month), day, hour, minute, second, 1000*number(20, 26), time.UTC)
	valid = valid && year > 0 && month >= 1 && month <= 12 && day == t.Day() && hour <= 23 && minute <= 59 && second <= 59
	return t, valid
}

// A timeParser parses a text from the left. After a failure it returns zeros.
type timeParser struct {
	text   string
	failed bool
}

func (p *timeParser) number(least, most int) int {
	n, i := 0, 0
	for i < len(p.text) && i < most && isDigit(p.text[i]) {
		n = n*10 + int(p.text[i]-'0')
		i++
	}
	p.failed = p.failed || i < least
	p.text = p.text[i:]
	return n
}

func (p *timeParser) after(separators string) *timeParser {
	for i := range len(separators) {
		if p.text != "" && p.text[0] == separators[i] {
			p.text = p.text[1:]
			return p
		}
	}
	p.failed = true
	return p
}

func (p *timeParser) fraction() int {
	if p.text == "" || p.text[0] != '.' {
		return 0
	}
	p.text = p.text[1:]
	before := len(p.text)
	n := p.number(1, 9)
	for range 9 - (before - len(p.text)) {
		n *= 10
	}
	return n
}

func (p *timeParser) offset() time.Duration {
	if p.text == "" {
		return 0
	}
	sign := time.Duration(1)
	switch p.text[0] {
	case 'Z', 'z':
		p.text = p.text[1:]
		return 0
	case '-':
		sign = -1
	case '+':
	default:
		return 0 // the rest of the text is an error
	}
	p.text = p.text[1:]
	hours := p.number(2, 2)
	minutes := 0
	if p.text != "" {
		p.text = strings.TrimPrefix(p.text, ":")
		minutes = p.number(2, 2)
	}
	p.failed = p.failed || hours > 23 || minutes > 59
	return sign * (time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
