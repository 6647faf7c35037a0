package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"2130e762-6fff":                   "2130e762-6fff",
		"Zażółć 世界":                       "Zażółć 世界",
		"\x1b[2J\n":                       `\x1b[2J\n`,
		"a\u202eb":                        `a\u202eb`,
		"\xff":                            `\xff`,
		`say "hi"`:                        `say "hi"`,
		"cannot read \"\x1b\"":            `cannot read "\x1b"`,
		strings.Repeat("x", 10_000) + "y": strings.Repeat("x", 2048) + "…" + strings.Repeat("x", 2047) + "y",
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%.50q) = %s; want %s", text, got, want)
		}
	}
}

func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"2130e762-6fff":                      "2130e762-6fff",
		"a  2026-01-01  now":                 `a\x20\x202026-01-01\x20\x20now`,
		"a\nb\u00a0c\u3000d":                 `a\nb\u00a0c\u3000d`,
		"a" + strings.Repeat("\u0301", 1000): "a" + strings.Repeat("\u0301", 7) + "…",
	} {
		if got := cell(text); got != want {
			t.Errorf("cell(%.50q) = %s; want %s", text, got, want)
		}
	}
	if n := utf8.RuneCountInString(cell(strings.Repeat("x", 1<<20))); n != mostCell+1 {
		t.Errorf("a field has %d code points", n)
	}
}

// Names keep single blanks. No text in a field can look like the end of the field.
func TestPhrase(t *testing.T) {
	for text, want := range map[string]string{
		"":            "",
		"GET /v3":     "GET /v3",
		"a b c":       "a b c",
		"a  b":        `a\x20\x20b`,
		" a":          `\x20a`,
		"a ":          `a\x20`,
		"a\tb\u202ec": `a\tb\u202ec`,
		"a \u00a0 b":  `a \u00a0 b`,
	} {
		if got := phrase(text); got != want {
			t.Errorf("phrase(%q) = %s; want %s", text, got, want)
		}
		if got := phrase(text); strings.Contains(got, "  ") || strings.TrimSpace(got) != got {
			t.Errorf("phrase(%q) = %q, which looks like several fields", text, got)
		}
	}
}
