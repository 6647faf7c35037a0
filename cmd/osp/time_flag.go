package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// A when is the value of a flag for a time: RFC 3339, a date, or an age like 2h.
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

// parseWhen parses a time. Without an offset the time is UTC. A date means its
// midnight.
func parseWhen(text string, now time.Time) (time.Time, error) {
	if age, ok := parseAge(text); ok {
		return now.Add(-age), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if t, err := osprofiler.ParseTime(text); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("it should be a time like 2006-01-02T15:04:05Z, a date like 2006-01-02, or an age like 30m, 2h or 3d")
}

var (
	ageForm = regexp.MustCompile(`^([0-9]{1,9}[smhdw])+$`)
	agePart = regexp.MustCompile(`([0-9]+)([smhdw])`)
	ageUnit = map[string]time.Duration{
		"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}
)

// parseAge parses ages like 90s, 30m, 2h, 3d and 1w, and combinations like 1h30m. It
// does not accept more than 292 years, the longest time.Duration.
func parseAge(text string) (age time.Duration, ok bool) {
	if !ageForm.MatchString(text) {
		return 0, false
	}
	const longest = time.Duration(1<<63 - 1)
	for _, part := range agePart.FindAllStringSubmatch(text, -1) {
		n, err := strconv.ParseInt(part[1], 10, 64)
		unit := ageUnit[part[2]]
		if err != nil || n > int64((longest-age)/unit) {
			return 0, false
		}
		age += time.Duration(n) * unit
	}
	return age, true
}
