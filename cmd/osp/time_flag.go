package main

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// A when is the value of a flag for a time, in one of the forms of [parseWhen].
type when struct {
	time.Time
	now func() time.Time
}

// String implements pflag.Value.
func (w *when) String() string {
	if w.IsZero() {
		return ""
	}
	return w.Format(time.RFC3339Nano)
}

// Type implements pflag.Value.
func (w *when) Type() string { return "time" }

// Set implements pflag.Value.
func (w *when) Set(text string) (err error) {
	w.Time, err = parseWhen(text, w.now())
	return err
}

// errWhen lists the forms of a time.
var errWhen = errors.New("it should be a time like 2006-01-02T15:04:05Z, a date like 2006-01-02, a time of today like 16:00 (UTC) or 16:00+02:00, an age like 30m, 1.5h or 3d, or now, today or yesterday")

// timeForms describes a time in the help of a verb.
const timeForms = `Times are RFC 3339 (2026-11-22T07:15:38Z; UTC without an offset), a date, a time
of today (16:00), an age (30m, 1.5h, 3d), now, today or yesterday.`

// parseWhen parses a time:
//
//   - a date and a time, in RFC 3339 or as a listing shows it, or a date, which
//     means its midnight;
//   - a time of today, such as 16:00 or 16:00:05, in UTC or with an offset. Today is
//     the date at that offset;
//   - an age, such as 1.5h, 1h30m, -2h, "2 hours ago" ([parseAge]);
//   - now, today and yesterday. The last two are midnights.
//
// Everything without an offset is UTC.
func parseWhen(text string, now time.Time) (time.Time, error) {
	switch now = now.UTC(); strings.ToLower(text) {
	case "now":
		return now, nil
	case "today":
		return dayAt(now, 0), nil
	case "yesterday":
		return dayAt(now, -1), nil
	}
	if age, ok := parseAge(text); ok {
		return now.Add(-age), nil
	}
	if t, ok := parseClock(text, now); ok {
		return t, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if t, err := osprofiler.ParseTime(text); err == nil {
		return t, nil
	}
	return time.Time{}, errWhen
}

// dayAt returns the midnight of the day that is days after t.
func dayAt(t time.Time, days int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+days, 0, 0, 0, 0, t.Location())
}

// parseClock parses a time of today.
func parseClock(text string, now time.Time) (t time.Time, ok bool) {
	if len(text) > 2 && text[1] == ':' {
		text = "0" + text // 9:30
	}
	for _, layout := range []string{"15:04", "15:04:05", "15:04Z07:00", "15:04:05Z07:00"} {
		clock, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		today := now.In(clock.Location())
		return time.Date(today.Year(), today.Month(), today.Day(),
			clock.Hour(), clock.Minute(), clock.Second(), clock.Nanosecond(), clock.Location()), true
	}
	return t, false
}

// ageUnits are the units of an age.
var ageUnits = map[string]time.Duration{
	"ms": time.Millisecond,
	"s":  time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": day, "day": day, "days": day,
	"w": 7 * day, "week": 7 * day, "weeks": 7 * day,
}

const day = 24 * time.Hour

var (
	ageForm = regexp.MustCompile(`^-?(?:[0-9]{1,9}(?:\.[0-9]{1,9})? ?[a-z]{1,7} ?)+$`)
	agePart = regexp.MustCompile(`([0-9]+)(?:\.([0-9]+))? ?([a-z]+)`)
)

// parseAge parses ages like 90s, 30m, 1.5h, 3d and 1w, and combinations like 1h30m. A minus
// sign before the age or the word ago after it changes nothing. Units may be words, as in "2
// hours ago". parseAge does not accept more than 292 years, the longest time.Duration.
func parseAge(text string) (age time.Duration, ok bool) {
	amount, ago := strings.CutSuffix(text, "ago")
	if ago {
		amount = strings.TrimSuffix(amount, " ")
	}
	if !ageForm.MatchString(amount) || strings.HasSuffix(amount, " ") || ago && amount[0] == '-' {
		return 0, false
	}
	const longest = time.Duration(1<<63 - 1)
	for _, part := range agePart.FindAllStringSubmatch(amount, -1) {
		unit, ok := ageUnits[part[3]]
		n, err := strconv.ParseInt(part[1], 10, 64)
		if !ok || err != nil || n > int64((longest-age)/unit) {
			return 0, false
		}
		age += time.Duration(n) * unit
		fraction, _ := strconv.ParseFloat("0."+part[2], 64) // 0 without digits
		rest := time.Duration(fraction * float64(unit))
		if rest > longest-age {
			return 0, false
		}
		age += rest
	}
	return age, true
}
