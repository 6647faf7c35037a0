package driver_test

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/store/driver"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain":        "plain",
		"\xff":         "\uFFFD",
		"a\x00":        "a\x00",
		"\xed\xa0\x80": "\xed\xa0\x80", // a lone surrogate is unchanged
	} {
		if got := driver.Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}
