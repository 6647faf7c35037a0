package main

import (
	"testing"
	"time"
)

func TestTimeZone(t *testing.T) {
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"UTC": "12:00 UTC", "utc": "12:00 UTC", "Europe/Berlin": "14:00 Europe/Berlin", "Asia/Kolkata": "17:30 Asia/Kolkata",
		"local": at.Local().Format("15:04") + " local",
	} {
		var z timeZone
		if err := z.Set(text); err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := at.In(z.Location()).Format("15:04") + " " + z.Name(); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "Mars", "../etc/passwd", "/etc/localtime", "Europe/", "a\x00b"} {
		if err := new(timeZone).Set(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
	var z timeZone
	if z.Location() != time.UTC || z.Name() != "UTC" {
		t.Errorf("the zero time zone is %s", z.Name())
	}
}
