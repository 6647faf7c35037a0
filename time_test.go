package osprofiler_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
)

func TestFormatTime(t *testing.T) {
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2024, 5, 6, 7, 8, 9, 10_000, time.UTC), "2024-05-06T07:08:09.000010"},
		{time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), "2024-05-06T07:08:09.000000"},
		{time.Date(2024, 5, 6, 7, 8, 9, 999_999_999, time.UTC), "2024-05-06T07:08:09.999999"},
		{time.Date(2024, 5, 6, 7, 8, 9, 0, time.FixedZone("", 2*3600)), "2024-05-06T05:08:09.000000"},
		{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), "0001-01-01T00:00:00.000000"},
		{time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), "9999-12-31T23:59:59.999999"},
		{time.Date(12024, 5, 6, 7, 8, 9, 0, time.UTC), "12024-05-06T07:08:09.000000"}, // the text is longer rather than wrong
		{time.Date(-5, 5, 6, 7, 8, 9, 1000, time.UTC), "-0005-05-06T07:08:09.000001"},
		{time.Time{}, "0001-01-01T00:00:00.000000"},
	} {
		if got := osprofiler.FormatTime(test.at); got != test.want {
			t.Errorf("FormatTime(%v) = %q, want %q", test.at, got, test.want)
		}
		if got := string(osprofiler.AppendTime([]byte("at "), test.at)); got != "at "+test.want {
			t.Errorf("AppendTime(%v) = %q", test.at, got)
		}
	}
}

func TestParseTime(t *testing.T) {
	at := func(nanosecond int) time.Time { return time.Date(2024, 5, 6, 7, 8, 9, nanosecond, time.UTC) }
	for text, want := range map[string]time.Time{
		"2024-05-06T07:08:09.000010":          at(10_000),
		"2024-05-06T07:08:09":                 at(0),
		"2024-05-06T07:08:09.5":               at(500_000_000),
		"2024-05-06T07:08:09.123456789":       at(123_456_789),
		"2024-05-06T07:08:09.000000001":       at(1),
		"2024-05-06t07:08:09.25":              at(250_000_000),
		"2024-05-06 07:08:09.25":              at(250_000_000),
		"2024-05-06T07:08:09Z":                at(0),
		"2024-05-06t07:08:09.1z":              at(100_000_000),
		"2024-05-06T09:38:09.000001+02:30":    at(1000),
		"2024-05-06T03:08:09-0400":            at(0),
		"2024-05-06T09:08:09+02":              at(0),
		"2024-05-06T07:08:09-00:00":           at(0),
		"2024-5-6T7:8:9.1":                    at(100_000_000),
		"2024-02-29T00:00:00":                 time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
		"0001-01-01T00:00:00":                 time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		"9999-12-31T23:59:59.999999999-23:59": time.Date(10000, 1, 1, 23, 58, 59, 999_999_999, time.UTC),
	} {
		got, err := osprofiler.ParseTime(text)
		if err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("ParseTime(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseTimeRefuses(t *testing.T) {
	for _, text := range []string{
		"", "now", "2024-05-06", "2024-05-06T07:08", "24-05-06T07:08:09", "12024-05-06T07:08:09",
		"2024-00-06T07:08:09", "2024-13-06T07:08:09", "2024-05-00T07:08:09", "2024-05-32T07:08:09",
		"2023-02-29T00:00:00", "2024-05-06T24:00:00", "2024-05-06T07:60:09", "2024-05-06T07:08:60",
		"0000-05-06T07:08:09", "-2024-05-06T07:08:09", "2024-05-06T07:08:09.", "2024-05-06T07:08:09.1234567890",
		"2024-05-06T07:08:09,5", "2024-05-06T07:08:09.5 ", " 2024-05-06T07:08:09", "2024-05-06T07:08:09 UTC",
		"2024-05-06T07:08:09+2", "2024-05-06T07:08:09+02:", "2024-05-06T07:08:09+02:3", "2024-05-06T07:08:09+24:00",
		"2024-05-06T07:08:09+02:60", "2024-05-06T07:08:09+02:30:00", "2024-05-06T07:08:09ZZ", "2024-05-06T07:08:09Z+01",
		"2024/05/06T07:08:09", "2024-05-06X07:08:09", "２０２４-05-06T07:08:09", "2024-05-06T07:08:09\x00", "null", "[1, 2]",
	} {
		got, err := osprofiler.ParseTime(text)
		if err == nil {
			t.Errorf("ParseTime(%q) = %v, want an error", text, got)
			continue
		}
		if !got.IsZero() || !strings.Contains(err.Error(), "should read like 2006-01-02T15:04:05.000000") {
			t.Errorf("ParseTime(%q) = %v, %v", text, got, err)
		}
	}
}

func TestParseTimeIsTheInverse(t *testing.T) {
	zones := []*time.Location{time.UTC, time.FixedZone("", 9*3600+1800), time.FixedZone("", -11*3600)}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		// The range is year 1 to 9999, minus the widest offset at both ends.
		second := rapid.Int64Range(-62135510400, 253402214399).Draw(t, "second")
		at := time.Unix(second, rapid.Int64Range(0, 999_999_999).Draw(t, "nanosecond")).In(zone)

		text := osprofiler.FormatTime(at)
		back, err := osprofiler.ParseTime(text)
		if err != nil || !back.Equal(at.Truncate(time.Microsecond)) || len(text) != 26 {
			t.Fatalf("%v -> %q -> %v, %v", at, text, back, err)
		}
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.000000000Z0700"} {
			if back, err = osprofiler.ParseTime(at.Format(layout)); err != nil || !back.Equal(at) {
				t.Fatalf("%v -> %q -> %v, %v", at, at.Format(layout), back, err)
			}
		}
	})
}

// The fast path for the form of FormatTime gives the same result as the general parser, which
// a final Z forces without changing the meaning.
func TestParseTimeOfEitherWay(t *testing.T) {
	const formatted = "2024-02-29T23:59:59.123456"
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(formatted)
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			text[at] = rapid.SampledFrom([]byte("0123456789-:.Tt +Zx")).Draw(t, "byte")
		}
		if strings.ContainsAny(string(text[20:]), "+-Zz") {
			t.Skip("it has a zone")
		}
		a, errA := osprofiler.ParseTime(string(text))
		b, errB := osprofiler.ParseTime(string(text) + "Z")
		if (errA == nil) != (errB == nil) || !a.Equal(b) || a.Location() != b.Location() {
			t.Fatalf("%s: %v, %v; with a Z: %v, %v", text, a, errA, b, errB)
		}
	})
}
