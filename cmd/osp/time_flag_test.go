package main

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
)

func TestParseWhen(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		text string
		want time.Time // zero if the text is refused
	}{
		{"2026-11-22T07:15:38Z", time.Date(2026, 11, 22, 7, 15, 38, 0, time.UTC)},
		{"2026-11-22T07:15:38.127314", time.Date(2026, 11, 22, 7, 15, 38, 127314000, time.UTC)},
		{"2026-11-22T07:15:38+02:00", time.Date(2026, 11, 22, 5, 15, 38, 0, time.UTC)},
		{"2026-11-22 07:15:38", time.Date(2026, 11, 22, 7, 15, 38, 0, time.UTC)},
		{"2026-11-22T07:15", time.Date(2026, 11, 22, 7, 15, 0, 0, time.UTC)},
		{"2026-11-22 07:15", time.Date(2026, 11, 22, 7, 15, 0, 0, time.UTC)},
		{"2026-11-22T07:15+05:30", time.Date(2026, 11, 22, 1, 45, 0, 0, time.UTC)},
		{"2026-11-22", time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)},
		{"90s", now.Add(-90 * time.Second)},
		{"30m", now.Add(-30 * time.Minute)},
		{"2h", now.Add(-2 * time.Hour)},
		{"3d", now.Add(-72 * time.Hour)},
		{"1w", now.Add(-168 * time.Hour)},
		{"1h30m", now.Add(-90 * time.Minute)},
		{"0s", now},
		{"1.5h", now.Add(-90 * time.Minute)},
		{"0.5d", now.Add(-12 * time.Hour)},
		{"1h1.5m", now.Add(-time.Hour - 90*time.Second)},
		{"500ms", now.Add(-500 * time.Millisecond)},
		{"-2h", now.Add(-2 * time.Hour)},
		{"-1.5h", now.Add(-90 * time.Minute)},
		{"2h ago", now.Add(-2 * time.Hour)},
		{"2 hours ago", now.Add(-2 * time.Hour)},
		{"1 hour 30 minutes ago", now.Add(-90 * time.Minute)},
		{"30min", now.Add(-30 * time.Minute)},
		{"1 week", now.Add(-168 * time.Hour)},
		{"now", now},
		{"NOW", now},
		{"today", time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)},
		{"yesterday", time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)},
		{"16:00", time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)},
		{"9:30", time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)},
		{"16:00:05", time.Date(2026, 11, 22, 16, 0, 5, 0, time.UTC)},
		{"16:00:05.25", time.Date(2026, 11, 22, 16, 0, 5, 250000000, time.UTC)},
		{"16:00Z", time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)},
		{"16:00+02:00", time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)},
		{"01:00+13:00", time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, // at that offset it is already the 23rd
		{"2026-11-22 07:15+05:30", time.Date(2026, 11, 22, 1, 45, 0, 0, time.UTC)},
		{text: ""},
		{text: "tomorrow"},
		{text: "yesterday 16:00"},
		{text: "2026-13-01"},
		{text: "2026-02-30"},
		{text: "--2h"},
		{text: "+2h"},
		{text: "-2h ago"},
		{text: "2h-30m"},
		{text: "ago"},
		{text: " ago"},
		{text: "2h  ago"},
		{text: "2h "},
		{text: "1.h"},
		{text: ".5h"},
		{text: "1,5h"},
		{text: "1.5"},
		{text: "1e3s"},
		{text: "10m30"},
		{text: "2 fortnights"},
		{text: "1M"},
		{text: "1mo"},
		{text: "24:00"},
		{text: "16:60"},
		{text: "16"},
		{text: "1600"},
		{text: "4pm"},
		{text: "16:00 CET"},
		{text: "1764032400"},
		{text: "11/22/2026"},
		{text: "22.11.2026"},
		{text: "2"},
		{text: "2y"},
		{text: "999999999w"},
		{text: "999999999999999999999s"},
		{text: "2026-11-22T25:00:00Z"},
	}
	for _, tt := range tests {
		got, err := parseWhen(tt.text, now)
		if !got.Equal(tt.want) || (err != nil) != tt.want.IsZero() {
			t.Errorf("parseWhen(%q) = %v, %v; want %v", tt.text, got, err, tt.want)
		}
	}
}

// --since and --until accept the times that a listing shows.
func TestParseWhenTakesStoredTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(0, 253402300799999999).Draw(t, "microseconds")).UTC()
		for _, text := range []string{osprofiler.FormatTime(at), at.Format(time.RFC3339Nano), at.Format(listTime)} {
			if got, err := parseWhen(text, time.Now()); err != nil || !got.Equal(at) {
				t.Fatalf("parseWhen(%q) = %v, %v; want %v", text, got, err, at)
			}
		}
	})
}

func FuzzParseWhen(f *testing.F) {
	for _, seed := range []string{"2h", "1h30m", "2026-11-22", "2026-11-22T07:15:38Z", "", "9w9w"} {
		f.Add(seed)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		if age, ok := parseAge(text); ok && age < 0 {
			t.Fatalf("parseAge(%q) = %v, which is in the future", text, age)
		}
		_, _ = parseWhen(text, now)
	})
}
